"""What a span says of its request: the attributes of OpenTelemetry's stable convention for HTTP servers.

Pure functions of WSGI's environ and ASGI's scope. What the server itself knows of the request goes before what those
say: its target as it was sent, and who has connected.
"""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunicorn._types import Environ, Peer, Scope

    Attributes = dict[str, str | int]

__all__ = ["NOTHING", "Behind", "behind", "known_methods", "of_environ", "of_scope", "span_name", "without_secrets"]

#: The methods of RFC 9110, PATCH (RFC 5789) and QUERY.
METHODS = frozenset({
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
})
#: Parameters whose values let others act in the name of whoever signed them.
SECRET = frozenset({
    "AWSAccessKeyId", "Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Amz-Signature", "X-Goog-Signature",
    "sig",
})
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Behind(NamedTuple):
    """What the server knows of a request beyond what its application is told.

    `trusted`: whether the peer is in `forwarded_allow_ips`; None where nobody knows. `started`: when the request was
    complete, by the monotonic clock; 0 where nobody knows. `target`: path and query as they were sent, or None.
    """

    trusted: bool | None = None
    peer: Peer = None
    started: float = 0.0
    target: tuple[str, str] | None = None
    method: str = ""
    response: object = None
    # The head of the request, which the access log will look at.
    head: object = None


NOTHING = Behind()


def behind(function: object) -> Behind:
    """What stands behind `start_response` or `send`, if that is a method of one of this server's responses."""
    response = getattr(function, "__self__", None)
    request = getattr(response, "request", None) or getattr(response, "req", None)
    # Where a worker reads its connections by itself, the head is a part of the request.
    head = getattr(request, "head", request)
    trusted = getattr(head, "forwarder_trusted", None)
    if head is None or trusted is None:
        return NOTHING
    exchange = getattr(response, "exchange", None)
    return Behind(
        bool(trusted),
        getattr(request, "peer_addr", None) if exchange is None else exchange.peer,
        head.started,
        (head.path, head.query),
        head.method,
        response,
        head,
    )


def known_methods(variables: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The methods that are told apart: by the standard variable, which replaces all of the usual ones."""
    words = variables.get("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "").split(",")
    return frozenset(word.strip() for word in words if word.strip()) or METHODS


def span_name(attributes: Attributes) -> str:
    """The name of a request's span: its method, since only a framework knows its route."""
    method = attributes["http.request.method"]
    return "HTTP" if method == "_OTHER" else str(method)


def of_environ(environ: Environ, known: Behind, methods: frozenset[str] = METHODS) -> Attributes:
    """The attributes of a request of WSGI."""
    scheme = environ.get("wsgi.url_scheme", "http")
    target = known.target
    if target is None:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        target = quote(path, encoding="latin-1", errors="replace"), environ.get("QUERY_STRING", "")
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    version = environ.get("SERVER_PROTOCOL", "").removeprefix("HTTP/")
    found = _common(environ.get("REQUEST_METHOD", ""), methods, scheme, target, _utf8(host), version)
    agent, client = environ.get("HTTP_USER_AGENT"), environ.get("REMOTE_ADDR")
    _add_client(found, _utf8(agent) if agent else None, client or None, known.peer)
    return found


def of_scope(scope: Scope, known: Behind, methods: frozenset[str] = METHODS) -> Attributes:
    """The attributes of a request or a WebSocket of ASGI."""
    target = known.target
    if target is None:
        raw = scope.get("raw_path") or quote(scope.get("path", "")).encode("ascii")
        target = raw.decode("latin-1"), scope.get("query_string", b"").decode("latin-1")
    server, client = scope.get("server"), scope.get("client")
    host = _first_of(scope, b"host")
    if host is None:
        host = str(server[0]) if server else ""
    method = scope.get("method") or known.method or "GET"
    found = _common(method, methods, scope.get("scheme", "http"), target, host, scope.get("http_version", ""))
    _add_client(found, _first_of(scope, b"user-agent"), client[0] if client else None, known.peer)
    return found


def _first_of(scope: Scope, name: bytes) -> str | None:
    """The value of the first field of this name."""
    values = (value for each, value in scope.get("headers", ()) if each == name)
    value = next(values, None)
    return None if value is None else str(value, "utf-8", "replace")


def _common(
    method: str, methods: frozenset[str], scheme: str, target: tuple[str, str], host: str, version: str
) -> Attributes:
    path, query = target
    found: Attributes = {"http.request.method": method, "url.scheme": scheme, "url.path": _utf8(path)}
    if method not in methods:
        found["http.request.method"] = "_OTHER"
        found["http.request.method_original"] = _utf8(method)
    if query:
        found["url.query"] = without_secrets(_utf8(query))
    name, port = _host_and_port(host)
    if name:
        found["server.address"] = name
        found["server.port"] = port or _PORTS.get(scheme, 80)
    if version:
        # As the convention writes HTTP/2 and HTTP/3.
        found["network.protocol.version"] = version.removesuffix(".0") if version[0] in "23" else version
    return found


def _add_client(found: Attributes, agent: str | None, client: str | None, peer: Peer) -> None:
    """Who has asked, by what is known of them; `peer` is who has connected."""
    if agent is not None:
        found["user_agent.original"] = agent
    if client is not None:
        found["client.address"] = client
    if isinstance(peer, tuple) and len(peer) >= 2:
        found["network.peer.address"] = str(peer[0])
        found["network.peer.port"] = int(peer[1])


def _host_and_port(host: str) -> tuple[str, int]:
    """The two parts of a `Host` field; the port is 0 where there is none."""
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        name, port = host, ""
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    return name.removeprefix("[").removesuffix("]"), number


def without_secrets(query: str) -> str:
    """A query in whose place of secrets stands REDACTED; names stay."""
    if not any(name in query for name in SECRET):
        return query
    parts = []
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        parts.append(f"{name}=REDACTED" if equals and name in SECRET else part)
    return "&".join(parts)


def _utf8(text: str) -> str:
    """A native string (PEP 3333), one character an octet, as the text that those octets are."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
