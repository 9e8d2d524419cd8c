"""Servers and handlers made for `gevent.pywsgi` (WebSocket libraries bring such) on our sockets and signals.

They speak HTTP by themselves; only the life of the process is ours.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Sized
from datetime import timedelta
from urllib.parse import quote

import gevent
from gevent.pool import Pool
from gevent.pywsgi import LoggingLogAdapter, WSGIHandler, WSGIServer
from gevent.socket import socket as GreenSocket

from gunicorn import SERVER_SOFTWARE
from gunicorn.engine._leaf import monotonic
from gunicorn.gateway.response import status_number
from gunicorn.http.request import Request
from gunicorn.http.response import REASONS
from gunicorn.http.target import elsewhere
from gunicorn.instrument._board import Board
from gunicorn.tls import entrance
from gunicorn.unix import forks
from gunicorn.wsgi.error_stream import ErrorStream
from gunicorn.wsgi.filewrapper import FileWrapper

from .host import GeventHost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gunicorn._types import Environ, ExcInfo, Fields, Log, StartResponse, Write, WSGIApp
    from gunicorn.instrument.scoreboard import Slot
    from gunicorn.tls.terminator import Terminator
    from gunicorn.unix.sockets import BaseSocket

VERSION = f"gevent/{gevent.__version__} {SERVER_SOFTWARE}"

LOOK_SECONDS = 0.05
RENEW_SECONDS = 1.0


class PyWSGIServer(WSGIServer):  # type: ignore[misc]
    """A `server_class` that is gevent's own."""


class PyWSGIHandler(WSGIHandler):  # type: ignore[misc]
    """A `wsgi_handler` whose environ and access log are those of this server; the base of others."""

    def get_environ(self) -> Environ:
        environ: Environ = super().get_environ()
        environ["gunicorn.sock"] = environ["gunicorn.socket"] = self.socket
        environ["RAW_URI"] = self.path
        return environ

    def log_request(self) -> None:
        access = getattr(self.server.log, "access", None)
        if access is None:
            # Of a server that writes a log of its own.
            super().log_request()
            return
        # gevent counts in seconds since the epoch, of which there may be no end yet.
        took = timedelta(seconds=max(0.0, (self.time_finish or time.time()) - self.time_start))
        response = GeventResponse(self.status, getattr(self, "response_headers", ()), self.response_length)
        request = Request()
        pairs = self.headers.items() if getattr(self, "headers", None) else ()
        request._headers = [(name.upper(), value) for name, value in pairs]
        access(response, request, self.environ or {}, took)


class GeventResponse:
    """What the access log reads of a response: `status`, `headers`, `sent` octets."""

    status: str | None = None
    headers: list[tuple[str, str]] | None = None
    sent: int | None = None

    def __init__(
        self,
        status: str | bytes | None,
        headers: Iterable[tuple[str | bytes, str | bytes]] | None,
        clength: int | None,
    ) -> None:
        self.status = status.decode("latin-1") if isinstance(status, bytes) else status
        self.headers = [(_native(name), _native(value)) for name, value in headers or ()]
        self.sent = clength


def _native(text: str | bytes) -> str:
    return text.decode("latin-1") if isinstance(text, bytes) else text


class _Log(LoggingLogAdapter):  # type: ignore[misc]
    """gevent's `log` on our access log, with the `access` that handlers made for this server call."""

    def __init__(self, log: Log) -> None:
        super().__init__(logger_of(log, "access"), level=logging.INFO)
        self.__dict__["access"] = log.access


def logger_of(log: Log, name: str) -> logging.Logger:
    """The logger of `logging` behind the `error` or the `access` log; a class of the user's may have other names."""
    own: logging.Logger | None = getattr(log, f"{name}_log", None)
    return logging.getLogger(f"gunicorn.{name}") if own is None else own


def serve(worker: GeventHost) -> None:
    """Serve until the worker is told to stop; then let requests end for `graceful_timeout` seconds."""
    pool = Pool(worker.cfg.worker_connections)
    servers = [_make_server(worker, listener, place, pool) for place, listener in enumerate(worker.sockets)]
    worker.guests = servers
    for server in servers:
        server.start()
    worker.serve()
    for server in servers:
        server.stop_accepting()
    deadline = worker.engine.clock() + worker.stop_seconds
    while len(pool) and worker.engine.clock() < deadline:
        worker.notify()
        gevent.sleep(LOOK_SECONDS)
    for server in servers:
        server.stop(timeout=LOOK_SECONDS)


def abandon(servers: list[WSGIServer]) -> None:
    """In a child that the application has forked: keep no port open."""
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for server in servers:
        # Closed, its number would be another file's, and still that of gevent's object.
        os.dup2(null, server.socket.fileno(), inheritable=False)
    os.close(null)


