"""What the engine takes from the configuration, as plain values."""

from __future__ import annotations

from ..http.limits import Limits
from ..record import Record
from ..standard import standard_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# How long a connection that is done may go on sending before it is cut: a reset must not overtake our last octets.
LINGER_SECONDS = 2.0
# The same where the end of the process waits for it.
LAST_LINGER_SECONDS = 0.5


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


class Peers:
    """Which peers belong to an allow-list of addresses and networks.

    `*` allows all. A peer on a unix socket has no address and is allowed.
    """

    def __init__(self, allowed: list[Any]) -> None:
        words = [str(word) for word in allowed]
        self._all = "*" in words
        # The default is plain addresses: those need no module that takes milliseconds to import.
        self._plain = frozenset(word for word in words if "/" not in word)
        self._words = [word for word in words if word != "*"]
        self._networks: list[Any] | None = None

    def allows(self, address: Any) -> bool:
        """`address` is what accept() gave: a tuple whose first member is an IP address, or a path or nothing."""
        if self._all or not isinstance(address, tuple):
            return True
        host = address[0]
        return host in self._plain or (bool(self._words) and self._look(host))

    def _look(self, host: str) -> bool:
        if self._networks is None:
            with standard_first():
                from ipaddress import ip_network

            self._networks = [ip_network(word, strict=False) for word in self._words]
        from ipaddress import ip_address

        try:
            ip = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(ip, "ipv4_mapped", None)
        ip = mapped or ip
        return any(ip in network for network in self._networks if network.version == ip.version)
