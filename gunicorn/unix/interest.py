"""What a loop sleeps on: descriptors, and what is wanted of each.

By poll(2), and not by select(2), which knows no descriptor above 1023: a master with many workers, listeners and
clients comes there.
"""

from __future__ import annotations

import math

from . import unpatched

__all__ = ["BROKEN", "READ", "WRITE", "Interest"]

READ, WRITE = unpatched.select.POLLIN, unpatched.select.POLLOUT
BROKEN = unpatched.select.POLLHUP | unpatched.select.POLLERR
"""Told unasked: nobody is left at the other end."""

_CLOSED = unpatched.select.POLLNVAL

LONGEST = 86400.0
"""Seconds of the longest sleep; who wakes for nothing sleeps on."""


class Interest:
    """Descriptors, each with `READ`, `WRITE`, both, or 0 for only what is told unasked."""

    def __init__(self) -> None:
        self._poll = unpatched.select.poll()
        self._wanted: dict[int, int] = {}

    def watch(self, fd: int, wanted: int) -> None:
        """From now on, be woken for this of `fd`."""
        if self._wanted.get(fd) != wanted:
            self._wanted[fd] = wanted
            self._poll.register(fd, wanted)

    def forget(self, fd: int) -> None:
        """Before a descriptor is closed: its number will be another one's."""
        if self._wanted.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def wait(self, timeout: float | None) -> list[tuple[int, int]]:
        """Sleep for `timeout` seconds at the most (None: no limit); which descriptors have ended that, and why."""
        limit = None if timeout is None else math.ceil(min(timeout, LONGEST) * 1000)
        found: list[tuple[int, int]] = self._poll.poll(limit)
        for fd, why in found:
            if why & _CLOSED:
                # Closed by somebody who did not tell; a sleep with it would be none.
                self.forget(fd)
        return found
