"""The gthread worker: requests run in a pool of threads over one engine; leader and followers.

One thread at a time is the leader: it waits in the poller, lets the engine act on what has come, keeps one ready
request for itself and leaves the lead to a follower before it runs it. So a lone request changes threads not even
once, and a kept-alive client that asks again at once is served by the thread that has just answered it.

What the threads share, and what protects it (nothing here is left to the interpreter lock by luck):

- the engine, its poller's set and every connection that has no running request: `engine.guard`, a lock held while
  events are acted on, while a request is ended, and while queued output is added to or sent;
- a connection with a running request belongs to the thread that runs it; the engine only sets flags on it, and sends
  what is queued, under the guard;
- the lead: `_lead`, held while waiting in the poller, never together with a running request;
- the ready requests: a deque, whose `append` and `popleft` are atomic by documentation.

The main thread runs no request: it takes signals, shows that the worker lives, and takes the lead when all others have
been busy for a moment, so that slow clients go on being read from and written to. It accepts no one meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from gunicorn.engine._leaf import monotonic
from gunicorn.engine.intake import MOST_DRAINED
from gunicorn.engine.manners import Manners
from gunicorn.errors import OwnSignal
from gunicorn.gateway.gateway import Gateway
from gunicorn.gateway.response import count_whole
from gunicorn.gateway.socket_view import SocketView
from gunicorn.wsgi.gateway import WSGIGateway

from .accepting import is_replaced
from .engine_worker import PULSE_SECONDS, EngineWorker, address_of
from .farewell import Farewell, silence_signals
from .pooling import POOLING, Pooling, TConn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from gunicorn.engine.exchange import Exchange
    from gunicorn.http.request import Request

__all__ = ["TConn", "ThreadWorker"]

# How long all threads may be busy before the main thread looks after the clients, and how often a quiet worker looks.
BUSY_SECONDS = 0.02
QUIET_SECONDS = 0.25
# What a thread still does at the end, behind the last response, may take so long.
JOIN_SECONDS = 0.2


class ThreadGateway(WSGIGateway):
    """Puts a complete request where a thread finds it."""

    ready: deque[tuple[Exchange, Request]]
    # The connection that each thread of the pool serves, or None.
    serving: list[Exchange | None]

    def answered(self) -> int:
        return count_whole(exchange for exchange in self.serving if exchange is not None)

    def others_wait(self) -> bool:
        free = self.serving.count(None)
        return len(self.ready) > free or (not free and super().others_wait())

    def handle(self, exchange: Exchange, request: Request) -> None:
        """Called under the engine's guard."""
        self.ready.append((exchange, request))


