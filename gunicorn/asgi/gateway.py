"""The one request cycle of ASGI, as the engine drives it: scope, task, messages, log.

The application is a task of the event loop, stepped at once where Python allows it (3.12), so a request that never
waits is answered before the engine looks at the next one.
"""

from __future__ import annotations

from asyncio import Task, iscoroutine
from contextvars import Context
from datetime import timedelta
from types import CoroutineType

from gunicorn.engine._leaf import bind, call
from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.manners import Manners
from gunicorn.errors import OwnSignal
from gunicorn.gateway.access_lines import LONGEST_WAIT
from gunicorn.gateway.gateway import shown
from gunicorn.gateway.variables import log_variables
from gunicorn.http.errors import HTTPError
from gunicorn.http.request import Request
from gunicorn.wire.websocket_handshake import asks_for_websocket

from .cycle import EAGER, Cycle
from .gateway_state import ASGIGatewayState
from .http import HTTPCycle
from .websocket import WebSocketCycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

_RECEIVE = Cycle.receive
_SEND = Cycle.send
# Once for every request: not looked for each time.
_copy = Context.copy
_is_done = Task.done


class ASGIGateway(ASGIGatewayState):
    """Runs one ASGI application for one worker."""

    __slots__ = ()

    def __init__(
        self, worker: Any, app: Any, manners: Manners, multiprocess: bool, server: str, software: str
    ) -> None:
        super().__init__(worker, app, server, manners)
        self.wait_writable = _nothing

    # What the engine asks of a handler.

    def handle(self, exchange: Exchange, request: Request) -> None:
        """Begin to serve a request."""
        self._begin(exchange, request)

    def _begin(self, exchange: Exchange, request: Request) -> None:
        cycle: Cycle
        is_socket = request.upgrade is not None and asks_for_websocket(request)
        self._count(request, not is_socket, self.engine.now)
        if is_socket:
            cycle = WebSocketCycle.__new__(WebSocketCycle)
        else:
            cycle = HTTPCycle.__new__(HTTPCycle)
        close = request.close or self.engine.keepalive == 0
        cycle.begin(self, exchange, request, close)
        cycle.open(self)
        exchange.response = cycle
        ids = self.request_ids
        if ids is None:
            self.start(exchange, request, cycle)
            return
        # What is written from here on is about it: also by the task that this begins (`start`), and at the task's end,
        # whose callbacks have a copy of this context.
        before = ids.enter(request)
        try:
            self.start(exchange, request, cycle)
        finally:
            ids.leave(before)

    def start(self, exchange: Exchange, request: Request, cycle: Cycle) -> None:
        """Call the application, and have the loop run what it returns."""
        try:
            self._admit(exchange, request)
            coroutine = self.app(cycle.make_scope(), bind(_RECEIVE, cycle), bind(_SEND, cycle))
            task = self._task_of(coroutine, request)
        except HTTPError as error:
            cycle.refuse(error)
        except ClientDisconnected:
            cycle.give_up()
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around the application
            cycle.failed(error)
        else:
            if _is_done(task):
                cycle.end(task)
            else:
                self._go_on(task, exchange, cycle)

    def _task_of(self, coroutine: Awaitable[object], request: Request) -> Task[None]:
        """A task for what the application has returned; where Python allows it, one that has had its first step."""
        if type(coroutine) is not CoroutineType and not iscoroutine(coroutine):
            coroutine = _finish(coroutine)
        context = _copy(self.context)
        if self.request_ids is not None:
            context.run(self.request_ids.enter, request)
        if not EAGER:
            task: Task[None] = self.loop.create_task(coroutine, context=context)
            return task
        arguments = self.task_arguments
        if not arguments:
            arguments.update(loop=self.loop, eager_start=True)
        # The same dict for each: it is read before that step, in which further tasks may begin.
        arguments["context"] = context
        try:
            return call(Task, coroutine, arguments)
        finally:
            # What the application keeps there ends with its task.
            arguments["context"] = None

    def _go_on(self, task: Task[None], exchange: Exchange, cycle: Cycle) -> None:
        """A task waits for something: its cycle is told when it ends, and when its client leaves."""
        cycle.task = task
        self.tasks.add(task)
        task.add_done_callback(cycle.ended)
        if not cycle.concluded and exchange.watch_client():
            cycle.lost()
        if cycle.gone:
            cycle.expect_end()

    def disconnected(self, exchange: Exchange) -> None:
        """The client of a running request has left."""
        cycle: Cycle | None = exchange.response
        if cycle is not None:
            cycle.lost()

    def body_is_wrong(self, exchange: Exchange, error: HTTPError) -> None:
        """The body of a running request breaks the rules of its framing."""
        cycle: Cycle | None = exchange.response
        if cycle is not None:
            cycle.body_is_wrong(error)

    def writable(self, exchange: Exchange) -> None:
        """A queue went down, or the connection was given up."""
        cycle: Cycle | None = exchange.response
        if cycle is None:
            return
        if exchange.broken:
            cycle.lost()
        else:
            cycle.heard()

    # What the worker asks.

    def tick(self) -> None:
        """Once a second, or as often as `look_seconds` says."""
        now = self.engine.tick()
        self._each_socket(lambda socket: socket.look_after(now))

    def say_farewell(self) -> None:
        """The worker stops: tell those who would stay."""
        self.leaving = True
        self._each_socket(WebSocketCycle.restart)

    def _each_socket(self, act: Callable[[WebSocketCycle], object]) -> None:
        """Do this for every WebSocket."""
        engine: Any = self.engine
        for socket in list(self.sockets):
            try:
                act(socket)
            except OwnSignal:
                raise
            except BaseException as error:  # noqa: BLE001  # the boundary around one connection
                engine.failed(socket.exchange, error)

    def dismiss(self, everyone: bool) -> None:
        """The worker stops: responses without an end of their own are told so, as if their client had left.

        Nobody knows which these are. An event stream is one, since its client comes back by itself (the HTML standard,
        "Server-sent events"), and so is whatever has sent nothing since the call before. With `everyone`: each whose
        length is not known.
        """
        before, self.seen_sent = self.seen_sent, {}
        for cycle in self._cycles():
            if cycle.is_open_ended():
                self.seen_sent[cycle] = cycle.sent
                if everyone or before.get(cycle) == cycle.sent or cycle.is_event_stream():
                    cycle.dismiss(everyone)

    def cut_off(self, streams_only: bool) -> int:
        """Cancel what has not ended in time (of that, those alone who were told by `dismiss`); how many these are."""
        tasks = set() if streams_only else set(self.tasks)
        for exchange in self.engine.exchanges():
            cycle = exchange.response
            if isinstance(cycle, Cycle) and cycle.task is not None and (cycle.dismissed or not streams_only):
                # What the end of its task leaves undone is no fault of the application's.
                cycle.dismissed = True
                tasks.add(cycle.task)
        for task in tasks:
            task.cancel()
        return len(tasks)

    def running(self) -> list[tuple[Exchange, Request, float]]:
        """HTTP requests whose response is not complete, and when they were begun."""
        return [(cycle.exchange, cycle.request, cycle.started) for cycle in self._cycles()]

    def _cycles(self) -> list[HTTPCycle]:
        """HTTP requests whose response is not complete."""
        responses = [exchange.response for exchange in self.engine.exchanges()]
        return [response for response in responses if type(response) is HTTPCycle and not response.concluded]

    def busy(self) -> bool:
        """Whether applications still work on something, be it behind a complete response."""
        return bool(self.tasks)

    def write_lines(self) -> None:
        """Write the lines that were gathered for the access log."""
        self.writer = None
        self.idle()

    # What cycles ask of their gateway.

    def report(self, cycle: Any) -> None:
        try:
            self._report(cycle)
        except OwnSignal:
            raise
        except BaseException as error:  # the boundary around one connection: a logger of the user's
            cycle.close = True
            self.log.error("Error on the connection of %s", shown(cycle.exchange.peer), exc_info=error)

    def _report(self, cycle: Cycle) -> None:
        request = cycle.request
        engine = self.engine
        now = engine.tick()
        environ = log_variables(cycle.exchange, request, self.forwarded)
        if self.request_ids is not None:
            environ["gunicorn.request_id"] = request.request_id
        if self.logs_access and (cycle.headers_sent or cycle.status):
            seconds = now - cycle.started
            if self.lines is None:
                self.log.access(cycle, request, environ, timedelta(seconds=seconds))
            else:
                self.lines.add(cycle, environ, self.prefixes, seconds, now)
                if self.lines.due(now):
                    self.idle()
                elif self.writer is None:
                    self.writer = self.loop.call_later(LONGEST_WAIT, self.write_lines)
        if self.post_request is not None:
            self._after(environ, request, cycle)


async def _finish(awaitable: Awaitable[object]) -> None:
    """An application may return any awaitable."""
    await awaitable


def _nothing(exchange: Exchange) -> None:
    """Cycles wait by themselves."""
