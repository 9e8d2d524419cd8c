"""The process in which idle connections are parked: it waits until something comes on one, and hands that on.

It reads nothing of what clients send, so that whoever takes a connection up finds all of it, and knows nothing of HTTP.
Its loop is one set of epoll: the arrivals, the connections, the departures while these are full, and the pipe by whose
end the server ends.
"""

from __future__ import annotations

import os
import resource
import socket
import time
from collections import deque

from gunicorn.unix import handover, unpatched
from gunicorn.unix.handover import Handed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Clock
    from gunicorn.unix.unpatched import Socket

__all__ = ["Lot"]

SWEEP_SECONDS = 1.0
# Descriptors for what is no connection.
SPARE = 32
# Arrivals in one turn, so that departures have theirs.
MOST_AT_ONCE = 64
# At the end, so long workers are waited for that are to take what is left. Where none is left, nobody is.
FAREWELL_SECONDS = 5.0

_EPOLL = unpatched.select
_WAITS = getattr(_EPOLL, "EPOLLIN", 1) | getattr(_EPOLL, "EPOLLRDHUP", 0)
_OUT = getattr(_EPOLL, "EPOLLOUT", 4)


class Lot:
    """`arrivals`: where workers leave connections; `departures`: where they take them up; `life`: readable when the
    server ends. `most`: how many connections there may be; `board`: memory that tells the master how many there are."""

    def __init__(
        self, arrivals: Socket, departures: Socket, life: int, most: int | None = None,
        clock: Clock = time.monotonic, board: memoryview[int] | None = None,
    ) -> None:
        self._arrivals = arrivals
        self._departures = departures
        self._life = life
        self._most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE if most is None else most
        self._clock = clock
        self._board = memoryview(bytearray(8)).cast("q") if board is None else board
        self._epoll = _EPOLL.epoll()
        self.parked: dict[int, Handed] = {}
        # Those on which something has come, and nobody was free to take them.
        self.ready: deque[Handed] = deque()
        self._open = True
        self._blocked = False
        self._next_sweep = 0.0
        self._epoll.register(life, _WAITS)
        self._epoll.register(arrivals.fileno(), _WAITS)

    def run(self) -> None:
        """Until the server ends."""
        while self.turn(SWEEP_SECONDS if self.parked or self.ready else -1.0):
            pass
        self._leave()

    def turn(self, timeout: float) -> bool:
        """Wait up to so many seconds, and act on what has happened; False at the end of the server."""
        for fd, _ in self._epoll.poll(timeout):
            if fd == self._life:
                return False
            if fd == self._arrivals.fileno():
                self._let_in()
            elif fd == self._departures.fileno():
                self._send_off()
            else:
                self._awake(fd)
        now = self._clock()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            self._sweep(now)
        self._board[0] = len(self.parked) + len(self.ready)
        return True

    # Arrivals.

    def _let_in(self) -> None:
        for _ in range(MOST_AT_ONCE):
            if len(self.parked) + len(self.ready) >= self._most:
                # Workers keep theirs until there is room again.
                self._epoll.unregister(self._arrivals.fileno())
                self._open = False
                return
            handed = handover.receive(self._arrivals)
            if handed is None:
                return
            if handed is handover.ENDED:
                self._epoll.unregister(self._arrivals.fileno())
                return
            if handed.fd >= 0:
                self._park(handed)

    def _park(self, handed: Handed) -> None:
        self.parked[handed.fd] = handed
        self._epoll.register(handed.fd, _WAITS)

    # Departures.

    def _awake(self, fd: int) -> None:
        """Something has come on a connection: octets, or its end."""
        handed = self.parked.pop(fd, None)
        if handed is None:
            return
        self._epoll.unregister(fd)
        if not has_octets(fd):
            self._close(fd)
            return
        self.ready.append(handed)
        self._send_off()

    def _send_off(self) -> None:
        """Hand on those that are ready, as far as they find room."""
        while self.ready:
            handed = self.ready[0]
            try:
                sent = handover.send(self._departures, handed.fd, handed.until, handed.about)
            except OSError:
                # No worker is left: the end is near, and told by the pipe.
                return
            if not sent:
                self._block(True)
                return
            self.ready.popleft()
            self._close(handed.fd)
        self._block(False)

    def _block(self, blocked: bool) -> None:
        if blocked and not self._blocked:
            self._epoll.register(self._departures.fileno(), _OUT)
        elif self._blocked and not blocked:
            self._epoll.unregister(self._departures.fileno())
        self._blocked = blocked

    def _close(self, fd: int) -> None:
        os.close(fd)
        if not self._open:
            self._open = True
            self._epoll.register(self._arrivals.fileno(), _WAITS)

    def _sweep(self, now: float) -> None:
        for fd, handed in list(self.parked.items()):
            if handed.until and handed.until <= now:
                del self.parked[fd]
                self._epoll.unregister(fd)
                self._close(fd)

    # The end.

    def _leave(self) -> None:
        """Give all that is here to the workers, which let their clients ask once more."""
        # Who does not know yet that the server ends keeps what is left here from now on.
        self._arrivals.shutdown(socket.SHUT_RD)
        self.ready.extend(self.parked.values())
        self.parked.clear()
        until = self._clock() + FAREWELL_SECONDS
        room = _EPOLL.poll()
        room.register(self._departures.fileno(), _EPOLL.POLLOUT)
        while True:
            self._take_late()
            if not self._give() or not self.ready or self._clock() >= until:
                return
            room.poll(100)

    def _take_late(self) -> None:
        """What workers have left here in their last moments goes, too."""
        while (late := handover.receive(self._arrivals)) is not None and late is not handover.ENDED:
            if late.fd >= 0:
                self.ready.append(late)

    def _give(self) -> bool:
        """Give what there is room for; False where no worker is left."""
        try:
            while self.ready:
                handed = self.ready[0]
                if not handover.send(self._departures, handed.fd, handed.until, handed.about):
                    break
                os.close(self.ready.popleft().fd)
        except OSError:
            return False
        return True


def has_octets(fd: int) -> bool:
    """Whether a client has sent something, and not its end."""
    # With family and type given, the constructor asks the kernel nothing.
    borrowed = unpatched.Socket(socket.AF_INET, socket.SOCK_STREAM, 0, fd)
    try:
        return bool(borrowed.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        # Nothing after all: whoever takes it up sees to it.
        return True
    except OSError:
        return False
    finally:
        borrowed.detach()
