"""From the configuration to the plain values and small objects that the rooms below are given."""

from __future__ import annotations

import os

from gunicorn._standard import standard_first
from gunicorn.config.mounts import octets_of, parse_place
from gunicorn.config.validators.places import cache_control_rules
from gunicorn.engine._leaf import monotonic
from gunicorn.engine.settings import Settings
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.tls.entrance import bind_of

from .access_lines import access_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunicorn._types import Log
    from gunicorn.config.config import Config
    from gunicorn.drivers.http2_entry import HTTP2Entry
    from gunicorn.engine.listener import Listener
    from gunicorn.engine.opener import Opener
    from gunicorn.http.forwarded import Forwarded
    from gunicorn.http.hosts import Hosts
    from gunicorn.unix.sockets import BaseSocket

    from .access_lines import AccessLines
    from .admission import Admission
    from .request_ids import RequestIds
    from .static_site import StaticSite


def limits_of(cfg: Config) -> Limits:
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


def settings_of(cfg: Config) -> Settings:
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


def http2_of(cfg: Config, serves_websockets: bool) -> HTTP2Entry | None:
    """Where connections may become such of HTTP/2; None where none may. `serves_websockets`: on its streams, too."""
    if "h2" not in cfg.http_protocols and cfg.http2_cleartext == "off":
        return None
    # Brings the whole of HTTP/2, which a worker without it need not have in its memory.
    from gunicorn.drivers.http2_entry import HTTP2Entry, HTTP2Options
    from gunicorn.wire.http2_frames import HTTP2Settings

    settings = HTTP2Settings(
        max_concurrent_streams=cfg.http2_max_concurrent_streams,
        initial_window_size=cfg.http2_initial_window_size,
        max_frame_size=cfg.http2_max_frame_size,
        max_header_list_size=cfg.http2_max_header_list_size,
        connect_protocol=serves_websockets,
    )
    return HTTP2Entry(HTTP2Options(
        prior_knowledge=cfg.http2_cleartext in ("prior-knowledge", "both"),
        upgrade=cfg.http2_cleartext in ("upgrade", "both"),
        settings=settings,
        keepalive=float(cfg.keepalive) if "keepalive" in cfg.sources else HTTP2Options().keepalive,
    ))


def other_openers(
    listeners: Sequence[Listener], sockets: Sequence[BaseSocket], cfg: Config
) -> dict[int, Opener]:
    """By the descriptors of the listeners of a worker on which another protocol than HTTP is spoken, who speaks it."""
    found: dict[int, Opener] = {}
    for place, (listener, sock) in enumerate(zip(listeners, sockets, strict=True)):
        protocol = cfg.protocol_of(bind_of(sock, place, cfg))
        if protocol != "http":
            # Brings all three of them.
            from gunicorn.drivers.cgi import CGIOpener

            found[listener.fd] = CGIOpener(protocol, Peers(getattr(cfg, f"{protocol}_allow_ips")))
            # A server in front connects when it has a request; its content comes behind the connection.
            sock.defer()
    return found


def forwarded_of(cfg: Config) -> Forwarded | None:
    """The `forwarded.Forwarded` of a configuration; None when no proxy is to tell the client's address."""
    if cfg.forwarded_for == "off":
        return None
    # Brings `ipaddress`, which few need.
    with standard_first():
        from gunicorn.http.forwarded import Forwarded

    return Forwarded(cfg.forwarded_for, cfg.forwarded_hops, Peers(cfg.forwarded_allow_ips))


def admission_of(cfg: Config) -> Admission | None:
    """The `admission.Admission` of a configuration; None when a request may wait for ever."""
    if not cfg.limit_request_queue_time:
        return None
    from .admission import Admission

    return Admission(cfg.limit_request_queue_time, monotonic)


def request_ids_of(cfg: Config) -> RequestIds | None:
    """The `request_ids.RequestIds` of a configuration; None when requests have no ids."""
    if not cfg.request_id_header:
        return None
    from .request_ids import RequestIds

    return RequestIds(cfg.request_id_header)


def site_of(cfg: Config) -> StaticSite:
    """The files of `static`."""
    # Brings all that is only needed for them.
    with standard_first():
        from .static_site import StaticOptions, StaticSite

    folders = {path: folder and os.path.join(cfg.chdir, folder) for path, folder in cfg.static.items()}
    for place in map(parse_place, cfg.mount):
        # What is mounted within a path of files is as if that path had been given without a folder.
        below = any(f"{place.prefix}/".startswith(f"{path.rstrip('/')}/") for path in cfg.static)
        if below and place.prefix and not place.host:
            folders.setdefault(octets_of(place.prefix), None)
    rules = {"": "no-cache", **dict(cache_control_rules(cfg.static_cache_control))}
    return StaticSite(StaticOptions(folders, rules, cfg.static_index, cfg.static_fallback))


def hosts_of(cfg: Config) -> Hosts:
    """The hosts of `allowed_hosts`."""
    from gunicorn.http.hosts import Hosts

    return Hosts(cfg.allowed_hosts)


def lines_of(log: Log, cfg: Config) -> AccessLines | None:
    """Who makes the access lines of a worker on the hot path; None where the logger is called for each of them."""
    if cfg.log_format != "json":
        return access_lines(log, cfg)
    # Brings `json`.
    with standard_first():
        from .access_json import json_lines

    return json_lines(log)


def response_fields(cfg: Config) -> bytes:
    """The field lines of `response_headers`, each with CRLF."""
    pairs = (line.partition(":") for line in cfg.response_headers)
    return b"".join(f"{name}: {value.strip()}\r\n".encode("latin-1") for name, _, value in pairs)
