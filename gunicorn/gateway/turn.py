"""The time in which a connection belongs to one request.

An application may keep what it is handed to act on its connection, in a thread say, longer than its request lives. The
connection has gone on by then: what such an object did now would happen to the next request on it, which behind a proxy
is another user's. So each asks first whether its request is still the one.
"""

from __future__ import annotations

from gunicorn.engine.exchange import Exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Fields


class Turn:
    """The time in which the connection belongs to one request.

    It is `gunicorn.client_disconnected` itself, called, and its method is `wsgi.early_hints`: one object less.
    """

    __slots__ = ("exchange", "number")

    def begin(self, exchange: Exchange) -> None:
        """What `__init__` would do, for an object made by `__new__`, which is a plain allocation when compiled."""
        self.exchange = exchange
        self.number = exchange.number

    def is_over(self) -> bool:
        """Whether the request has ended, whatever runs on its connection now."""
        exchange = self.exchange
        return exchange is None or not exchange.is_running() or exchange.number != self.number

    def __call__(self) -> bool:
        """Whether nothing reaches the client of the request any more."""
        return self.is_over() or self.exchange.disconnected()

    def early_hints(self, headers: Fields) -> None:
        """Send fields ahead of the response to the request; nothing once that is over."""
        if self.is_over():
            return
        response = self.exchange.response
        if response is not None:
            response.early_hints(headers)


def turn_of(exchange: Exchange) -> Turn:
    """The time of the request that runs on a connection."""
    if not isinstance(exchange, Exchange):
        raise TypeError(f"a connection is needed, not {type(exchange).__name__}")
    turn = Turn.__new__(Turn)
    turn.begin(exchange)
    return turn
