"""The bounds and switches a parser obeys: plain values, so that `http` never sees the configuration."""

from __future__ import annotations

from gunicorn._record import Record


class Limits(Record):
    """What is taken from a peer. Sizes in bytes; 0 means no limit where the setting says so."""

    request_line: int = 8190
    fields: int = 100
    field_size: int = 8190
    head: int = 65536
    body: int = 0
    header_map: str = "drop"
    forwarder_headers: frozenset[str] = frozenset({"SCRIPT_NAME", "PATH_INFO"})
    secure_scheme_headers: tuple[tuple[str, str], ...] = ()
    proxy_protocol: str = "off"
    permit_obsolete_folding: bool = False
    strip_header_spaces: bool = False
    permit_unconventional_http_method: bool = False
    permit_unconventional_http_version: bool = False
    casefold_http_method: bool = False
    permit_connect: bool = False
    permit_missing_host: bool = False
    permit_missing_proxy_header: bool = False
