"""The scope of a request (the ASGI specification, "Exchange Scope")."""

from __future__ import annotations

from urllib.parse import unquote

from gunicorn.engine.exchange import Exchange
from gunicorn.gateway.variables import client_of, peer_of
from gunicorn.http.request import Request
from gunicorn.http.variables import is_port
from gunicorn.tls.facts import Facts, distinguished_name
from gunicorn.wire.priority import Priority, parse_priority

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Scope
    from gunicorn.http.forwarded import Forwarded

VERSIONS = {"version": "3.0", "spec_version": "2.5"}
EXTENSIONS: dict[str, dict[str, object]] = {
    "http.response.trailers": {},
    "http.response.early_hint": {},
    "http.response.pathsend": {},
}
WEBSOCKET_EXTENSIONS: dict[str, dict[str, object]] = {"websocket.http.response": {}}
SOCKET_SCHEMES = {"http": "ws", "https": "wss"}


class Scopes:
    """Makes scopes. What all requests of a connection share is kept with it."""

    __slots__ = ("forwarded", "root_path", "state", "tells_ids")

    def __init__(self, root_path: str) -> None:
        self.root_path = root_path.rstrip("/")
        # A `forwarded.Forwarded` where trusted proxies tell the client's address.
        self.forwarded: Forwarded | None = None
        # Whether requests have ids.
        self.tells_ids = False
        # What the application left in the lifespan's state; every scope has a copy.
        self.state: dict[str, object] | None = None

    def build(self, exchange: Exchange, request: Request) -> dict[str, Any]:
        """The scope of an HTTP request."""
        shared = exchange.shared
        if shared is None:
            shared = exchange.shared = self.shared(exchange, request)
        scope = dict(shared)
        scope["method"] = request.method
        path = request.path
        raw_path = path.encode("latin-1")
        scope["raw_path"] = raw_path
        if "%" in path or not path.isascii():
            # Octets beyond ASCII are UTF-8 whether or not they were percent-encoded.
            path = unquote(raw_path.decode("utf-8", "replace"))
        scope["path"] = self._below_root(path)
        scope["query_string"] = request.query.encode("latin-1")
        scope["headers"] = _fields(request)
        if request.version_minor != 1 and request.version_major == 1:
            scope["http_version"] = "1.0"
        if request.priority is not None:
            extend(scope, "http.response.priority", parse_priority(request.priority).facts())
        self._of_front(scope, exchange, request)
        if self.tells_ids:
            extend(scope, "gunicorn", {"request_id": request.request_id})
        if self.state is not None:
            scope["state"] = self.state.copy()
        return scope

    def _below_root(self, path: str) -> str:
        """The path as a scope has it: it begins with `root_path`, which a proxy may have cut off."""
        root_path = self.root_path
        if root_path and not (path.startswith(root_path + "/") or path == root_path):
            return root_path + path
        return path

    def _of_front(self, scope: Scope, exchange: Exchange, request: Request) -> None:
        """What servers in front say of the client and its request."""
        if request.scheme is not None:
            scope["scheme"] = request.scheme
        told = request.variables
        if told is not None:
            scope.update(self._of_variables(told))
            extend(scope, "gunicorn.variables", dict(told))
        trusts = self.forwarded is not None and request.forwarder_trusted
        if trusts or request.proxy_info is not None or told is not None:
            # There may be another client than the one that all requests of this connection have.
            scope["client"] = client_of(exchange.peer, request, self.forwarded)

    def _of_variables(self, told: dict[str, str]) -> dict[str, object]:
        """What a server in front says by variables, and not by a request of HTTP."""
        found: dict[str, object] = {}
        script_name = told.get("SCRIPT_NAME")
        path = _decoded(told["PATH_INFO"])
        if script_name is not None:
            root_path = found["root_path"] = _decoded(script_name)
            found["path"] = root_path + path
        else:
            found["path"] = self._below_root(path)
        if "SERVER_NAME" in told:
            port = told.get("SERVER_PORT", "")
            found["server"] = (told["SERVER_NAME"], int(port) if is_port(port) else None)
        version = told.get("SERVER_PROTOCOL")
        if version is not None:
            found["http_version"] = version.removeprefix("HTTP/").removesuffix(".0")
        return found

    def build_socket(self, exchange: Exchange, request: Request, subprotocols: list[str]) -> dict[str, Any]:
        """The scope of a WebSocket."""
        scope = self.build(exchange, request)
        scope["type"] = "websocket"
        scope["scheme"] = SOCKET_SCHEMES[scope["scheme"]]
        scope["subprotocols"] = subprotocols
        scope["extensions"] = WEBSOCKET_EXTENSIONS
        if exchange.is_secure():
            extend(scope, "tls", tls_extension(exchange.facts()))
        if self.tells_ids:
            extend(scope, "gunicorn", {"request_id": request.request_id})
        del scope["method"]
        return scope

    def shared(self, exchange: Exchange, request: Request) -> dict[str, Any]:
        """What the requests of a connection have in common, and those of a stream's exchange."""
        listener = exchange.listener
        secure = exchange.is_secure()
        if listener.is_unix:
            server: tuple[str, int | None] = (listener.server_name, None)
        else:
            server = (listener.server_name, int(listener.server_port))
        extensions: dict[str, object] = {**EXTENSIONS}
        if secure:
            extensions["tls"] = tls_extension(exchange.facts())
        is_http2 = request.version_major == 2
        if is_http2:
            extensions["http.response.priority"] = Priority().facts()
        return {
            "type": "http",
            "asgi": VERSIONS,
            "http_version": "2" if is_http2 else "1.1",
            "server": server,
            "client": peer_of(exchange.peer),
            "scheme": "https" if secure else "http",
            "root_path": self.root_path,
            "extensions": extensions,
            "method": "",
            "path": "",
            "raw_path": b"",
            "query_string": b"",
            "headers": None,
        }


def extend(scope: Scope, name: str, facts: object) -> None:
    """Add an extension to one scope; others of the connection may share those it has."""
    scope["extensions"] = {**scope["extensions"], name: facts}


def tls_extension(facts: Facts) -> dict[str, object]:
    """The member `tls` of a scope's extensions (the ASGI specification, "ASGI TLS Extension")."""
    return {
        "server_cert": facts.server_certificate or None,
        "client_cert_chain": list(facts.client_chain),
        "client_cert_name": distinguished_name(facts.client.get("subject", ())) if facts.client else None,
        # A certificate that is not valid ends the handshake.
        "client_cert_error": None,
        "tls_version": facts.version_number or None,
        "cipher_suite": facts.cipher_number or None,
    }


def _decoded(text: str) -> str:
    """A native string of PEP 3333 as one of characters."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")


def _fields(request: Request) -> list[tuple[bytes, bytes]]:
    if request.octets is not None:
        return request.octets
    headers: list[tuple[bytes, bytes]] = []
    authority = request.authority
    for field, value in request.fields:
        lower = field.lower
        if authority is not None and lower == b"host":
            # RFC 9112 section 3.2.2: the host of an absolute target is the one that counts.
            value = authority
        headers.append((lower, value.encode("latin-1")))
    return headers
