"""The vocabulary of the wire table: what is sent, what must come back, and what becomes of the connection."""

from __future__ import annotations

from typing import Any, NamedTuple

KEEP, CLOSE = "keep", "close"
TAIL = b"GET /tail HTTP/1.1\r\nHost: tail\r\n\r\n"


class Case(NamedTuple):
    """One specimen: ``data`` is a complete message (or complete enough to be refused)."""

    name: str
    data: bytes
    status: int = 200
    fate: str = KEEP
    #: Keys of the environ the application must have seen, with their values.
    env: dict[str, Any] = {}
    #: Keys the application must not have seen.
    absent: tuple[str, ...] = ()
    #: The request body as the application read it (None: not looked at).
    body: bytes | None = None
    #: Which server configuration (see ``VARIANTS``) the specimen is for.
    variant: str = "default"
    #: The method that frames the answer.
    method: str = "GET"
    #: Response fields that must be there with this value (None: must not be there), lower-case names.
    fields: dict[str, str | None] = {}
    #: Status codes of the interim answers, in order.
    interim: tuple[int, ...] = ()
    #: The exact body of the answer (None: not looked at).
    answer: bytes | None = None


#: name -> arguments of the server. Limits are left at their defaults where nothing else is said.
VARIANTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "untrusted": ("--forwarded-allow-ips", "192.0.2.1"),
    "folding": ("--permit-obsolete-folding",),
    "strip": ("--strip-header-spaces",),
    "methods": ("--permit-unconventional-http-method",),
    "casefold": ("--casefold-http-method",),
    "versions": ("--permit-unconventional-http-version",),
    "hostless": ("--permit-missing-host",),
    "map-refuse": ("--header-map", "refuse"),
    "map-dangerous": ("--header-map", "dangerous"),
    "map-dangerous-untrusted": ("--header-map", "dangerous", "--forwarded-allow-ips", "192.0.2.1"),
    "map-refuse-untrusted": ("--header-map", "refuse", "--forwarded-allow-ips", "192.0.2.1"),
    "forwarder": ("--forwarder-headers", "SCRIPT_NAME,PATH_INFO,REMOTE_USER"),
    "forwarder-untrusted": (
        "--forwarder-headers", "SCRIPT_NAME,PATH_INFO,REMOTE_USER", "--forwarded-allow-ips", "192.0.2.1",
    ),
    "forwarder-dangerous": ("--forwarder-headers", "REMOTE_USER", "--header-map", "dangerous"),
    "forwarder-refuse": ("--forwarder-headers", "REMOTE_USER", "--header-map", "refuse"),
    "forwarder-all": ("--forwarder-headers", "*"),
    "limits": (
        "--limit-request-line", "60", "--limit-request-fields", "5", "--limit-request-field_size", "60",
    ),
    "no-limits": ("--limit-request-line", "0", "--limit-request-field_size", "0"),
    "no-keepalive": ("--keep-alive", "0"),
    "proxy-v1": ("--proxy-protocol", "v1"),
    "proxy-v2": ("--proxy-protocol", "v2"),
    "proxy-auto": ("--proxy-protocol", "auto"),
    "proxy-permitted": ("--proxy-protocol", "auto", "--permit-missing-proxy-header"),
    "proxy-untrusted": ("--proxy-protocol", "auto", "--proxy-allow-from", "192.0.2.1"),
}


def lines(*parts: bytes | str) -> bytes:
    """Lines joined by CRLF, without an end of their own."""
    return b"\r\n".join(part.encode("latin-1") if isinstance(part, str) else part for part in parts)


def head(line: bytes | str, *fields: bytes | str, host: bytes | str | None = "Host: example.com") -> bytes:
    """A request head: the line, a good Host field, further fields, the empty line."""
    return lines(line, *([host] if host is not None else []), *fields, "", "")


def get(*fields: bytes | str) -> bytes:
    return head("GET / HTTP/1.1", *fields)


def post(*fields: bytes | str, body: bytes = b"") -> bytes:
    return head("POST / HTTP/1.1", *fields) + body


def chunked(body: bytes, *fields: bytes | str) -> bytes:
    return post("Transfer-Encoding: chunked", *fields, body=body)


def ok(name: str, data: bytes, **expected: Any) -> Case:
    """A good request that the application answers."""
    return Case(name, data, **expected)


def bad(name: str, data: bytes, status: int = 400, **expected: Any) -> Case:
    """A request that is refused; after that the stream cannot be trusted and is closed."""
    return Case(name, data, status, CLOSE, **expected)
