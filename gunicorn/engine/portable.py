"""A poller for platforms without epoll."""

from __future__ import annotations

import selectors

from ._leaf import Poller

__all__ = ["PortablePoller"]

READABLE = selectors.EVENT_READ
WRITABLE = selectors.EVENT_WRITE


class PortablePoller(Poller):
    """`selectors` with the manners of an edge-triggered epoll: an interest that was reported sleeps until armed."""

    __slots__ = ("_interest", "_level", "_selector", "_events")

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._interest: dict[int, int] = {}
        self._level: set[int] = set()
        self._events: list[tuple[int, int]] = []

    def fileno(self) -> int:
        """One descriptor that is readable while events wait, for a host loop; -1 where the platform has none."""
        fileno = getattr(self._selector, "fileno", None)
        return -1 if fileno is None else int(fileno())

    def add(self, fd: int) -> None:
        """Watch a connection."""
        self._set(fd, READABLE | WRITABLE)

    def add_listener(self, fd: int) -> None:
        """Watch a listening socket, for as long as connections wait in it."""
        self._level.add(fd)
        self._set(fd, READABLE)

    def add_level(self, fd: int) -> None:
        """Watch a descriptor for reading, for as long as it is readable."""
        self.add_listener(fd)

    def arm_read(self, fd: int) -> None:
        """Tell of the next octets that come."""
        self._set(fd, self._interest.get(fd, 0) | READABLE)

    def arm_write(self, fd: int) -> None:
        """Tell when the peer takes octets again."""
        self._set(fd, self._interest.get(fd, 0) | WRITABLE)

    def remove(self, fd: int) -> None:
        """Watch it no more."""
        self._level.discard(fd)
        self._set(fd, 0)

    def forget(self, fd: int) -> None:
        """The descriptor is about to be closed."""
        self._set(fd, 0)

    def _set(self, fd: int, interest: int) -> None:
        before = self._interest.get(fd, 0)
        if before == interest:
            return
        if not interest:
            del self._interest[fd]
            self._selector.unregister(fd)
            return
        self._interest[fd] = interest
        if before:
            self._selector.modify(fd, interest)
        else:
            self._selector.register(fd, interest)

    def wait(self, timeout: float) -> int:
        """Wait up to `timeout` seconds (negative: for ever); the number of events, read by `fd_at` and `flags_at`."""
        events = self._selector.select(None if timeout < 0 else timeout)
        self._events = [(key.fd, flags) for key, flags in events]
        for fd, flags in self._events:
            if fd not in self._level:
                self._set(fd, self._interest.get(fd, 0) & ~flags)
        return len(self._events)

    def fd_at(self, index: int) -> int:
        """Descriptor of an event."""
        return self._events[index][0]

    def flags_at(self, index: int) -> int:
        """READABLE, WRITABLE, HANGUP of an event."""
        return self._events[index][1]

    def close(self) -> None:
        """Give the descriptor back."""
        self._selector.close()
