"""The way to the parking place of all workers, and back from there: a channel each, which bear descriptors."""

from __future__ import annotations

import json

from gunicorn.unix import handover, unpatched

from .parking import Parked, Parking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.unpatched import Socket

__all__ = ["SharedParking", "octets_of", "parked_from"]


def octets_of(parked: Parked) -> bytes:
    """All but the deadline, for `parked_from`."""
    peer = parked.peer.decode("latin-1") if isinstance(parked.peer, bytes) else parked.peer
    return json.dumps([parked.parks_until, parked.listener, peer, parked.number, parked.proxy_info]).encode()


def parked_from(deadline: float, octets: bytes) -> Parked:
    """What `octets` tell. Raises ValueError, TypeError."""
    found: object = json.loads(octets)
    if not isinstance(found, list) or len(found) != 5:
        raise ValueError("not a parked connection")
    parks_until, listener, peer, number, proxy_info = found
    return Parked(
        deadline, float(parks_until), str(listener), tuple(peer) if isinstance(peer, list) else str(peer),
        int(number), proxy_info,
    )


class SharedParking(Parking):
    """The place of all workers of a server: where to leave connections, and where to take them up."""

    def __init__(self, entrance: Socket, exit: Socket) -> None:
        self._entrance = entrance
        self._exit = exit
        self.fd = exit.fileno()
        self.ended = False

    def park(self, fd: int, parked: Parked) -> bool:
        if self.fd < 0:
            return False
        try:
            return handover.send(self._entrance, fd, parked.deadline, octets_of(parked))
        except OSError:
            # The server is at its end, and the place is gone.
            return False

    def take(self) -> tuple[int, Parked] | None:
        while not self.ended:
            try:
                handed = handover.receive(self._exit)
            except OSError:
                handed = handover.ENDED
            if handed is None:
                return None
            if handed is handover.ENDED:
                # Not closed here: who watches it has to know it first.
                self.ended = True
            elif handed.fd >= 0:
                try:
                    return handed.fd, parked_from(handed.until, handed.about)
                except (TypeError, ValueError):
                    # Of a worker with other code than this one's.
                    unpatched.close(handed.fd)
        return None

    def close(self) -> None:
        self.fd = -1
        self.ended = True
        self._entrance.close()
        self._exit.close()
