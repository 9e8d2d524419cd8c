"""Servers and handlers made for `gevent.pywsgi` (WebSocket libraries bring such) on our sockets and signals.

They speak HTTP by themselves; only the life of the process is ours.
"""

from __future__ import annotations

import logging
import os
import socket
from urllib.parse import quote

import gevent
from gevent.pool import Pool
from gevent.pywsgi import LoggingLogAdapter, WSGIHandler, WSGIServer
from gevent.socket import socket as GreenSocket

from .. import SERVER_SOFTWARE
from ..engine import entrance
from ..http.message import Request
from ..http.response import REASONS
from ..http.target import elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .ggevent import GeventWorker

LOOK_SECONDS = 0.05
RENEW_SECONDS = 1.0


def serve(worker: GeventWorker) -> None:
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


def abandon(servers: list[Any]) -> None:
    """In a child that the application has forked: keep no port open."""
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for server in servers:
        # Closed, its number would be another file's, and still that of gevent's object.
        os.dup2(null, server.socket.fileno(), inheritable=False)
    os.close(null)


def _make_server(worker: GeventWorker, listener: Any, place: int, pool: Pool) -> Any:
    terminator, redirect = entrance.way_in(listener, place, worker.cfg, worker.log)
    options: dict[str, Any] = {}
    if terminator is not None:
        options["ssl_context"] = terminator.context
        gevent.spawn(_renew, terminator)
    family = listener.FAMILY
    return (worker.server_class or WSGIServer)(
        GreenSocket(family, socket.SOCK_STREAM, 0, os.dup(listener.fileno())),
        application=_redirecting(redirect) if redirect else _Counted(worker),
        spawn=pool,
        log=LoggingLogAdapter(worker.log.access_log, level=logging.INFO) if worker.cfg.accesslog else None,
        error_log=LoggingLogAdapter(worker.log.error_log, level=logging.ERROR),
        handler_class=worker.wsgi_handler or WSGIHandler,
        environ={
            "SERVER_SOFTWARE": SERVER_SOFTWARE,
            "wsgi.multithread": True,
            "wsgi.multiprocess": worker.cfg.workers > 1,
        },
        **options,
    )


def _renew(terminator: Any) -> None:
    """Look for new certificates, for as long as the worker lives."""
    while True:
        gevent.sleep(RENEW_SECONDS)
        terminator.renew()


def _redirecting(port: int) -> Any:
    """An application that sends clients to HTTPS on another port of this host."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        request = Request()
        request.host = environ.get("HTTP_HOST") or environ["SERVER_NAME"]
        request.path = quote(environ["PATH_INFO"], encoding="latin-1")
        request.query = environ.get("QUERY_STRING", "")
        answer = elsewhere(request, port)
        fields = [tuple(line.split(": ", 1)) for line in answer.fields.decode("latin-1").splitlines()]
        start_response(f"{answer.status} {REASONS[answer.status]}", [*fields, ("Content-Length", "0")])
        return []

    return application


class _Counted:
    """The application, and the count of its calls for `max_requests`."""

    def __init__(self, worker: GeventWorker) -> None:
        self.worker = worker
        self.calls = 0

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.calls += 1
        if self.calls >= self.worker.max_requests:
            self.worker.recycle()
        if environ["REQUEST_METHOD"] == "CONNECT" and not self.worker.cfg.permit_connect:
            start_response(f"501 {REASONS[501]}", [("Content-Length", "0"), ("Connection", "close")])
            return []
        return self.worker.wsgi(environ, start_response)

    def __getattr__(self, name: str) -> Any:
        # Some servers look for attributes of the application.
        return getattr(self.worker.wsgi, name)
