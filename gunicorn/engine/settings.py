"""What the engine takes from the configuration, as plain values."""

from __future__ import annotations

from gunicorn._record import Record
from gunicorn.http.limits import Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# How long a connection that is done may go on sending before it is cut: a reset must not overtake our last octets.
LINGER_SECONDS = 2.0


class Settings(Record):
    """Times in seconds (0: no limit), sizes in bytes."""

    keepalive: float = 2.0
    header_timeout: float = 60.0
    body_timeout: float = 60.0
    send_timeout: float = 60.0
    body_buffer_size: int = 1048576
    response_buffer_size: int = 1048576
    upload_dir: str | None = None
    max_connections: int = 0
    buffer_request_body: bool = True
    sendfile: bool = True
    most_running: int = 0


def limits_of(cfg: Any) -> Limits:
    """The parser's part of a `Config`."""
    return Limits(
        request_line=cfg.limit_request_line,
        fields=cfg.limit_request_fields,
        field_size=cfg.limit_request_field_size,
        head=cfg.limit_request_head,
        body=cfg.limit_request_body,
        header_map=cfg.header_map,
        forwarder_headers=frozenset(cfg.forwarder_headers),
        secure_scheme_headers=tuple(cfg.secure_scheme_headers.items()),
        proxy_protocol=cfg.proxy_protocol or "off",
        permit_obsolete_folding=cfg.permit_obsolete_folding,
        strip_header_spaces=cfg.strip_header_spaces,
        permit_unconventional_http_method=cfg.permit_unconventional_http_method,
        permit_unconventional_http_version=cfg.permit_unconventional_http_version,
        casefold_http_method=cfg.casefold_http_method,
        permit_connect=cfg.permit_connect,
        permit_missing_host=cfg.permit_missing_host,
        permit_missing_proxy_header=cfg.permit_missing_proxy_header,
    )


def settings_of(cfg: Any) -> Settings:
    """The engine's part of a `Config`."""
    return Settings(
        keepalive=float(cfg.keepalive),
        header_timeout=float(cfg.header_timeout),
        body_timeout=float(cfg.body_timeout),
        send_timeout=float(cfg.send_timeout),
        body_buffer_size=cfg.body_buffer_size,
        response_buffer_size=cfg.response_buffer_size,
        upload_dir=cfg.tmp_upload_dir,
        max_connections=cfg.worker_connections,
        buffer_request_body=cfg.buffer_request_body,
        sendfile=cfg.sendfile,
        most_running=cfg.limit_concurrency,
    )
