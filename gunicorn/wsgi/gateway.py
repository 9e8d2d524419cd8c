"""The one request cycle of WSGI: environ, application, response, hooks, access log, keep-alive.

A worker type hands `WSGIGateway` to its engine and says only how to wait (`wait_readable`, `wait_writable`) and where
`run` happens: at once (sync), in a thread, in a greenlet.
"""

from __future__ import annotations

import os

from gunicorn.engine._leaf import bind
from gunicorn.engine.buffers import BodyStream
from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.manners import Manners
from gunicorn.errors import OwnSignal
from gunicorn.gateway.gateway import Gateway, shown
from gunicorn.gateway.response import status_number
from gunicorn.http.errors import BodyBrokenOff, ConfigurationProblem, HTTPError, Overloaded
from gunicorn.http.request import Request
from gunicorn.http.response import REASONS

from .environ import EnvironBuilder
from .error_stream import ErrorStream
from .filewrapper import FileWrapper
from .response import IncompleteResponse, ResponseComplete, WSGIResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Environ


_START_RESPONSE: Any = WSGIResponse.start_response


class WSGIGateway(Gateway):
    """Runs one WSGI application for one worker."""

    __slots__ = ("builder",)

    def __init__(
        self, worker: Any, app: Any, manners: Manners, multiprocess: bool, server: str, software: str
    ) -> None:
        super().__init__(worker, app, server, manners)
        self.builder = EnvironBuilder(
            {
                "wsgi.version": (1, 0),
                "wsgi.errors": ErrorStream(worker.log),
                "wsgi.multithread": manners.multithread,
                "wsgi.multiprocess": multiprocess,
                "wsgi.run_once": False,
                "wsgi.file_wrapper": FileWrapper,
                "wsgi.input_terminated": True,
                "SERVER_SOFTWARE": software,
            },
            os.environ.get("SCRIPT_NAME", ""),
            self._wait_readable,
        )
        self.builder.forwarded = self.forwarded

    def _wait_readable(self, exchange: Exchange) -> None:
        self.wait_readable(exchange)

    def handle(self, exchange: Exchange, request: Request) -> None:
        """Serve a request here and now."""
        self.run(exchange, request)

    # The cycle.

    def run(self, exchange: Exchange, request: Request) -> None:
        """Serve one request from its environ to its log line; never raises what the application raised."""
        started = self.engine.now
        response = self._begin(exchange, request, started)
        ids = self.request_ids
        if ids is not None:
            ids.enter(request)
        environ: Environ | None = None
        try:
            self._admit(exchange, request)
            environ = self.builder.build(exchange, request)
            if ids is not None:
                environ["gunicorn.request_id"] = request.request_id
            self._call(exchange, response, environ)
        except ClientDisconnected:
            self._tell_departure(request)
        except ResponseComplete:
            self.log.debug("The application wrote more than its response has room for: %s", request.uri)
        except OwnSignal:
            self._cut_off(exchange, request, response, started)
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around the application
            self._failed(exchange, response, error)
        try:
            self._conclude(exchange, request, response, environ, started)
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.run_failed(exchange, request, error)
        if ids is not None:
            ids.leave()

    def _cut_off(self, exchange: Exchange, request: Request, response: WSGIResponse, started: float) -> None:
        """Nobody concludes it, and what is answered in its place was counted, or will be."""
        if not response.headers_sent:
            exchange.response = None
        elif exchange.response is response:
            self.log_cut(response)
        self._tell_board(exchange, request, response, started, self.engine.tick())

    def _begin(self, exchange: Exchange, request: Request, started: float) -> WSGIResponse:
        self._count(request, True, started)
        engine = self.engine
        close = request.close or engine.keepalive == 0
        if not close and engine.share.is_slow(engine.now):
            close = self._lets_go(exchange)
        response = WSGIResponse.__new__(WSGIResponse)
        response.begin(self, exchange, request, close)
        exchange.response = response
        return response

    def _lets_go(self, exchange: Exchange) -> bool:
        """Whether this client, whose connection is kept here, is better served by whichever worker is free."""
        engine = self.engine
        if engine.share.parks(engine.now) and engine.parking.fd >= 0 and not exchange.is_secure():
            # It comes there without a new connection.
            return False
        return self.others_wait() or exchange.may_reconnect()

    def _call(self, exchange: Exchange, response: WSGIResponse, environ: Environ) -> None:
        result = self.app(environ, bind(_START_RESPONSE, response))
        try:
            if not exchange.taken_over:
                response.send_result(result)
        finally:
            if type(result) is not list and hasattr(result, "close"):
                result.close()

    def _conclude(
        self, exchange: Exchange, request: Request, response: WSGIResponse, environ: Environ | None, started: float
    ) -> None:
        """Whatever has come of it: the scoreboard, the log and the hook are told, and the exchange ends."""
        now = self.engine.tick()
        seconds = now - started
        self.engine.share.ended(seconds, now)
        self._tell_board(exchange, request, response, started, now)
        # Of one that was given up meanwhile (`give_up`) the log has a line already.
        if self.logs_access and (response.headers_sent or response.status) and exchange.response is response:
            self._log(response, request, environ, seconds)
        if self.post_request is not None:
            self._after(environ or {}, request, response)
        exchange.finish(not (response.close or request.forced_close))

    def _tell_board(
        self, exchange: Exchange, request: Request, response: WSGIResponse, started: float, now: float
    ) -> None:
        board, prefix = self.board, response.prefix
        if board is None:
            return
        if exchange.response is not response:
            # It was given up meanwhile, and counted then.
            status = -1
        elif prefix is not None and response.headers_sent:
            status = prefix.code
        else:
            status = status_number(response.status)
        board.end(request.method, status, started, now, response.sent)

    def run_failed(self, exchange: Exchange, request: Request, error: BaseException) -> None:
        """Whoever runs the request of a connection has failed where no application is to blame: end both."""
        self.log.error("Error on the connection of %s", shown(exchange.peer), exc_info=error)
        with self.engine.guard:
            if exchange.request is not None and exchange.request is not request:
                # The request had ended before, and the connection is the next one's.
                return
            response = exchange.response
            if response is not None and response.headers_sent and not response.whole:
                exchange.break_off(response)
            try:
                exchange.finish(False)
            finally:
                exchange.drop()

    def _failed(self, exchange: Exchange, response: WSGIResponse, error: BaseException) -> None:
        """The application (or a hook) has raised: one entry in the log, and no client takes half for whole."""
        engine: Any = self.engine
        if engine.stray is not None:
            # Raised in a child that the application has forked.
            engine.stray(error)
        request = response.request
        if exchange.taken_over:
            # Applications that speak for themselves on the socket end the cycle as they like.
            self.log.debug("%r ended a request that had taken over its socket", error)
            return
        fault = fault_of(request) if isinstance(error, BodyBrokenOff) else None
        if fault is not None:
            # Not the application's failure: it leaves it to us to answer a client that has broken its body off.
            self._tell_refusal(exchange, fault)
            self._answer_in_place(exchange, response, fault, True)
        elif isinstance(error, BodyBrokenOff) and exchange.is_lost():
            self._tell_departure(request)
        else:
            self._log_failure(request, error)
            # What went wrong in an application is nobody's business but its author's.
            self._answer_in_place(exchange, response, error, isinstance(error, ConfigurationProblem | Overloaded))

    def _answer_in_place(self, exchange: Exchange, response: WSGIResponse, error: BaseException, tells: bool) -> None:
        """Answer where the application does not, or break its answer off; `tells`: the client is told why."""
        request = response.request
        response.close = True
        if self.handle_error is not None:
            self._tell_worker(exchange, request, error)
        if response.headers_sent:
            exchange.break_off(response)
            return
        status = error.status if isinstance(error, HTTPError) else 500
        response.status = f"{status} {REASONS[status]}"
        response.headers = []
        if tells and isinstance(error, HTTPError):
            page = self.page(request, status, error.title, error.fields)
        else:
            page = self.page(request, status, "")
        try:
            exchange.answer(page)
        except ClientDisconnected:
            pass

    def _tell_departure(self, request: Request) -> None:
        self.log.debug("The client left before its response was complete: %s", request.uri)

    def _log_failure(self, request: Request, error: BaseException) -> None:
        if isinstance(error, IncompleteResponse):
            self.log.warning("Response to %s is shorter than its Content-Length: %s", request.uri, error)
        elif isinstance(error, Overloaded):
            self._tell_overload(error)
        elif isinstance(error, HTTPError):
            self.log.error("Error handling request %s %s: %s", request.method, request.uri, error)
        else:
            self.log.exception("Error handling request %s %s", request.method, request.uri)


def fault_of(request: Request) -> HTTPError | None:
    """What the client has done wrong with a body that is read as it comes."""
    body = request.body
    return body.fault if isinstance(body, BodyStream) else None
