"""One connection of the pool's: frames in, frames out, and nobody waits."""

from __future__ import annotations

from collections import deque

from .errors import DirtyProtocolError
from .frames import FrameReader, head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.unpatched import Socket

    from .frames import Frame

__all__ = ["MOST_UNSENT", "Line"]

MOST_UNSENT = 256 * 1024 * 1024
"""Octets that may wait for somebody who does not take them, before the connection is given up."""

PAUSE_AT = 8 * 1024 * 1024
"""Above so many, nothing more is read from there."""

_AT_ONCE = 256 * 1024
_MOST_AT_ONCE = 1024 * 1024
# Below this a head and what it belongs to are joined: the copy is cheaper than a second buffer for the kernel.
_SMALL = 16 * 1024


class Line:
    """`id`: what the router knows the other end by. `unsent`: octets that the kernel has not taken yet."""

    __slots__ = ("_out", "_reader", "_sock", "fd", "id", "is_broken", "is_dry", "unsent")

    def __init__(self, sock: Socket, id: int) -> None:
        sock.setblocking(False)
        self.id = id
        self.fd = sock.fileno()
        self.unsent = 0
        self.is_broken = False
        # Nothing was there to be read, the last time.
        self.is_dry = False
        self._sock = sock
        self._reader = FrameReader()
        self._out: deque[memoryview] = deque()

    @property
    def reads(self) -> bool:
        """Whether more is to be read from there now."""
        return self.unsent < PAUSE_AT

    def receive(self) -> list[Frame] | None:
        """What has come; None at the end, be it that what came is no frame."""
        self.is_dry = False
        try:
            octets = self._sock.recv(max(_AT_ONCE, min(self._reader.missing, _MOST_AT_ONCE)))
            return self._reader.feed(octets) if octets else None
        except BlockingIOError:
            self.is_dry = True
            return []
        except (OSError, DirtyProtocolError):
            return None

    def send(
        self, kind: int, number: int, payload: bytes = b"", target: bytes = b"", marks: int = 0, amount: float = 0.0
    ) -> None:
        """Send a frame, now or as soon as there is room; where nobody reads it, the line `is_broken`."""
        begin = head(kind, number, len(target) + len(payload), marks, len(target), amount) + target
        if self.unsent:
            self._keep(begin)
            self._keep(payload)
            return
        try:
            if len(payload) < _SMALL:
                begin += payload
                payload = b""
                sent = self._sock.send(begin)
            else:
                sent = self._sock.sendmsg([begin, payload])
        except BlockingIOError:
            sent = 0
        except OSError:
            self.is_broken = True
            return
        if sent < len(begin) + len(payload):
            self._keep(memoryview(begin)[sent:])
            self._keep(memoryview(payload)[max(sent - len(begin), 0):])

    def _keep(self, octets: bytes | memoryview) -> None:
        if octets:
            self._out.append(memoryview(octets))
            self.unsent += len(octets)
            self.is_broken = self.is_broken or self.unsent > MOST_UNSENT

    def flush(self) -> None:
        """Send what there is room for."""
        while self._out:
            first = self._out[0]
            try:
                sent = self._sock.send(first)
            except BlockingIOError:
                return
            except OSError:
                self.is_broken = True
                return
            self.unsent -= sent
            if sent < len(first):
                self._out[0] = first[sent:]
                return
            self._out.popleft()

    def close(self) -> None:
        """Nothing more is said."""
        self._out.clear()
        self.unsent = 0
        self._sock.close()