class ThreadWorker(EngineWorker, Pooling):
    """Runs up to `threads` requests at once."""

    # Alone, a turn comes only when every ready request has its thread.
    parks = True
    manners = Manners(threaded=True, multithread=True, gathers=True, fair=True, accepts_alone=MOST_DRAINED)
    gateway_class = ThreadGateway
    gateway: ThreadGateway

    def init_process(self) -> None:
        self._ready: deque[tuple[Exchange, Request]] = deque()
        self._lead = threading.Lock()
        self._serving = True
        # The connection it serves, a place a thread, so that each is written by one thread alone.
        self._busy: list[Exchange | None] = [None] * max(1, self.cfg.threads)
        # What each thread runs, where it is looked at.
        self._runs: list[tuple[Exchange, Request, float] | None] = [None] * len(self._busy)
        self._main_leads = False
        self._told = threading.Event()
        # Odd while somebody acts on events.
        self._turns = 0
        self._turns_seen = 0
        super().init_process()

    def places(self) -> int:
        return len(self._busy)

    def make_gateway(self) -> Gateway:
        gateway = super().make_gateway()
        assert isinstance(gateway, ThreadGateway)
        gateway.ready = self._ready
        gateway.serving = self._busy
        return gateway

    def wait_writable(self, exchange: Exchange) -> None:
        exchange.wait_writable(_nothing)

    def wait_readable(self, exchange: Exchange) -> None:
        exchange.wait_readable(_nothing)

    # The threads of the pool.

    def _work(self, place: int) -> None:
        try:
            self._serve_all(place)
        except BaseException:  # the boundary around this thread
            # No connection is to blame, the engine itself has failed: a worker without its threads must not seem alive.
            self.log.critical("A thread of this worker has failed, the worker ends", exc_info=True)
            self.alive = False
            self._told.set()

    def _serve_all(self, place: int) -> None:
        while (item := self._next()) is not None:
            exchange, request = item
            self._busy[place] = exchange
            if self.request_limit or self.slow_requests.limit:
                self._runs[place] = (exchange, request, monotonic())
            try:
                self._serve(exchange, request)
            except OwnSignal:
                raise
            except BaseException as error:  # noqa: BLE001  # the boundary around one connection
                self.gateway.run_failed(exchange, request, error)
            finally:
                self._busy[place] = None
                self._runs[place] = None
            # A body must not stay in memory until this thread has its next request.
            del item, exchange, request
            if self._main_leads or self.engine.again:
                self.engine.wake()

    def _serve(self, exchange: Exchange, request: Request) -> None:
        if type(self).handle_request is _HANDLE_REQUEST:
            self.gateway.run(exchange, request)
            return
        server = address_of(exchange.listener)
        self.handle_request(request, TConn(self.cfg, SocketView(exchange), exchange.peer, server, exchange))
        with self.engine.guard:
            self.close_if_unserved(exchange, request)

    def handle_request(self, req: Any, conn: TConn) -> bool:
        """Serve one request, in a thread of the pool; whether the connection goes on. Subclasses put something of
        their own around it.

        On a connection of the engine's the request is the engine's, otherwise one that was read off the socket.
        """
        if conn.exchange is None:
            return self.answer(req, conn)
        self.gateway.run(conn.exchange, req)
        return not conn.exchange.is_over()

    def run(self) -> None:
        if is_replaced(type(self), Pooling, POOLING):
            self.run_pooling()
        else:
            super().run()

    def _next(self) -> tuple[Exchange, Request] | None:
        """A ready request; waits for one, as the leader or for the lead. None when the worker is done."""
        ready = self._ready
        while self._serving:
            try:
                return ready.popleft()
            except IndexError:
                pass
            with self._lead:
                if not ready and self._serving:
                    self._turn(PULSE_SECONDS)
        return None

    def _turn(self, timeout: float) -> None:
        """One turn of the engine, by whoever leads. It waits outside the guard: threads that end requests need that."""
        engine = self.engine
        events = engine.wait(timeout)
        self._turns += 1
        with engine.guard:
            engine.dispatch(events)
        self._turns += 1

    # The main thread.

    def serve(self) -> None:
        self._pool = [
            threading.Thread(target=self._work, args=(place,), name=f"gunicorn-{place}", daemon=True)
            for place in range(len(self._busy))
        ]
        for thread in self._pool:
            thread.start()
        while self.alive:
            self._look_after()

    def _look_after(self) -> None:
        """One look of the main thread at its worker."""
        before = self.gateway.served
        self.pulse()
        self._told.wait(BUSY_SECONDS if any(self._busy) else QUIET_SECONDS)
        if self.gateway.unfinished():
            # The leader may be waiting since before there were lines to write.
            with self.engine.guard:
                self.gateway.idle()
        if self._all_busy() and self.gateway.served == before:
            self._lead_meanwhile()

    def running(self) -> list[tuple[Exchange, Request, float]]:
        return [run for run, busy in zip(self._runs, self._busy, strict=True) if busy and run is not None]

    def give_up(self, exchange: Exchange, request: Request) -> None:
        with self.engine.guard:
            super().give_up(exchange, request)

    def _all_busy(self) -> bool:
        return all(self._busy)

    def _lead_meanwhile(self) -> None:
        """Serve the clients' reading and writing until a thread is free again."""
        if not self._lead.acquire(blocking=False):
            return
        engine = self.engine
        try:
            self._main_leads = True
            with engine.guard:
                engine.hold_accepting()
            while self._all_busy() and not self._told.is_set():
                self.pulse()
                self._turn(QUIET_SECONDS)
        finally:
            self._main_leads = False
            with engine.guard:
                engine.resume_accepting()
            self._lead.release()

    def notify(self) -> None:
        """Alive means: the engine goes on, and there are threads. How long an application may take for a request is no
        question of `timeout` here, however many of them run: that is `request_timeout`."""
        if self._goes_on():
            super().notify()

    def _goes_on(self) -> bool:
        """Whether there are threads, and the engine does not hang where they get their requests from."""
        seen, self._turns_seen = self._turns_seen, self._turns
        if seen == self._turns and seen % 2:
            # It has been acting on the same events since the last look.
            return False
        pool = getattr(self, "_pool", ())
        return not pool or any(thread.is_alive() for thread in pool)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._told.set()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_quit(sig, frame)
        self._told.set()

    def stop(self) -> None:
        engine = self.engine
        farewell = Farewell(self)
        engine.wake()
        for _ in farewell.pauses():
            self.pulse()
            if self._all_busy() and self._lead.acquire(blocking=False):
                try:
                    self._turn(BUSY_SECONDS)
                finally:
                    self._lead.release()
            else:
                time.sleep(BUSY_SECONDS)
        silence_signals()
        self._serving = False
        engine.wake()
        for thread in self._pool:
            thread.join(JOIN_SECONDS)
        # A thread that is stuck in the application still has the engine in its hands: leave it to the kernel.
        if not any(thread.is_alive() for thread in self._pool):
            engine.close()


# By this a subclass is found that has one of its own, and a patch of this one, as tracers make it.
_HANDLE_REQUEST = ThreadWorker.handle_request


def _nothing() -> None:
    """The main thread shows that the worker lives."""
