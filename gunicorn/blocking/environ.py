"""The environ of a request that was read off a blocking socket (PEP 3333, "environ Variables")."""

from __future__ import annotations

import logging
import os

import gunicorn
from gunicorn.gateway.variables import join_repeated, name_client, peer_of
from gunicorn.gateway.wiring import forwarded_of
from gunicorn.http.request import as_text
from gunicorn.http.target import unquote
from gunicorn.wsgi.environ import mount, name_and_port, name_server, proxy
from gunicorn.wsgi.error_stream import ErrorStream
from gunicorn.wsgi.filewrapper import FileWrapper

from .response import _LINES, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from gunicorn._types import Environ, Fields, Peer
    from gunicorn.config import Config
    from gunicorn.http.request import Request as Head

    from .request import Request

__all__ = ["WSGIErrorsWrapper", "base_environ", "create", "default_environ", "proxy_environ"]


class _ErrorLog:
    """Where `wsgi.errors` writes: the handlers of the error log."""

    error_log = logging.getLogger("gunicorn.error")


class WSGIErrorsWrapper(ErrorStream):
    """`wsgi.errors`: a text stream into the error log's files."""

    def __init__(self, cfg: Config) -> None:
        super().__init__(_ErrorLog)


def base_environ(cfg: Config) -> Environ:
    """What is the same for all requests of a configuration."""
    return {
        "wsgi.errors": WSGIErrorsWrapper(cfg),
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": cfg.workers > 1,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": gunicorn.SERVER_SOFTWARE,
    }


def default_environ(req: Request, sock: socket, cfg: Config) -> Environ:
    """`base_environ`, and what the request line and the socket say."""
    return {
        **base_environ(cfg),
        "wsgi.input": req.body,
        "gunicorn.socket": sock,
        "REQUEST_METHOD": req.method,
        "QUERY_STRING": req.query,
        "RAW_URI": req.uri,
        "SERVER_PROTOCOL": f"HTTP/{req.version[0]}.{req.version[1]}",
    }


def proxy_environ(req: Request) -> Environ:
    """What a PROXY header in front of the connection says; nothing where there was none."""
    environ: Environ = {}
    if req.proxy_protocol_info:
        proxy(environ, req.proxy_protocol_info)
        name_client(environ, (req.proxy_protocol_info["client_addr"], req.proxy_protocol_info["client_port"]))
    return environ


def create(
    req: Request,
    sock: socket,
    client: Peer,
    server: Peer,
    cfg: Config,
    response_class: Callable[..., Response] | None = None,
    response_args: tuple[object, ...] = (),
) -> tuple[Response, Environ]:
    """The response to a request, and the environ to call the application with.

    `client` and `server` are the addresses of the two ends. A client that waits for permission to send its body
    (RFC 9110 section 10.1.1) is given it. Raises `ConfigurationProblem` when the path is not below SCRIPT_NAME, OSError
    when the client is gone.
    """
    response = (response_class or Response)(req, sock, cfg, *response_args)
    head = req.head
    environ = default_environ(req, sock, cfg)
    if req.headers == head.headers:
        join_repeated(environ, head)
    else:
        _join_own(environ, req.headers)
    environ["wsgi.url_scheme"] = req.scheme
    _name_ends(environ, client, server)
    if head.authority is not None:
        # RFC 9112 section 3.2.2: the host of an absolute target is the one that counts.
        environ["HTTP_HOST"] = head.authority
    environ["PATH_INFO"] = unquote(req.path)
    environ.update(proxy_environ(req))
    prefix = os.environ.get("SCRIPT_NAME", "").rstrip("/")
    if head.forwarder_trusted:
        _believe(environ, head, cfg)
        if head.script_name is not None:
            prefix = head.script_name
    environ["SCRIPT_NAME"] = prefix
    if prefix:
        mount(environ, prefix, head)
    environ["wsgi.early_hints"] = _early_hints(req, sock, response)
    if head.expect_continue and req.version >= (1, 1):
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    return response, environ


def _name_ends(environ: Environ, client: Peer, server: Peer) -> None:
    """Who speaks with whom, as the sockets have it."""
    environ["REMOTE_ADDR"] = ""
    known = peer_of(client)
    if known is not None:
        name_client(environ, known)
    if isinstance(server, tuple):
        environ["SERVER_NAME"], environ["SERVER_PORT"] = server[0], str(server[1])
    else:
        name_server(environ, name_and_port(environ.get("HTTP_HOST", "")))


def _believe(environ: Environ, head: Head, cfg: Config) -> None:
    """Who the client is, as a trusted proxy tells it."""
    finder = forwarded_of(cfg)
    known = None if finder is None else finder.client(head)
    if known is not None:
        name_client(environ, known)


def _join_own(environ: Environ, headers: list[tuple[str, str]]) -> None:
    """Fields that somebody has changed behind the parser: what they are called now is what counts."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        variable = name.upper().replace("-", "_")
        if variable not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            variable = "HTTP_" + variable
        values.setdefault(variable, []).append(as_text(value))
    for variable, several in values.items():
        environ[variable] = several[0] if len(several) == 1 else ",".join(several)


def _early_hints(req: Request, sock: socket, response: Response) -> Callable[[Fields], None]:
    def early_hints(headers: Fields) -> None:
        """A 103 response with these fields, now (RFC 8297)."""
        if response.headers_sent or req.version < (1, 1):
            return
        lines = [_LINES.learn(tuple(pair)).line for pair in headers]
        sock.sendall(b"HTTP/1.1 103 Early Hints\r\n" + b"".join(lines) + b"\r\n")

    return early_hints
