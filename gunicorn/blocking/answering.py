"""One request of a worker that accepts for itself: run the application, answer, and tell of it."""

from __future__ import annotations

import time
from datetime import timedelta

from gunicorn.errors import OwnSignal
from gunicorn.gateway.board_entries import enter
from gunicorn.gateway.health_path import asks_for_health, health
from gunicorn.gateway.wiring import hosts_of, request_ids_of, response_fields, site_of
from gunicorn.http.errors import HTTPError
from gunicorn.http.request import Request as Head
from gunicorn.http.response import REASONS, http_date
from gunicorn.instrument._board import Board
from gunicorn.wire.http1_response import error_response, refusal

from .body import fault_of
from .environ import create
from .response import Response, server_name
from .static import StaticApplication

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Protocol

    from gunicorn._types import Environ, Log, Peer, WSGIApp
    from gunicorn.config import Config
    from gunicorn.gateway.request_ids import RequestIds
    from gunicorn.gateway.static_site import StaticSite
    from gunicorn.http.hosts import Hosts
    from gunicorn.instrument.scoreboard import Slot

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

__all__ = ["ALREADY_HANDLED", "answer", "answer_error", "ids_of"]

# What an application returns that has answered on the socket by itself.
ALREADY_HANDLED = object()


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
    cfg = worker.cfg
    if cfg.health_path and asks_for_health(req.head.method, req.head.path, cfg.health_path):
        return _answer_health(worker, req, sock, persistent)
    if cfg.allowed_hosts:
        _hosts_of(worker).check(req.head)
    answering = Answering(worker, req)
    answering.begin()
    try:
        response = answering.make_response(sock, addr, server, multithread)
        if not _keeps(worker, persistent):
            response.force_close()
        answering.run(response)
    except BaseException as error:
        answering.fail(error)
        raise
    finally:
        answering.tell()
    if answering.ids is not None:
        answering.ids.leave()
    if response.should_close():
        req.force_close()
    return not req.should_close()


class Answering:
    """One request under way. `static` answers it in the place of the application where it is for a static file: hooks
    and `max_requests` are of what the application answers, as elsewhere."""

    def __init__(self, worker: BlockingWorker, req: Request) -> None:
        self.worker = worker
        self.req = req
        self.began = time.monotonic()
        self.static = _static_application(worker, req.head, self.began) if worker.cfg.static else None
        self.board = _board_of(worker)
        self.ids = ids_of(worker)
        # What the application is called with, and answers through, once that is there.
        self.environ: Environ = {}
        self.response: Response | None = None
        # What the client gets instead where it fails.
        self.status = 0

    def begin(self) -> None:
        """Say what is under way."""
        if self.ids is not None:
            _name(self.req, self.ids)
        enter(self.board, self.req.head, self.began, self.ids)

    def make_response(self, sock: socket, addr: Peer, server: Peer, multithread: bool) -> Response:
        """The request is about to be served."""
        worker, req = self.worker, self.req
        if self.static is None:
            worker.cfg.pre_request(worker, req)
        response, environ = create(req, sock, addr, server, worker.cfg)
        self.response, self.environ = response, environ
        if self.ids is not None:
            environ["gunicorn.request_id"] = req.head.request_id
            response.request_id = (self.ids.name, req.head.request_id or "")
        environ["wsgi.multithread"] = multithread
        if self.static is None:
            worker.nr += 1
            if worker.nr >= worker.max_requests:
                worker.recycle()
        return response

    def run(self, response: Response) -> None:
        """Call the application, and send what it returns."""
        worker, environ = self.worker, self.environ
        application: WSGIApp = worker.traced_application() if self.static is None else self.static
        result = application(environ, response.start_response)
        try:
            if _is_handled(worker, getattr(result, "untraced", result)):
                self.req.force_close()
                return
            if isinstance(result, environ["wsgi.file_wrapper"]):
                response.write_file(result)
            else:
                response.write_all(result)
            response.close()
        finally:
            if hasattr(result, "close"):
                result.close()

    def fail(self, error: BaseException) -> None:
        """Something has raised this: the connection does not go on."""
        self.req.force_close()
        error = fault_of(error)
        self.status = error.status if isinstance(error, HTTPError) else 500
        response = self.response
        if response is not None and not response.headers_sent:
            # For the log: it is what the client gets.
            response.status, response.headers = f"{self.status} {REASONS.get(self.status, '')}", []

    def tell(self) -> None:
        """However it has ended: the counters, the access log and the hook."""
        if self.static is not None:
            self.static.close()
        ended = time.monotonic()
        response = self.response
        status, sent = (self.status, 0) if response is None else (response.status_code, response.sent)
        self.board.transfer(0, sent)
        self.board.end(self.req.method, status, self.began, ended, sent)
        if response is None:
            return
        worker, req, environ = self.worker, self.req, self.environ
        if response.status:
            worker.log.access(response, req, environ, timedelta(seconds=ended - self.began))
        try:
            if self.static is None:
                worker.cfg.post_request(worker, req, environ, response)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around a hook
            worker.log.exception("Exception in post_request hook")


