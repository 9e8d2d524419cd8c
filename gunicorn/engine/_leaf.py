"""The system calls of the hot path: the twin of the native leaf, on `select`, `os` and `socket`.

Descriptors are plain integers. Interest is edge-triggered: an event says that something has changed, and the engine
goes on reading or writing until the kernel would make it wait, then calls `arm_read` or `arm_write`. With epoll (and
EPOLLET) that arming is free but for the first `arm_write` of a connection; the portable poller needs it.
"""

from __future__ import annotations

import os
import socket
from sys import getrefcount
from time import monotonic
from types import MethodType as bind

from gunicorn.instrument import scoreboard
from gunicorn.unix import unpatched
from gunicorn.unix.unpatched import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from gunicorn._types import Octets
    from gunicorn.instrument.scoreboard import Slot

    T = TypeVar("T")

READABLE = 1
WRITABLE = 2
HANGUP = 4

RECEIVE_SIZE = 65536

__all__ = [
    "HANGUP", "READABLE", "RECEIVE_SIZE", "WRITABLE", "Place", "Poller", "accept", "bind", "call", "close",
    "is_leaving", "is_readable", "keep_stacks", "meter", "monotonic", "peek", "push", "receive", "references", "send",
    "send_file", "send_more", "send_two", "show_connections",
]

if hasattr(select, "epoll"):
    _EDGE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
    _LISTEN = select.EPOLLIN | select.EPOLLEXCLUSIVE
    _READ, _WRITE = select.EPOLLIN, select.EPOLLOUT
    _HANGUP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR

# Seconds: more would not fit epoll's milliseconds, and nobody waits for weeks without an event.
_LONGEST_WAIT = 2000000.0


class _Closed:
    """Stands for an epoll object that is not made yet, or was closed."""

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        """It is."""

    def register(self, fd: int, events: int) -> None:
        raise ValueError("the poller is closed")

    def modify(self, fd: int, events: int) -> None:
        raise ValueError("the poller is closed")

    def unregister(self, fd: int) -> None:
        raise ValueError("the poller is closed")

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        raise ValueError("the poller is closed")


_CLOSED = _Closed()


def _bounded(timeout: float) -> float:
    if timeout != timeout:
        raise ValueError("the timeout is not a number")
    return min(max(timeout, -1.0), _LONGEST_WAIT)


