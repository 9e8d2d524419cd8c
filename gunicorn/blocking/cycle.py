"""A connection of a worker that accepts for itself: read a request, run the application, answer, read the next one."""

from __future__ import annotations

import time
from datetime import timedelta

from gunicorn.errors import OwnSignal
from gunicorn.gateway.gateway import shown
from gunicorn.gateway.health_path import asks_for_health, health
from gunicorn.gateway.queue_times import tell_queue_time
from gunicorn.gateway.wiring import hosts_of, request_ids_of, response_fields, site_of
from gunicorn.http.errors import HTTPError, NoMoreData
from gunicorn.http.request import Request as Head
from gunicorn.http.response import REASONS, http_date
from gunicorn.instrument._board import Board
from gunicorn.unix.sockets import close, close_graceful, ssl_wrap_socket
from gunicorn.wire.http1_response import error_response, refusal

from .environ import create
from .parser import MOST_THROWN_AWAY, get_parser
from .response import ClientGone, Response, server_name
from .static import StaticApplication

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from socket import socket
    from ssl import SSLContext, SSLSocket
    from typing import Protocol

    from gunicorn._types import Environ, Log, Peer, WSGIApp
    from gunicorn.config import Config
    from gunicorn.gateway.request_ids import RequestIds
    from gunicorn.gateway.static_site import StaticSite
    from gunicorn.http.hosts import Hosts
    from gunicorn.instrument.scoreboard import Slot

    from .parser import RequestParser
    from .request import Request

    class BlockingWorker(Protocol):
        """A worker that accepts for itself, as far as an answer needs it."""

        cfg: Config
        log: Log
        # Not told to stop yet.
        alive: bool
        # Requests begun so far, and after how many this worker is replaced.
        nr: int
        max_requests: int

        @property
        def slot(self) -> Slot:
            """Its page of the scoreboard."""

        def traced_application(self) -> WSGIApp:
            """The application, with a span around each request where they have such."""

        def recycle(self) -> None:
            """`max_requests` is reached."""

        def handle_error(self, req: Request | None, client: socket, addr: Peer, exc: BaseException) -> None:
            """A request could not be read, or its application has failed."""

    class ConversingWorker(BlockingWorker, Protocol):
        """One whose connections are served from their first request to their last."""

        def handle_request(self, server: Peer, req: Request, client: socket, addr: Peer, /) -> object:
            """Serve one request."""

__all__ = ["answer", "answer_error", "converse", "next_request", "secured", "tell_failure"]

# What an application returns that has answered on the socket by itself.
ALREADY_HANDLED = object()


def converse(
    worker: ConversingWorker,
    server: Peer,
    client: socket,
    addr: Peer,
    persistent: bool,
    context: Callable[[], AbstractContextManager[object]],
) -> None:
    """Serve the requests of a connection and close it; never raises what a client or an application can cause.

    `server` and `addr` are the addresses of the two ends. Without `persistent` one request is served. `context` makes
    what surrounds the wait for a request; where it ends the wait, the connection ends. Each request goes through the
    worker's `handle_request`, and what goes wrong through its `handle_error`.
    """
    request: Request | None = None
    unread = True
    try:
        client.settimeout(worker.cfg.header_timeout or None)
        if worker.cfg.is_ssl:
            client = secured(client, worker.cfg)
        parser = get_parser(worker.cfg, client, addr)
        while True:
            # What goes wrong while the next one is read is not the last one's.
            request = None
            request = next_request(worker, parser, client, context)
            if request is None:
                break
            if request.proxy_protocol_info:
                told = request.proxy_protocol_info
                addr = (told["client_addr"], told["client_port"])
            worker.handle_request(server, request, client, addr)
            if not persistent:
                break
        # Closing on what has not been read would reset the connection, and could destroy the answer.
        unread = not parser.finish_body(time.monotonic(), MOST_THROWN_AWAY)
    except StopIteration:
        # How a subclass's own `handle_request` says that the connection ends.
        unread = False
    except BaseException as error:  # noqa: BLE001  # the boundary around one connection
        unread = not _is_ours(worker, error)
        tell_failure(worker, request, client, addr, error)
    finally:
        if unread:
            close_graceful(client)
        else:
            close(client)


def secured(sock: socket, cfg: Config) -> SSLSocket:
    """A connection as the server's end of TLS, its handshake done. Raises OSError."""
    terminators = getattr(cfg, "terminators", None)
    if not terminators:
        wrapped: SSLSocket = ssl_wrap_socket(sock, cfg)
        return wrapped
    # Made by the master, which may have been the one that may read the key.
    context: SSLContext = next(iter(terminators.values())).context
    return context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=cfg.suppress_ragged_eofs)


