"""Which of the running requests have become slow ones, each told of once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.engine.exchange import Exchange
    from gunicorn.http.request import Request

    Running = tuple[Exchange, Request, float]

__all__ = ["SlowRequests"]


class SlowRequests:
    """`limit`: seconds; 0.0: nobody looks."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        # A connection has one request behind the other; no two of one begin at the same moment.
        self._told: set[tuple[int, float]] = set()

    def new(self, now: float, running: Iterable[Running]) -> Iterator[Running]:
        """Those of the running requests (with the moment of their begin) that have become slow, with their age."""
        slow = [each for each in running if now - each[2] >= self.limit]
        told, self._told = self._told, {(id(exchange), began) for exchange, _, began in slow}
        for exchange, request, began in slow:
            if (id(exchange), began) not in told:
                yield exchange, request, now - began