class Poller:
    """epoll: edge-triggered for connections, level-triggered and exclusive for listeners."""

    __slots__ = ("_epoll", "_events", "_writes")

    _epoll: Any
    _events: list[tuple[int, int]]
    # Connections that are watched, and whether for writing as well.
    _writes: dict[int, bool]

    def __new__(cls) -> Poller:
        made = super().__new__(cls)
        made._epoll = _CLOSED
        made._events = []
        made._writes = {}
        return made

    def __init__(self) -> None:
        if self._epoll is not _CLOSED:
            raise RuntimeError("a poller is made once")
        self._epoll = select.epoll()

    def fileno(self) -> int:
        """One descriptor that is readable while events wait, for a host loop; -1 when it is closed."""
        return int(self._epoll.fileno())

    def add(self, fd: int) -> None:
        """Watch a connection."""
        self._epoll.register(fd, _EDGE)
        self._writes[fd] = False

    def add_listener(self, fd: int) -> None:
        """Watch a listening socket, for as long as connections wait in it."""
        self._epoll.register(fd, _LISTEN)

    def add_level(self, fd: int) -> None:
        """Watch a descriptor for reading, for as long as it is readable."""
        self._epoll.register(fd, _READ)

    def arm_read(self, fd: int) -> None:
        """Tell of the next octets that come."""

    def arm_write(self, fd: int) -> None:
        """Tell when the peer takes octets again, from now on."""
        if self._writes.get(fd) is False:
            self._epoll.modify(fd, _EDGE | _WRITE)
            self._writes[fd] = True

    def remove(self, fd: int) -> None:
        """Watch it no more."""
        self._writes.pop(fd, None)
        self._epoll.unregister(fd)

    def forget(self, fd: int) -> None:
        """The descriptor is about to be closed. A child of the application may have inherited it: then close(2) does
        not take it out of the set, and its events must not be taken for those of the next one with this number."""
        self._writes.pop(fd, None)
        try:
            self._epoll.unregister(fd)
        except (OSError, ValueError):
            # It was not watched, or nothing is any more.
            pass

    def wait(self, timeout: float) -> int:
        """Wait up to `timeout` seconds (negative: for ever); the number of events, read by `fd_at` and `flags_at`.

        Raises `OSError`, and `ValueError` for what is no number of seconds or when it is closed.
        """
        self._events = []
        self._events = self._epoll.poll(timeout if -1.0 <= timeout <= _LONGEST_WAIT else _bounded(timeout), 256)
        return len(self._events)

    def fd_at(self, index: int) -> int:
        """Descriptor of an event; negative for one that is forgotten. Raises `IndexError`."""
        if index < 0:
            raise IndexError("no such event")
        return self._events[index][0]

    def flags_at(self, index: int) -> int:
        """READABLE, WRITABLE, HANGUP of an event. Raises `IndexError`."""
        if index < 0:
            raise IndexError("no such event")
        events = self._events[index][1]
        return (
            (READABLE if events & _READ else 0)
            | (WRITABLE if events & _WRITE else 0)
            | (HANGUP if events & _HANGUP else 0)
        )

    def close(self) -> None:
        """Give the descriptor back."""
        self._epoll.close()
        self._epoll = _CLOSED
        self._events = []


