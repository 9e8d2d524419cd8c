"""Applications of both interfaces in one worker: those of ASGI are tasks of its loop, those of WSGI run in its threads.

It is the gateway of ASGI with that of WSGI beside it, and each request goes to the one whose mount takes it. A thread
that ends a request may find the next one on its connection, and on one of HTTP/2 whatever has come for others: what is
for applications of ASGI is done by the loop.
"""

from __future__ import annotations

from threading import get_ident

from gunicorn.asgi.awaitables import wake_by_the_loop
from gunicorn.asgi.cycle import Cycle
from gunicorn.asgi.gateway import ASGIGateway
from gunicorn.asgi.mounts import MountedASGI
from gunicorn.config.mounts import below, octets_of
from gunicorn.errors import OwnSignal
from gunicorn.http.target import unquote

from .thread_pool import PoolGateway

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import TypeVarTuple

    from gunicorn._types import App
    from gunicorn.engine.exchange import Exchange
    from gunicorn.engine.manners import Manners
    from gunicorn.engine.state import EngineState
    from gunicorn.http.errors import HTTPError
    from gunicorn.http.request import Request
    from gunicorn.instrument.scoreboard import Slot

    from .engine_worker import EngineWorker

    Ts = TypeVarTuple("Ts")

__all__ = ["MixedGateway"]


class Crossing:
    """Which of the two gateways a request is for. It looks where the applications look: `environ` and scope are made
    with roots of their own."""

    def __init__(self, mounted: MountedASGI, root_path: str, script_name: str) -> None:
        if mounted.others is None:
            raise ValueError("no application of WSGI is mounted")
        self._asgi = mounted.octets_table()
        self._wsgi = mounted.others.table
        self._root_path = octets_of(root_path.rstrip("/"))
        self._script_name = script_name.rstrip("/")

    def is_for_wsgi(self, request: Request) -> bool:
        """Whether an application of WSGI takes this request."""
        host = request.authority or request.host or ""
        told = request.variables
        path = unquote(request.path) if told is None else told["PATH_INFO"]
        asgi_root, wsgi_root = self._root_path, self._script_name
        if told is not None and "SCRIPT_NAME" in told:
            # The path is what is below it.
            asgi_root = wsgi_root = ""
        elif request.script_name is not None and request.forwarder_trusted:
            wsgi_root = request.script_name
        return self._wsgi.find(host, below(path, wsgi_root)) < self._asgi.find(host, below(path, asgi_root))


class MixedGateway(ASGIGateway):
    """Runs applications of ASGI, `asgi`, and gives requests for those of WSGI to `pool`."""

    def __init__(
        self, worker: EngineWorker, asgi: App, crossing: Crossing, pool: PoolGateway, manners: Manners, server: str,
        software: str,
    ) -> None:
        super().__init__(worker, asgi, manners, False, server, software)
        self.pool = pool
        self._crossing = crossing
        self._loop_thread = get_ident()
        # Requests of both are counted together, and here.
        pool.budget = 1 << 62
        pool.share_board(self)
        wake_by_the_loop(self._loop_thread)

    def settle(self) -> None:
        """What the worker has said to this gateway holds for the threads as well."""
        pool = self.pool
        pool.handle_error = self.handle_error
        pool.prefixes.fields = self.prefixes.fields
        pool.wait_readable, pool.wait_writable = self.wait_readable, self.wait_writable

    def attach(self, engine: EngineState) -> None:
        super().attach(engine)
        self.pool.attach(engine)

    def abandon(self, slot: Slot) -> None:
        super().abandon(slot)
        self.pool.abandon(slot)

    # What the engine asks of a handler.

    def streams(self, request: Request) -> bool:
        # A client that is slow to send a body holds no thread meanwhile, unless it is meant to.
        return not self.cfg.buffer_request_body or not self._crossing.is_for_wsgi(request)

    def handle(self, exchange: Exchange, request: Request) -> None:
        is_for_wsgi = self._crossing.is_for_wsgi(request)
        shared = exchange.shared
        if shared is not None and is_for_wsgi == ("asgi" in shared):
            # What is kept for all requests of a client is a part of an environ, or one of a scope.
            exchange.shared = None
        if not is_for_wsgi:
            self._in_loop(self._begin_here, exchange, request)
            return
        self.served += 1
        if self.served >= self.budget:
            self.worker.recycle()
        self.pool.handle(exchange, request)

    def _begin_here(self, exchange: Exchange, request: Request) -> None:
        if exchange.request is not request:
            # On its way to the loop it was given up.
            return
        try:
            super().handle(exchange, request)
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.pool.engine.failed(exchange, error)

    def _in_loop(self, step: Callable[[*Ts], object], *args: *Ts) -> None:
        """Do this now where the loop runs, or soon, by the loop."""
        loop: AbstractEventLoop = self.loop
        if get_ident() == self._loop_thread:
            step(*args)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(step, *args)

    def disconnected(self, exchange: Exchange) -> None:
        self._tell_cycle(super().disconnected, exchange)

    def body_is_wrong(self, exchange: Exchange, error: HTTPError) -> None:
        self._tell_cycle(super().body_is_wrong, exchange, error)

    def writable(self, exchange: Exchange) -> None:
        self._tell_cycle(super().writable, exchange)

    def _tell_cycle(self, tell: Callable[[Exchange, *Ts], object], exchange: Exchange, *args: *Ts) -> None:
        """Have an application of ASGI hear of something; those of WSGI find out by themselves."""
        cycle = exchange.response

        def tell_if_it_runs() -> None:
            if exchange.response is cycle:
                tell(exchange, *args)

        if isinstance(cycle, Cycle):
            self._in_loop(tell_if_it_runs)

    def answered(self) -> int:
        return self.pool.answered()

    def unfinished(self) -> bool:
        return bool(super().unfinished() or self.pool.unfinished())

    def idle(self) -> None:
        super().idle()
        self.pool.idle()

    # What the worker asks.

    def running(self) -> list[tuple[Exchange, Request, float]]:
        return [*super().running(), *self.pool.running()]
