"""What an application is handed to act on its connection: it asks first whether its request is still the one.

An application may keep these objects, in a thread say, longer than its request lives. The connection has gone on by
then: what such an object did now would happen to the next request on it, which behind a proxy is another user's.

Requests of one connection share the objects as long as nobody has kept them.
"""

from __future__ import annotations

from gunicorn.engine._leaf import references
from gunicorn.engine.connection import RUNNING, Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Turn:
    """The time in which the connection belongs to one request.

    It is `gunicorn.client_disconnected` itself, called, and its method is `wsgi.early_hints`: one object less.
    """

    __slots__ = ("connection", "number")

    def begin(self, connection: Connection) -> None:
        """What `__init__` would do, for an object made by `__new__`, which is a plain allocation when compiled."""
        self.connection = connection
        self.number = connection.requests

    def is_over(self) -> bool:
        """Whether the request has ended, whatever runs on its connection now."""
        connection = self.connection
        return connection is None or connection.state != RUNNING or connection.requests != self.number

    def __call__(self) -> bool:
        """Whether nothing reaches the client of the request any more."""
        return self.is_over() or self.connection.disconnected()

    def early_hints(self, headers: Any) -> None:
        """Send fields ahead of the response to the request; nothing once that is over."""
        if self.is_over():
            return
        response = self.connection.response
        if response is not None:
            response.early_hints(headers)


def turn_of(connection: Connection) -> Turn:
    """The time of the request that runs on a connection."""
    if not isinstance(connection, Connection):
        raise TypeError(f"a connection is needed, not {type(connection).__name__}")
    turn = Turn.__new__(Turn)
    turn.begin(connection)
    return turn


class Shared:
    """The objects of this kind that requests of a connection share, and how many references they have in between."""

    __slots__ = ("_count", "_hints", "_turn", "_view")

    def begin(self, environ: dict[str, Any]) -> None:
        """Before the first copy of `environ`, which all of them are in and nobody else holds."""
        self._turn: Turn = environ["gunicorn.client_disconnected"]
        self._view: Any = environ["gunicorn.socket"]
        self._hints: Any = environ["wsgi.early_hints"]
        self._count = references(self._view, self._hints, self._turn)

    def renew(self, number: int) -> bool:
        """Give them to the request of this number; False when somebody has kept one of them."""
        # Nobody can have let go of one of those that are counted, so a sum that is the same says that all are.
        if references(self._view, self._hints, self._turn) != self._count:
            return False
        self._turn.number = number
        return True
