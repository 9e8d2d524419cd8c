"""How one thread wakes another that waits for a client in the kernel: by a pipe, which poll(2) waits for as well.

Where a connection is shared, what one thread waits for another may have taken in: the kernel has nothing more to tell
of it then.
"""

from __future__ import annotations

import os

from gunicorn.unix.unpatched import select


class Bell:
    """The wait of one thread. What is called from others (`ring`) holds the engine's guard, and so does `answered`."""

    def __init__(self) -> None:
        self._told, self._tell = os.pipe()
        self._rung = False
        self._waiter = select.poll()
        self._waiter.register(self._told, select.POLLIN)

    def ring(self) -> None:
        """Something has changed for whoever waits."""
        if not self._rung:
            self._rung = True
            os.write(self._tell, b"\0")

    def wait(self, fd: int, events: int, seconds: float) -> None:
        """Until it rings, or the kernel tells one of these events of the descriptor, or so much time has passed."""
        self._waiter.register(fd, events)
        self._waiter.poll(1000 * seconds)

    def answered(self) -> None:
        """Who waited looks at what has changed."""
        if self._rung:
            os.read(self._told, 1)
            self._rung = False

    def close(self) -> None:
        """Nobody waits any more."""
        os.close(self._told)
        os.close(self._tell)