def _is_ours(worker: BlockingWorker, error: BaseException) -> bool:
    """Whether the server, or a stop in a worker of somebody else's making, ends what this process does."""
    return isinstance(error, OwnSignal) or (not isinstance(error, Exception) and not worker.alive)


def next_request(
    worker: BlockingWorker,
    parser: RequestParser,
    client: socket,
    context: Callable[[], AbstractContextManager[object]],
) -> Request | None:
    """The next request of a connection, None at its end. Waits as long as the settings say."""
    cfg = worker.cfg
    first = parser.req_count == 0
    patience = cfg.header_timeout if first else cfg.keepalive
    client.settimeout(patience or None)
    if cfg.header_timeout:
        # Nobody holds a worker by an octet now and then.
        parser.unreader.deadline = time.monotonic() + cfg.header_timeout + (0 if first else patience)
    request = None
    try:
        with context():
            request = next(parser)
    except StopIteration:
        return None
    except TimeoutError:
        if first:
            raise
        return None
    finally:
        parser.unreader.deadline = None
    client.settimeout(max(cfg.body_timeout, cfg.send_timeout) or None)
    return request


def answer(
    worker: BlockingWorker,
    server: Peer,
    req: Request,
    sock: socket,
    addr: Peer,
    multithread: bool,
    persistent: bool,
) -> bool:
    """Run the application for one request and answer it; whether the connection goes on.

    Raises what the application and the client's leaving raise.
    """
    cfg, log = worker.cfg, worker.log
    if cfg.health_path and asks_for_health(req.head.method, req.head.path, cfg.health_path):
        return _answer_health(worker, req, sock, persistent)
    if cfg.allowed_hosts:
        _hosts_of(worker).check(req.head)
    response: Response | None = None
    status = 0
    environ: Environ = {}
    began = time.monotonic()
    # Hooks and `max_requests` are of what the application answers, as elsewhere.
    static = _static_application(worker, req.head, began) if cfg.static else None
    board = _board_of(worker)
    ids = _ids_of(worker)
    if ids is not None:
        _name(req, ids)
        board.identify(req.head.request_id or "")
    head = req.head
    if head.starts:
        tell_queue_time(board, head)
    board.begin(req.method, req.uri, began, head.version_major * 10 + head.version_minor)
    try:
        if static is None:
            cfg.pre_request(worker, req)
        response, environ = create(req, sock, addr, server, cfg)
        if ids is not None:
            environ["gunicorn.request_id"] = req.head.request_id
            response.request_id = (ids.name, req.head.request_id or "")
        environ["wsgi.multithread"] = multithread
        if static is None:
            worker.nr += 1
            if worker.nr >= worker.max_requests:
                worker.recycle()
        if not persistent or not worker.alive or worker.slot.leaving or not cfg.keepalive:
            response.force_close()
        application: WSGIApp = worker.traced_application() if static is None else static
        result = application(environ, response.start_response)
        try:
            if _is_handled(worker, getattr(result, "untraced", result)):
                req.force_close()
                return False
            if isinstance(result, environ["wsgi.file_wrapper"]):
                response.write_file(result)
            else:
                response.write_all(result)
            response.close()
        finally:
            if hasattr(result, "close"):
                result.close()
    except BaseException as error:
        req.force_close()
        status = error.status if isinstance(error, HTTPError) else 500
        if response is not None and not response.headers_sent:
            # For the log: it is what the client gets.
            response.status, response.headers = f"{status} {REASONS.get(status, '')}", []
        raise
    finally:
        if static is not None:
            static.close()
        ended = time.monotonic()
        took = ended - began
        sent = 0
        if response is not None:
            status, sent = response.status_code, response.sent
        board.transfer(0, sent)
        board.end(req.method, status, began, ended, sent)
        if response is not None and response.status:
            log.access(response, req, environ, timedelta(seconds=took))
        try:
            if response is not None and static is None:
                cfg.post_request(worker, req, environ, response)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around a hook
            log.exception("Exception in post_request hook")
    if ids is not None:
        ids.leave()
    if response.should_close():
        req.force_close()
    return not req.should_close()


