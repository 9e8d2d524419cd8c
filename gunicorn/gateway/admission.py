"""Whether a request that has come is still worth running.

Two things are looked at just before the application is called: how long the request has waited, in the kernel, behind
other requests, or in a queue of this process; and whether its client is still there.
"""

from __future__ import annotations

import time

from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.http.errors import WaitedTooLong
from gunicorn.logs.queue_time import seconds_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from gunicorn._types import Clock
    from gunicorn.http.request import Request

    class Arrived(Protocol):
        """An exchange, or what a guest has in its place: what the time in the kernel is asked of."""

        def seconds_since_data(self) -> float: ...

# A request that has waited for so long may have been given up: look whether its client is there.
LONG_SECONDS = 1.0


class Admission:
    """The limit on waiting: `limit` in seconds. Clocks: monotonic as the engine's, and the wall's for proxies."""

    def __init__(self, limit: float, clock: Clock, wall_clock: Clock = time.time) -> None:
        self.limit = limit
        self.clock = clock
        self.wall_clock = wall_clock

    def check(self, exchange: Exchange, request: Request) -> None:
        """Raises `WaitedTooLong` when the request has, `ClientDisconnected` when nobody waits for it."""
        waited = self.waited(exchange, request)
        if waited > self.limit:
            raise WaitedTooLong(f"waited {waited:.1f} s, the limit is {self.limit:g} s")
        if waited > LONG_SECONDS and exchange.disconnected():
            raise ClientDisconnected()

    def waited(self, exchange: Arrived, request: Request) -> float:
        """Seconds since the request was complete here, or since a trusted proxy took it on."""
        waited = self.clock() - request.started
        waited = max(waited, exchange.seconds_since_data())
        if request.forwarder_trusted:
            told = seconds_since(request.header("X-REQUEST-START"), self.wall_clock())
            waited = max(waited, told or 0.0)
        return waited
