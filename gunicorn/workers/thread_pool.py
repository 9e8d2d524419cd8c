"""WSGI applications under the asgi worker: requests run in a pool of threads, everything else in the loop."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from gunicorn.engine._leaf import monotonic
from gunicorn.engine.manners import Manners
from gunicorn.errors import OwnSignal
from gunicorn.gateway.response import count_whole
from gunicorn.wsgi.gateway import WSGIGateway

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import WSGIApp
    from gunicorn.engine.engine import Engine
    from gunicorn.engine.exchange import Exchange
    from gunicorn.http.request import Request

    from .engine_worker import EngineWorker


class PoolGateway(WSGIGateway):
    """Hands a complete request to a thread."""

    worker: EngineWorker
    engine: Engine

    def __init__(
        self, worker: EngineWorker, app: WSGIApp, manners: Manners, multiprocess: bool, server: str, software: str
    ) -> None:
        super().__init__(worker, app, manners, multiprocess, server, software)
        self._queue: SimpleQueue[tuple[Exchange, Request]] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        # What each thread runs, by its number.
        self._runs: dict[int, tuple[Exchange, Request, float]] = {}

    def running(self) -> list[tuple[Exchange, Request, float]]:
        """Running requests and when they were begun."""
        return list(self._runs.values())

    def answered(self) -> int:
        return count_whole(exchange for exchange, _, _ in self.running())

    def handle(self, exchange: Exchange, request: Request) -> None:
        """Called in the loop."""
        if not self._threads:
            self._start()
        self._queue.put((exchange, request))

    def _start(self) -> None:
        # Daemons: one that is stuck in the application must not hold up the end of the process.
        for place in range(max(1, self.cfg.threads)):
            thread = threading.Thread(target=self._work, name=f"gunicorn-{place}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            self._serve(*self._queue.get())

    def _serve(self, exchange: Exchange, request: Request) -> None:
        me = threading.get_ident()
        self._runs[me] = (exchange, request, monotonic())
        try:
            self.run(exchange, request)
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.run_failed(exchange, request, error)
        finally:
            self._runs.pop(me, None)
            if not self.worker.alive or self.engine.again:
                self.engine.wake()

    def tick(self) -> None:
        """Nothing is kept by the second."""

    def say_farewell(self) -> None:
        """Requests end by themselves."""

    def dismiss(self, everyone: bool) -> None:
        """Responses end by themselves."""

    def cut_off(self, streams_only: bool) -> int:
        """Threads cannot be cancelled."""
        return 0

    def busy(self) -> bool:
        """Whether something runs that has no connection any more."""
        return False
