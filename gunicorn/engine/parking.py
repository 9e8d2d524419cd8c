"""Where connections stay between two requests, while their worker has slow ones: outside, for all workers.

Whoever has answered parks the connection, if nothing of a next request was read; whoever is free takes one up on which
something has come. In between a process of the master's keeps them (`master/parking_lot.py`), which only looks whether
there is something to read. So kept-alive clients wait in one queue for all workers, as new ones do.
"""

from __future__ import annotations

from gunicorn._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Peer, ProxyInfo

__all__ = ["NO_PARKING", "Parked", "Parking"]


class Parked(Record):
    """What whoever takes up a connection must know of it.

    - `deadline`: moment (monotonic) until which something must come; 0.0: none.
    - `parks_until`: moment until which its last worker counted as slow.
    - `listener`: name of the listener that it came by (`Listener.name`).
    - `number`: requests that were served on it.
    - `proxy_info`: what the PROXY protocol has told at its beginning.
    """

    deadline: float
    parks_until: float
    listener: str
    peer: Peer
    number: int
    proxy_info: ProxyInfo | None = None


class Parking:
    """Where there is no place for it. `fd`: readable when there is something to take up; -1: there never is. `ended`:
    nothing comes any more."""

    fd = -1
    ended = True

    def park(self, fd: int, parked: Parked) -> bool:
        """Leave a connection there; whether there is room. The caller closes its own copy of the descriptor."""
        return False

    def take(self) -> tuple[int, Parked] | None:
        """A connection on which something has come, or None."""
        return None

    def close(self) -> None:
        """Leave and take none any more."""


NO_PARKING = Parking()
