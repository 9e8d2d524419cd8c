"""The environ of a request (PEP 3333, "environ Variables"; RFC 3875 section 4.1)."""

from __future__ import annotations

from gunicorn.engine._leaf import bind
from gunicorn.engine.buffers import BodyStream
from gunicorn.engine.exchange import Exchange
from gunicorn.gateway.socket_view import SocketView
from gunicorn.gateway.turn import Turn
from gunicorn.gateway.variables import client_of, join_repeated, name_client, peer_of
from gunicorn.http.errors import ConfigurationProblem
from gunicorn.http.request import Request
from gunicorn.http.target import unquote

from .handed import Shared
from .input import EmptyInput, StreamInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Environ, ProxyInfo
    from gunicorn.engine.listener import Listener
    from gunicorn.http.forwarded import Forwarded

_EARLY_HINTS = Turn.early_hints

# So many hosts are remembered: a site has a few, and whoever makes up more does not fill the memory.
MOST_HOSTS = 64

# What is the same for all requests of a connection.
_OF_CONNECTION = ("REMOTE_ADDR", "REMOTE_PORT", "gunicorn.socket", "gunicorn.client_disconnected", "wsgi.early_hints")


class EnvironBuilder:
    """Makes environs. What all requests of a listener share is made once, what those of a connection share once too."""

    __slots__ = ("base", "forwarded", "hosts", "script_name", "templates", "wait_readable")

    def __init__(self, base: Environ, script_name: str, wait_readable: Callable[[Exchange], None]) -> None:
        self.base = base
        self.script_name = script_name.rstrip("/")
        self.wait_readable = wait_readable
        # A `forwarded.Forwarded` where trusted proxies tell the client's address.
        self.forwarded: Forwarded | None = None
        self.templates: dict[int, Environ] = {}
        # What was lately asked for, and its parts.
        self.hosts: dict[str, tuple[str, str]] = {}

    def template(self, listener: Listener) -> Environ:
        """The part of the environ that every request of a listener has."""
        found = self.templates.get(listener.fd)
        if found is None:
            found = self.templates[listener.fd] = {
                **self.base,
                "SCRIPT_NAME": self.script_name,
                "SERVER_NAME": listener.server_name,
                "SERVER_PORT": listener.server_port,
                "SERVER_PROTOCOL": "HTTP/1.1",
                "wsgi.url_scheme": "http" if listener.terminator is None else "https",
                "QUERY_STRING": "",
                "wsgi.input": EmptyInput(),
                # Places for what differs: an environ that need not grow is a plain copy.
                **dict.fromkeys((*_OF_CONNECTION, "REQUEST_METHOD", "RAW_URI", "PATH_INFO"), ""),
            }
        return found

    def build(self, exchange: Exchange, request: Request) -> Environ:
        """Raises `ConfigurationProblem` when the path is not below SCRIPT_NAME."""
        shared = exchange.shared
        handed: Shared = exchange.handed
        if shared is not None and handed.renew(exchange.number):
            environ = dict(shared)
        else:
            environ = self._of_connection(exchange, exchange.listener, request)
        environ["REQUEST_METHOD"] = request.method
        environ["RAW_URI"] = request.uri
        if request.variables is None:
            path = request.path
            environ["PATH_INFO"] = unquote(path) if "%" in path else path
        if request.query:
            environ["QUERY_STRING"] = request.query
        size = len(environ)
        for field, value in request.fields:
            environ[field.variable] = value
        if len(environ) != size + len(request.fields):
            join_repeated(environ, request)
        body = request.body
        if body is not None:
            self._body(environ, exchange, request, body)
        if request.version_minor != 1 or request.version_major != 1:
            self._of_version(environ, exchange, request)
        self._of_front(environ, exchange, request)
        self._mount(environ, request)
        return environ

    def _of_version(self, environ: Environ, exchange: Exchange, request: Request) -> None:
        """What is not HTTP/1.1 says so."""
        if request.version_major == 2 and request.version_minor == 0:
            environ["SERVER_PROTOCOL"] = "HTTP/2.0"
            self._of_http2(environ, exchange, request)
        else:
            environ["SERVER_PROTOCOL"] = f"HTTP/{request.version_major}.{request.version_minor}"

    def _of_front(self, environ: Environ, exchange: Exchange, request: Request) -> None:
        """What servers in front say of the client, and by what name it has asked for us."""
        if request.scheme is not None:
            environ["wsgi.url_scheme"] = request.scheme
        if request.authority is not None:
            # RFC 9112 section 3.2.2: the host of an absolute target is the one that counts.
            environ["HTTP_HOST"] = request.authority
        told = request.variables
        if exchange.listener.is_unix and (told is None or "SERVER_NAME" not in told):
            self._serve_host(environ)
        if told is not None:
            environ.update(told)
        if request.proxy_info is not None or (self.forwarded is not None and request.forwarder_trusted):
            self._of_proxy(environ, exchange, request)

    def _of_proxy(self, environ: Environ, exchange: Exchange, request: Request) -> None:
        """There may be another client than the one that all requests of this connection have."""
        info = request.proxy_info
        if info is not None:
            proxy(environ, info)
        client = client_of(exchange.peer, request, self.forwarded)
        if client is not None:
            name_client(environ, client)

    def _mount(self, environ: Environ, request: Request) -> None:
        """Divide the path where the application is mounted below it."""
        told = request.variables
        if told is not None and "SCRIPT_NAME" in told:
            # The path is what is below it.
            return
        script_name = self.script_name
        if request.script_name is not None and request.forwarder_trusted:
            # Of the proxy's own field: what else makes HTTP_SCRIPT_NAME came from whoever sent it.
            script_name = environ["SCRIPT_NAME"] = request.script_name
        if script_name:
            mount(environ, script_name, request)

    def _of_connection(self, exchange: Exchange, listener: Listener, request: Request) -> Environ:
        """The part of the environ that every request of a connection has."""
        environ = dict(self.template(listener))
        client = peer_of(exchange.peer)
        if client is not None:
            name_client(environ, client)
        if exchange.is_secure():
            # Not before there is a connection with TLS.
            from .tls_variables import tls_variables

            environ.update(tls_variables(exchange.facts()))
        if request.version_major == 2:
            # Not before there is a connection of HTTP/2.
            from .http2_variables import USUAL_PRIORITY

            environ.update(USUAL_PRIORITY)
        turn = Turn.__new__(Turn)
        turn.begin(exchange)
        view = SocketView.__new__(SocketView)
        view.begin(turn)
        environ["gunicorn.socket"] = view
        environ["gunicorn.client_disconnected"] = turn
        environ["wsgi.early_hints"] = bind(_EARLY_HINTS, turn)
        if exchange.number > 1:
            # It asks again: a copy costs less than making it anew. The engine drops it when the client is idle.
            del view, turn
            handed = Shared.__new__(Shared)
            handed.begin(environ)
            exchange.shared = environ
            exchange.handed = handed
            environ = dict(environ)
        return environ

    def _serve_host(self, environ: Environ) -> None:
        """A unix socket has no name and port of its own: take what the client asked for."""
        host = environ.get("HTTP_HOST", "")
        found = self.hosts.get(host)
        if found is None:
            if len(self.hosts) >= MOST_HOSTS:
                self.hosts.clear()
            found = self.hosts[host] = name_and_port(host)
        name_server(environ, found)

    def _of_http2(self, environ: Environ, exchange: Exchange, request: Request) -> None:
        """What some requests of HTTP/2 have besides."""
        if request.priority is None and request.body is None and not request.takes_trailers:
            return
        from .http2_variables import add_variables

        add_variables(environ, exchange, request)

    def _body(self, environ: Environ, exchange: Exchange, request: Request, body: object) -> None:
        if isinstance(body, BodyStream):
            environ["wsgi.input"] = StreamInput(exchange, body, self.wait_readable, exchange.engine.guard)
            return
        environ["wsgi.input"] = body
        if request.chunked:
            # The coding is undone and the length known: say so, for the many that read CONTENT_LENGTH only.
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            environ["CONTENT_LENGTH"] = str(exchange.body_size)