def _answer_health(worker: BlockingWorker, req: Request, sock: socket, persistent: bool) -> bool:
    """The worker says how it is; whether the connection goes on."""
    board = _board_of(worker)
    status, fields, content = health(not board.welcomes())
    response = Response(req, sock, worker.cfg)
    if not persistent or not worker.alive or worker.slot.leaving or not worker.cfg.keepalive:
        response.force_close()
    response.start_response(status, fields)
    response.write_all([content])
    response.close()
    board.speak(req.head.version_major * 10 + req.head.version_minor)
    board.count(req.head.method, response.status_code)
    if response.should_close():
        req.force_close()
    return not req.should_close()


def _static_application(worker: BlockingWorker, head: Head, now: float) -> StaticApplication | None:
    """What answers with a static file in the place of the application; None where the application is to answer."""
    site: StaticSite | None = worker.__dict__.get("_static_site")
    if site is None:
        site = worker.__dict__["_static_site"] = site_of(worker.cfg)
    answer = site.answer(head, now)
    return None if answer is None else StaticApplication(answer)


def _hosts_of(worker: BlockingWorker) -> Hosts:
    hosts: Hosts | None = worker.__dict__.get("_hosts")
    if hosts is None:
        hosts = worker.__dict__["_hosts"] = hosts_of(worker.cfg)
    return hosts


def _board_of(worker: BlockingWorker) -> Board:
    """Where a worker says what its requests are doing: one for all of them, since it counts those that run."""
    board: Board | None = worker.__dict__.get("_board")
    if board is None:
        board = worker.__dict__["_board"] = Board(worker.slot)
    return board


def _ids_of(worker: BlockingWorker) -> RequestIds | None:
    """Who gives the requests of a worker their ids; None where they have none."""
    if "_request_ids" not in worker.__dict__:
        worker.__dict__["_request_ids"] = request_ids_of(worker.cfg)
    ids: RequestIds | None = worker.__dict__["_request_ids"]
    return ids


def _name(req: Request, ids: RequestIds) -> None:
    """Give a request its id, which lines of the log bear until its end, or until its failure is told of."""
    untouched = req.headers == req.head.headers
    ids.give(req.head)
    if untouched:
        req.headers = list(req.head.headers)
    ids.enter(req.head)


def _is_handled(worker: BlockingWorker, result: object) -> bool:
    asks = getattr(worker, "is_already_handled", None)
    return result is ALREADY_HANDLED if asks is None else bool(asks(result))


def _shut(sock: socket) -> None:
    import socket

    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def tell_failure(
    worker: BlockingWorker, request: Request | None, client: socket, addr: Peer, error: BaseException
) -> None:
    """What has ended a connection early: the client's leaving is no error, all else goes to `handle_error`.

    With a `request` under way, an OSError may be the application's own: a client that has left is told of by
    `ClientGone` and `NoMoreData` then. Raises `error` where it is no Exception and the worker is leaving: then
    it is the worker's own.
    """
    if _is_ours(worker, error):
        raise error
    log = worker.log
    if isinstance(error, ClientGone | NoMoreData) or (request is None and isinstance(error, OSError)):
        log.debug("The connection of %s has ended: %s", shown(addr), error)
    else:
        worker.handle_error(request, client, addr, error)
    ids = _ids_of(worker)
    if ids is not None:
        ids.leave()


def answer_error(
    worker: BlockingWorker, req: Request | Head | None, client: socket, addr: Peer, error: BaseException
) -> None:
    """Log an error and answer the request with its status; without `req` none could be read. Never raises OSError.

    Where an answer has begun, the connection is broken off.
    """
    cfg, log = worker.cfg, worker.log
    address = addr[0] if isinstance(addr, tuple) else ""
    date = http_date(time.gmtime())
    server, fields = server_name(cfg).encode("latin-1"), response_fields(cfg)
    head_only = req is not None and req.method == "HEAD"
    if isinstance(error, HTTPError) and error.status < 500:
        log.warning("Invalid request from ip=%s: %s", address, error)
        status, page = error.status, refusal(error, date, server, head_only, fields)
    else:
        uri = req.uri if req is not None else ""
        log.error("Error handling request %s", uri, exc_info=error)
        status = error.status if isinstance(error, HTTPError) else 500
        page = error_response(status, "", date, server, head_only, fields)
    known = req if req is not None else Head()
    response = Response(known, client, cfg)
    response.status = f"{status} {REASONS.get(status, '')}"
    if req is None:
        _board_of(worker).refuse("", status)
        log.access(response, known, {"REMOTE_ADDR": address}, timedelta(0))
    elif getattr(req, "answered", False):
        # A page would be taken for a part of the answer, and half an answer must not be taken for a whole one.
        _shut(client)
        return
    try:
        client.sendall(page)
    except OSError as problem:
        log.debug("The client left before its error: %s", problem)
