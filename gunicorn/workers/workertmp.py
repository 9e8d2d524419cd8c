"""The heartbeat as third-party workers know it, kept in shared memory and not in a file."""

from __future__ import annotations

import os
import time

from gunicorn.instrument.scoreboard import Scoreboard, Slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.unpatched import Socket

__all__ = ["WorkerTmp"]


class WorkerTmp:
    """Heartbeat of one worker: `notify()` in the worker, `last_update()` in the master.

    The master gives it a page of its scoreboard. Without one it makes its own at the first use, so that a
    worker built outside a master works too.
    """

    __slots__ = ("_fd", "_slot", "parking")

    def __init__(self, cfg: object = None, slot: Slot | None = None) -> None:
        self._slot = slot
        self._fd = -1
        # Of types that leave idle connections to each other: the ends of two channels, from the fork on. Not the
        # worker's own attribute: one more there, and Python would look for all of them in a slower way.
        self.parking: tuple[Socket, Socket] | None = None

    @property
    def slot(self) -> Slot:
        """The page of shared memory behind the heartbeat."""
        if self._slot is None:
            self._slot = Scoreboard().allocate(0)
        return self._slot

    @slot.setter
    def slot(self, value: Slot) -> None:
        self._slot = value

    def notify(self) -> None:
        """Say "I am alive"."""
        self.slot.beat()

    def last_update(self) -> float:
        """Monotonic seconds of the last `notify()`."""
        return self.slot.heartbeat

    def fileno(self) -> int:
        """A descriptor for code that insists on one (there is no file behind the heartbeat): /dev/null."""
        if self._fd < 0:
            self._fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        return self._fd

    def close(self) -> None:
        """Give back the descriptors, if there are any."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self.leave_parking()

    def leave_parking(self) -> None:
        """This worker leaves no connection to others, and takes none of theirs."""
        ends, self.parking = self.parking, None
        for end in ends or ():
            end.close()

    def age(self) -> float:
        """Seconds since the last `notify()`."""
        return time.monotonic() - self.slot.heartbeat