def _make_server(worker: GeventHost, listener: BaseSocket, place: int, pool: Pool) -> WSGIServer:
    terminator, redirect = entrance.listener_role(listener, place, worker.cfg, worker.log)
    options: dict[str, object] = {}
    if terminator is not None:
        options["ssl_context"] = terminator.context
        gevent.spawn(_renew, terminator)
    family = listener.FAMILY
    handler = worker.wsgi_handler or WSGIHandler
    return (worker.server_class or WSGIServer)(
        GreenSocket(family, socket.SOCK_STREAM, 0, os.dup(listener.fileno())),
        application=_redirecting(redirect) if redirect else _Counted(worker),
        spawn=pool,
        log=_Log(worker.log) if worker.cfg.accesslog or issubclass(handler, PyWSGIHandler) else None,
        error_log=LoggingLogAdapter(logger_of(worker.log, "error"), level=logging.ERROR),
        handler_class=handler,
        environ={
            "SERVER_SOFTWARE": SERVER_SOFTWARE,
            "wsgi.multithread": True,
            "wsgi.multiprocess": worker.cfg.workers > 1,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.errors": ErrorStream(worker.log),
        },
        **options,
    )


def _renew(terminator: Terminator) -> None:
    """Look for new certificates, for as long as the worker lives."""
    while True:
        gevent.sleep(RENEW_SECONDS)
        terminator.renew()


def _redirecting(port: int) -> WSGIApp:
    """An application that sends clients to HTTPS on another port of this host."""

    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        request = Request()
        request.host = environ.get("HTTP_HOST") or environ["SERVER_NAME"]
        request.path = quote(environ["PATH_INFO"], encoding="latin-1")
        request.query = environ.get("QUERY_STRING", "")
        answer = elsewhere(request, port)
        start_response(f"{answer.status} {REASONS[answer.status]}", [*answer.fields, ("Content-Length", "0")])
        return []

    return application


class _Counted:
    """The application, and the count of its calls for `max_requests`."""

    def __init__(self, worker: GeventHost) -> None:
        self.worker = worker
        self.board = Board(worker.slot)
        self.calls = 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self.calls += 1
        if self.calls >= self.worker.max_requests:
            self.worker.recycle()
        call = _Call(self.worker.slot, self.board, environ, start_response)
        try:
            return call.follow(self._run(environ, call.start_response))
        except BaseException:
            call.end(500)
            raise

    def _run(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "CONNECT" and not self.worker.cfg.permit_connect:
            start_response(f"501 {REASONS[501]}", [("Content-Length", "0"), ("Connection", "close")])
            return []
        try:
            result: Iterable[bytes] = self.worker.traced_application()(environ, start_response)
        except BaseException as error:
            forks.end_stray(error)
            raise
        # A child that comes back from the application would answer this client before its parent does.
        forks.end_stray()
        return result

    def __getattr__(self, name: str) -> object:
        # Some servers look for attributes of the application.
        return getattr(self.worker.wsgi, name)


class _Call:
    """One call of the application, as the scoreboard is told of it: its status, and when its result is closed."""

    def __init__(self, slot: Slot, board: Board, environ: Environ, start_response: StartResponse) -> None:
        self._slot = slot
        self._board = board
        self._method: str = environ["REQUEST_METHOD"]
        self._start_response = start_response
        self._began = monotonic()
        self._status = 0
        self._over = False
        version = 10 if environ.get("SERVER_PROTOCOL") == "HTTP/1.0" else 11
        board.begin(self._method, environ.get("RAW_URI") or environ["PATH_INFO"], self._began, version)

    def start_response(self, status: str, headers: Fields, *args: ExcInfo | None) -> Write:
        """That of the server, overheard."""
        self._status = status_number(status)
        if self._slot.leaving:
            # The server stops soon: gevent closes the connection behind an answer that says so.
            headers = [*headers, ("Connection", "close")]
        return self._start_response(status, headers, *args)

    def follow(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """The result for the server, which closes it at the end."""
        self._result = result
        return _Sized(self, result) if isinstance(result, Sized) else self

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._result)

    def close(self) -> None:
        """The server is done with it."""
        try:
            if hasattr(self._result, "close"):
                self._result.close()
        finally:
            self.end(self._status)

    def end(self, status: int) -> None:
        """It has ended, with this status; once."""
        if not self._over:
            self._over = True
            self._board.end(self._method, status, self._began, monotonic(), 0)


class _Sized:
    """A result that knows how many pieces it has: gevent sums them up, and sends a Content-Length."""

    def __init__(self, call: _Call, pieces: Sized) -> None:
        self._pieces = pieces
        self.close = call.close
        self._call = call

    def __len__(self) -> int:
        return len(self._pieces)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._call)