# The words of a page, of which two are counted in and one is set.
_words: memoryview[int] | list[int] = [0] * (scoreboard.PAGE // 8)
_RECEIVED, _SENT = scoreboard._RECEIVED, scoreboard._SENT


def meter(slot: Slot) -> None:
    """Count on this page of the scoreboard from now on what goes through here, and heed it."""
    global _words
    if len(slot._bytes) < scoreboard.PAGE:
        raise ValueError("not a page of the scoreboard")
    _words = slot._bytes.cast("Q")


def show_connections(count: int) -> None:
    """So many connections are open."""
    _words[scoreboard._CONNECTIONS] = max(count, 0)


def is_leaving() -> bool:
    """Whether the page says that the server stops soon: clients are better off with another one."""
    return bool(_words[scoreboard._LEAVING])


def receive(fd: int) -> bytes | None:
    """Up to RECEIVE_SIZE octets; `b""` at the end of the stream, None when there are none yet. Raises `OSError`."""
    try:
        data = unpatched.read(fd, RECEIVE_SIZE)
    except BlockingIOError:
        return None
    _words[_RECEIVED] += len(data)
    return data


class Place:
    """Room for `length` octets that are still to come; `take` gives them away when all of them are there."""

    __slots__ = ("_octets", "size")

    def __init__(self, length: int) -> None:
        if length < 0:
            raise ValueError("a negative length")
        self._octets: bytearray | None = bytearray(length)
        self.size = 0

    def put(self, data: bytes) -> None:
        """Copy octets behind those that are there. Raises `ValueError` when there is no room for them."""
        if type(data) is not bytes:
            raise TypeError(f"bytes are needed, not {type(data).__name__}")
        if self._octets is None or len(data) > len(self._octets) - self.size:
            raise ValueError("more octets than there is room for")
        self._octets[self.size:self.size + len(data)] = data
        self.size += len(data)

    def receive(self, fd: int, most: int) -> int:
        """Up to `most` octets from a descriptor, as far as there is room; how many, 0 at the end of the stream, -1
        when none are there yet. Raises `OSError`, and `ValueError` when there is no room."""
        if self._octets is None or most <= 0 or len(self._octets) == self.size:
            raise ValueError("no room for octets")
        try:
            with memoryview(self._octets) as view:
                received = unpatched.readv(fd, [view[self.size:self.size + most]])
        except BlockingIOError:
            return -1
        _words[_RECEIVED] += received
        self.size += received
        return received

    def take(self) -> bytes:
        """The octets, once. Raises `ValueError` when some have not come, or they were taken."""
        octets = self._octets
        if octets is None or len(octets) != self.size:
            raise ValueError("the octets are not all there")
        self._octets = None
        return bytes(octets)


def send(fd: int, data: Octets) -> int:
    """Send octets; how many the kernel took, -1 when it takes none now. Raises `OSError`."""
    try:
        sent = unpatched.write(fd, data)
    except BlockingIOError:
        return -1
    _words[_SENT] += sent
    return sent


def send_more(fd: int, data: bytes) -> int:
    """As `send`, where more follows at once: the end of the connection, other octets, or `push`."""
    # Flags would take a socket object, which costs more than the segment they save.
    return send(fd, data)


def push(fd: int) -> None:
    """Let go of what `send_more` keeps back: nothing here."""


def send_two(fd: int, head: bytes, body: Octets) -> int:
    """Send two runs of octets in one call; as `send`."""
    try:
        sent = unpatched.writev(fd, (head, body))
    except BlockingIOError:
        return -1
    _words[_SENT] += sent
    return sent


def send_file(fd: int, source: int, offset: int, count: int) -> int:
    """Let the kernel copy from a file to a socket; octets copied, -1 when the peer takes none now. Raises `OSError`."""
    try:
        sent = unpatched.sendfile(fd, source, offset, count)
    except BlockingIOError:
        return -1
    _words[_SENT] += sent
    return sent


def accept(listener: Any, fd: int) -> tuple[int, Any] | None:
    """A new connection of a listening socket: (descriptor, address); None when none waits. Raises `OSError`."""
    try:
        if isinstance(listener, unpatched.Socket):
            connection, address = listener._accept()  # type: ignore[attr-defined]
        else:
            connection, address = _accept_beneath(fd)
    except (BlockingIOError, ConnectionAbortedError):
        return None
    os.set_blocking(connection, False)
    return connection, address


def _accept_beneath(fd: int) -> Any:
    """accept(2) for a listener whose own `accept` would switch greenlets."""
    borrowed = unpatched.Socket(fileno=fd)
    try:
        return borrowed._accept()  # type: ignore[attr-defined]
    finally:
        borrowed.detach()


def close(fd: int) -> None:
    """Close a descriptor. One that is none, or an error of the kernel's, is no news to whoever is done with it."""
    try:
        unpatched.close(fd)
    except OSError:
        pass


def is_readable(fd: int) -> bool:
    """Whether octets wait at a descriptor, or connections, or its end is there to be read."""
    looker = select.poll()
    try:
        looker.register(fd, select.POLLIN)
    except (OSError, ValueError):
        return False
    return any(events & select.POLLIN for _, events in looker.poll(0))


def peek(fd: int) -> int:
    """Look without reading: 1 when octets wait, 0 when none do, -1 when the peer has closed or reset."""
    try:
        borrowed = unpatched.Socket(fileno=fd)
    except (OSError, ValueError):
        return -1
    try:
        return 1 if borrowed.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) else -1
    except BlockingIOError:
        return 0
    except OSError:
        return -1
    finally:
        borrowed.detach()


def keep_stacks() -> None:
    """From now on, keep the memory in which the frames of a greenlet were for the next one; here it is Python's affair.
    """


def references(first: object, second: object, third: object) -> int:
    """How many references three objects have together; comparable among calls that are made alike."""
    return getrefcount(first) + getrefcount(second) + getrefcount(third)


def call(function: Callable[..., T], argument: object, keywords: dict[str, object]) -> T:
    """`function(argument, **keywords)`; a function of C sees the dict itself, and not a copy."""
    if type(keywords) is not dict:
        raise TypeError("a dict is needed")
    return function(argument, **keywords)