def name_and_port(host: str) -> tuple[str, str]:
    """The parts of a Host field; the port is empty where it has none."""
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = host, ""
    return name or "localhost", port


def name_server(environ: Environ, parts: tuple[str, str]) -> None:
    """The server is what the client asked for; `parts` are those of its Host field."""
    name, port = parts
    environ["SERVER_NAME"] = name
    environ["SERVER_PORT"] = port or ("443" if environ["wsgi.url_scheme"] == "https" else "80")


def proxy(environ: Environ, info: ProxyInfo) -> None:
    """What the PROXY protocol tells besides the client."""
    environ["PROXY_PROTOCOL"] = info["proxy_protocol"]
    environ["PROXY_ADDR"] = info["proxy_addr"]
    environ["PROXY_PORT"] = str(info["proxy_port"])


def mount(environ: Environ, script_name: str, request: Request) -> None:
    """The application is mounted at `script_name`: that is the whole path, or the path goes on with a slash."""
    path = environ["PATH_INFO"]
    if path == "*":
        return
    if not (path.startswith(script_name) and path[len(script_name):len(script_name) + 1] in ("", "/")):
        raise ConfigurationProblem(f"the path {request.path} is not below SCRIPT_NAME {script_name}")
    environ["SCRIPT_NAME"] = script_name
    environ["PATH_INFO"] = path[len(script_name):]
