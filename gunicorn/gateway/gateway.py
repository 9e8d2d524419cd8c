"""A gateway, whatever its interface: it refuses, admits, logs and calls hooks; subclasses run the application."""

from __future__ import annotations

from datetime import timedelta

from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.manners import Manners
from gunicorn.errors import OwnSignal
from gunicorn.gateway import wiring
from gunicorn.http.errors import GatewayTimeout, HTTPError, InsufficientStorage, InternalError, Overloaded, Redirected
from gunicorn.http.request import Request
from gunicorn.http.response import REASONS, error_body
from gunicorn.http.response_head import Page
from gunicorn.instrument._board import Board

from .access_lines import AccessLines, logs_access
from .board_entries import enter, tell_queue_time
from .response import Response
from .socket_view import SocketView
from .state import GatewayState
from .variables import log_variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gunicorn._types import Peer


class Gateway(GatewayState):
    """Serves one application for one worker."""

    __slots__ = (
        "admission", "app", "board", "budget", "cfg", "forwarded", "gathers", "handle_error", "lines", "log",
        "logs_access", "next_complaint", "overloads", "post_request", "pre_request", "served", "server", "worker",
    )

    def __init__(self, worker: Any, app: Any, server: str, manners: Manners) -> None:
        """`server`: the value of the field `Server`, none if it is empty."""
        cfg = worker.cfg
        super().__init__(server.encode("latin-1"), cfg.sendfile)
        self.worker = worker
        self.app = app
        self.cfg = cfg
        self.log = worker.log
        # Requests begun, and how many of them this worker is meant to serve.
        self.served = 0
        self.overloads = 0
        self.next_complaint = 0.0
        slot = getattr(worker, "slot", None)
        self.board: Board | None = Board(slot) if slot is not None else None
        self.budget = min(worker.max_requests, 1 << 62)
        self.server = server.encode("latin-1")
        self.pre_request = cfg.own_hook("pre_request")
        self.post_request = cfg.own_hook("post_request")
        self.logs_access = logs_access(worker.log)
        self.lines: AccessLines | None = wiring.lines_of(worker.log, cfg) if self.logs_access else None
        self.ends_at_once = not manners.threaded and self.post_request is None and (
            not self.logs_access or self.lines is not None
        )
        # Lines may wait for the worker's calling `idle`.
        self.gathers = manners.gathers
        # A worker's own `handle_error`, which is told of what is refused or has failed.
        self.handle_error: Any = None
        # An `admission.Admission` where a request may be too old to be run.
        self.admission: Any = wiring.admission_of(cfg)
        # A `Forwarded` where trusted proxies tell the client's address.
        self.forwarded: Any = wiring.forwarded_of(cfg)
        self.request_ids = wiring.request_ids_of(cfg)

    def share_board(self, other: Gateway) -> None:
        """Two gateways serve in this worker: they count on one board."""
        self.board = other.board

    def abandon(self, slot: Any) -> None:
        """In a child that the application has forked: tell nobody of requests, and count them on a page of its own."""
        self.lines = None
        self.logs_access = False
        self.post_request = None
        if self.board is not None:
            self.board.move_to(slot)

    # What the engine asks of a handler.

    def unfinished(self) -> bool:
        return self.lines is not None and self.lines.waiting()

    def idle(self) -> None:
        if self.lines is not None and not self.lines.flush():
            self.lines = None

    def connection_failed(self, exchange: Exchange, error: BaseException) -> None:
        self.log.error("Error on the connection of %s", shown(exchange.peer), exc_info=error)

    def tell(self, peer: Peer, protocol: str, what: str) -> None:
        self.log.warning("%s from ip=%s: %s", protocol, peer[0] if isinstance(peer, tuple) else "", what)

    def disconnected(self, exchange: Exchange) -> None:
        """The client of a running request has left: whoever has no way to be told finds out at the next write."""

    def writable(self, exchange: Exchange) -> None:
        """A queue went down; whoever waits for that in this process waits in `wait_writable`."""

    def refused(self, exchange: Exchange, error: HTTPError, request: Request | None = None) -> Page:
        """The answer to a request that cannot be served; without `request`, to what has come of the connection's."""
        if self.request_ids is None:
            return self._refuse(exchange, error, request)
        known = request or exchange.request or exchange.partial_request() or Request()
        self.request_ids.give(known)
        before = self.request_ids.enter(known)
        try:
            return self._refuse(exchange, error, known)
        finally:
            self.request_ids.leave(before)

    def _refuse(self, exchange: Exchange, error: HTTPError, request: Request | None) -> Page:
        self._tell_refusal(exchange, error)
        if request is None:
            request = exchange.request
        if self.handle_error is not None and not isinstance(error, GatewayTimeout | Redirected):
            self._tell_worker(exchange, request, error)
        page = self.page(request, error.status, error.title, error.fields)
        if self.logs_access:
            self._log_refusal(exchange, request, error, page)
        self.count_refused(exchange, request, error.status)
        return page

    def _tell_refusal(self, exchange: Exchange, error: HTTPError) -> None:
        if isinstance(error, Overloaded):
            self._tell_overload(error)
        elif isinstance(error, InsufficientStorage):
            text = "No room in tmp_upload_dir for a request body of more than body_buffer_size, answering 507: %s"
            self.log.error(text, error.__cause__)
        elif error.status >= 400 and not isinstance(error, GatewayTimeout | InternalError):
            peer = exchange.peer
            self.log.warning("Invalid request from ip=%s: %s", peer[0] if isinstance(peer, tuple) else "", error)

    def count_refused(self, exchange: Exchange, request: Request | None, status: int) -> None:
        """Tell the scoreboard of an answer that no application has given."""
        if self.board is not None:
            known = request or exchange.partial_request()
            self.board.refuse("" if known is None else known.method, status)

    def page(
        self, request: Request | None, status: int, title: str, fields: Iterable[tuple[str, str]] = ()
    ) -> Page:
        """An answer of the server's own; `title`: fixed words, as those of an `HTTPError`."""
        prefix = self.prefixes.of(f"{status} {REASONS.get(status, 'Error')}", self.engine.now)
        # Not as tuples, which would be remembered: a client may choose what is in them.
        lines = [self.field_lines.learn([name, value]) for name, value in fields]
        lines.append(self.field_lines.learn(("Content-Type", "text/html")))
        if self.request_ids is not None and request is not None and request.request_id is not None:
            lines.append(self.request_ids.line(request.request_id))
        return Page(request or Request(), prefix, lines, error_body(status, title))

    def _tell_worker(self, exchange: Exchange, request: Request | None, error: BaseException) -> None:
        """A subclass's own `handle_error` is told, and answers nothing: that is done here."""
        try:
            self.handle_error(request, SocketView(exchange), exchange.peer, error)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around a hook
            self.log.exception("Exception in handle_error")

    def _tell_overload(self, error: Overloaded) -> None:
        """Count it, and tell of it once a second: a flood of refusals must not become a flood of log lines."""
        if self.board is not None:
            self.board.shed(error.reason)
        self.overloads += 1
        now = self.engine.now
        if now >= self.next_complaint:
            self.log.warning("Answering 503 (%d so far): %s", self.overloads, error)
            self.next_complaint = now + 1.0

    def _log_refusal(self, exchange: Exchange, request: Request | None, error: HTTPError, page: Page) -> None:
        known = request or exchange.partial_request() or Request()
        response = Response(self, exchange, known, True)
        response.status = f"{error.status} {REASONS.get(error.status, '')}"
        response.headers = []
        if known.method != "HEAD":
            response.sent = len(page.body)
        environ = log_variables(exchange, known, self.forwarded)
        if self.request_ids is not None:
            environ["gunicorn.request_id"] = known.request_id
        self.log.access(response, known, environ, timedelta(0))

    def others_wait(self) -> bool:
        """Whether clients wait for the request that is begun now."""
        return self.engine.others_wait()

    # The beginning of a request.

    def _count(self, request: Request, on_board: bool, now: float) -> None:
        """One more, and perhaps the last one that this worker takes."""
        board = self.board
        ids = self.request_ids
        if ids is not None:
            ids.give(request)
        self.served += 1
        if self.served >= self.budget:
            self.worker.recycle()
        if board is None:
            return
        if on_board:
            enter(board, request, now, ids)
            return
        if request.starts:
            tell_queue_time(board, request)
        board.speak(request.version_major * 10 + request.version_minor)

    def _admit(self, exchange: Exchange, request: Request) -> None:
        """Raises the `HTTPError` that answers a request which has waited too long, `ClientDisconnected` where its
        client has, and whatever the hook raises."""
        if self.admission is not None:
            self.admission.check(exchange, request)
        elif self.engine.share.may_have_left(self.engine.now) and exchange.disconnected():
            raise ClientDisconnected()
        if self.pre_request is not None:
            _complete(exchange, request)
            self.pre_request(self.worker, request)
        if request._headers is not None:
            # The hook, or a `handle_request` of somebody else's, has asked for them, and may have made others of them.
            request.adopt_headers()

    # The end of a request.

    def _log(self, response: Response, request: Request, environ: Any, seconds: float) -> None:
        if environ is None:
            # Of a request that no application has seen.
            environ = log_variables(response.exchange, request, self.forwarded)
            if self.request_ids is not None:
                environ["gunicorn.request_id"] = request.request_id
        if self.lines is None:
            self.log.access(response, request, environ, timedelta(seconds=seconds))
        elif self.engine.threaded:
            with self.engine.guard:
                self._gather(response, environ, seconds)
        else:
            self._gather(response, environ, seconds)

    def log_answer(self, response: Response, request: Request, seconds: float) -> None:
        """A line for an answer that was given in the application's place."""
        self._log(response, request, None, seconds)

    def log_cut(self, response: object) -> None:
        """Write the line of an answer that ends in its middle, and by nobody who would write it."""
        if self.logs_access and isinstance(response, Response) and not response.logged:
            response.logged = True
            self._log(response, response.request, None, self.engine.tick() - response.request.started)

    def _gather(self, response: Response, environ: dict[str, Any], seconds: float) -> None:
        now = self.engine.now
        lines = self.lines
        if lines is not None:
            lines.add(response, environ, self.prefixes, seconds, now)
            if not self.gathers or lines.due(now):
                self.idle()

    def _after(self, environ: dict[str, Any], request: Request, response: Response) -> None:
        # A worker may be ended in the hook.
        response.logged = True
        try:
            _complete(response.exchange, request)
            self.post_request(self.worker, request, environ, response)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around a hook
            self.log.exception("Exception in post_request hook")


def _complete(exchange: Exchange, request: Request) -> None:
    """What the parser need not say, and hooks look for: which request of its connection it is, the scheme of that, a
    list of no trailers."""
    request.req_number = exchange.number
    if request.scheme is None:
        request.scheme = "https" if exchange.is_secure() else "http"
    if request.trailers is None:
        request.trailers = []


def shown(peer: Any) -> str:
    """A client as the log names it."""
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "a unix socket"
