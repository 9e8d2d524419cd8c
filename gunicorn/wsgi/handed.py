"""What the requests of one connection share of their environs, as long as nobody has kept it."""

from __future__ import annotations

from gunicorn.engine._leaf import references
from gunicorn.gateway.turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Environ


class Shared:
    """The objects of this kind that requests of a connection share, and how many references they have in between."""

    __slots__ = ("_count", "_hints", "_turn", "_view")

    def begin(self, environ: Environ) -> None:
        """Before the first copy of `environ`, which all of them are in and nobody else holds."""
        self._turn: Turn = environ["gunicorn.client_disconnected"]
        self._view: object = environ["gunicorn.socket"]
        self._hints: object = environ["wsgi.early_hints"]
        self._count = references(self._view, self._hints, self._turn)

    def renew(self, number: int) -> bool:
        """Give them to the request of this number; False when somebody has kept one of them."""
        # Nobody can have let go of one of those that are counted, so a sum that is the same says that all are.
        if references(self._view, self._hints, self._turn) != self._count:
            return False
        self._turn.number = number
        return True