def _keeps(worker: BlockingWorker, persistent: bool) -> bool:
    """Whether another request may follow on the connection, as far as the worker is concerned."""
    return bool(persistent and worker.alive and not worker.slot.leaving and worker.cfg.keepalive)


def _answer_health(worker: BlockingWorker, req: Request, sock: socket, persistent: bool) -> bool:
    """The worker says how it is; whether the connection goes on."""
    board = _board_of(worker)
    status, fields, content = health(not board.welcomes())
    response = Response(req, sock, worker.cfg)
    if not _keeps(worker, persistent):
        response.force_close()
    response.start_response(status, fields)
    response.write_all([content])
    response.close()
    board.speak(req.head.version_major * 10 + req.head.version_minor)
    board.count(req.head.method, response.status_code)
    if response.should_close():
        req.force_close()
    return not req.should_close()


def answer_error(
    worker: BlockingWorker, req: Request | Head | None, client: socket, addr: Peer, error: BaseException
) -> None:
    """Log an error and answer the request with its status; without `req` none could be read. Never raises OSError.

    Where an answer has begun, the connection is broken off.
    """
    log = worker.log
    address = addr[0] if isinstance(addr, tuple) else ""
    status = error.status if isinstance(error, HTTPError) else 500
    if status < 500:
        log.warning("Invalid request from ip=%s: %s", address, error)
    else:
        log.error("Error handling request %s", "" if req is None else f"{req.method} {req.uri}", exc_info=error)
    if req is None:
        _tell_of_nothing_read(worker, client, address, status)
    elif getattr(req, "answered", False):
        # A page would be taken for a part of the answer, and half an answer must not be taken for a whole one.
        _shut(client)
        return
    try:
        client.sendall(_error_page(worker.cfg, req, error, status))
    except OSError as problem:
        log.debug("The client left before its error: %s", problem)


def _tell_of_nothing_read(worker: BlockingWorker, client: socket, address: str, status: int) -> None:
    """An access line, and a count, for what was no request."""
    nothing = Head()
    response = Response(nothing, client, worker.cfg)
    response.status = f"{status} {REASONS.get(status, '')}"
    _board_of(worker).refuse("", status)
    worker.log.access(response, nothing, {"REMOTE_ADDR": address}, timedelta(0))


def _error_page(cfg: Config, req: Request | Head | None, error: BaseException, status: int) -> bytes:
    """The whole answer. What is wrong with a request is said; what is wrong here is not."""
    date, server, fields = http_date(time.gmtime()), server_name(cfg).encode("latin-1"), response_fields(cfg)
    head_only = req is not None and req.method == "HEAD"
    if isinstance(error, HTTPError) and status < 500:
        return refusal(error, date, server, head_only, fields)
    return error_response(status, "", date, server, head_only, fields)


def _shut(sock: socket) -> None:
    import socket

    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


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


def ids_of(worker: BlockingWorker) -> RequestIds | None:
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
