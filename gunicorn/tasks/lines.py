"""One connection of the pool's: frames in, frames out, and nobody waits."""

from __future__ import annotations

from collections import deque

from ._channel import Receiver, send
from ._octets import Frame, framed, head
from .errors import DirtyProtocolError
from .frames import PASSED, TAKES_PASSED, FrameReader
from .limits import longest
from .passing import Passed, descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.unpatched import Socket

__all__ = ["CALLER", "CONTROL", "MOST_UNSENT", "PLACE", "Line"]

CALLER, PLACE, CONTROL = range(3)
"""Who is at the other end: a caller; a task process; one that is told there what is about calls that run."""

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(CALLER=CALLER, PLACE=PLACE, CONTROL=CONTROL)

MOST_UNSENT = 256 * 1024 * 1024
"""Octets that may wait for somebody who does not take them, before the connection is given up; or twice what one
message may have."""

PAUSE_AT = 8 * 1024 * 1024
"""Above so many, nothing more is read from there."""

# Below this a head and what it belongs to are joined: the copy is cheaper than a second buffer for the kernel.
_SMALL = 16 * 1024


class Line:
    """`id`: what the router knows the other end by; `role`: one of CALLER, PLACE and CONTROL. `unsent`: octets that the
    kernel has not taken yet."""

    __slots__ = (
        "_out", "_reader", "_receiver", "_sock", "fd", "id", "is_broken", "is_dry", "role", "takes_passed", "unsent",
    )

    def __init__(self, sock: Socket, id: int, role: int) -> None:
        sock.setblocking(False)
        self.id = id
        self.role = role
        self.fd = sock.fileno()
        self.unsent = 0
        self.is_broken = False
        # Nothing was there to be read, the last time.
        self.is_dry = False
        self._sock = sock
        self._receiver = Receiver(sock)
        self._reader = FrameReader()
        # What is to be sent, each with the descriptor that goes with its first octet.
        self._out: deque[tuple[memoryview, Passed | None]] = deque()
        # Whether the other end takes large payloads as descriptors.
        self.takes_passed = False

    @property
    def reads(self) -> bool:
        """Whether more is to be read from there now."""
        return self.unsent < PAUSE_AT

    def receive(self) -> list[Frame] | None:
        """What has come; None at the end, be it that what came is no frame."""
        self.is_dry = False
        try:
            found = self._receiver.receive(self._reader.wanted, 0.0)
            if found is None:
                self.is_dry = True
                return []
            octets, messages = found
            if not octets:
                return None
            frames = self._reader.feed(octets, descriptors(messages) if messages else ())
        except (OSError, DirtyProtocolError):
            return None
        if not self.takes_passed:
            for frame in frames:
                if frame.marks & TAKES_PASSED:
                    self.takes_passed = True
        return frames

    def send(
        self, kind: int, number: int, payload: bytes | Passed = b"", target: bytes = b"", marks: int = 0,
        amount: float = 0.0,
    ) -> None:
        """Send a frame, now or as soon as there is room; where nobody reads it, the line `is_broken`."""
        if type(payload) is bytes and len(payload) < _SMALL and not self._out:
            whole = framed(kind, number, target, payload, marks & ~PASSED, amount)
            if not self._send_at_once(whole):
                self._keep(whole, b"", None)
            return
        passed = payload if isinstance(payload, Passed) else None
        if passed is not None and not self.takes_passed:
            payload, passed = passed.read(), None
        octets = payload if isinstance(payload, bytes) else b""
        marks = marks & ~PASSED | (PASSED if passed is not None else 0)
        begin = head(kind, number, len(target) + len(octets), marks, len(target), amount) + target
        if len(octets) < _SMALL:
            begin += octets
            octets = b""
        self._keep(begin, octets, passed)

    def _send_at_once(self, octets: bytes) -> bool:
        """Whether the kernel has taken all of it, or the line is broken; of what is neither, the rest waits."""
        try:
            sent = send(self._sock, octets)
        except OSError:
            self.is_broken = True
            return True
        if sent < 0:
            return False
        if sent < len(octets):
            self._out.append((memoryview(octets)[sent:], None))
            self.unsent += len(octets) - sent
        return True

    def _keep(self, begin: bytes, octets: bytes, passed: Passed | None) -> None:
        was_empty = not self._out
        for part in (begin, octets):
            if part:
                self._out.append((memoryview(part), passed))
                self.unsent += len(part)
                passed = None
        self.is_broken = self.is_broken or (self.unsent > MOST_UNSENT and self.unsent > 2 * longest())
        if was_empty:
            self.flush()

    def flush(self) -> None:
        """Send what there is room for."""
        while self._out:
            first, passed = self._out[0]
            try:
                sent = self._sock.sendmsg([first], passed.rights()) if passed is not None else self._sock.send(first)
            except BlockingIOError:
                return
            except OSError:
                self.is_broken = True
                return
            self.unsent -= sent
            if sent < len(first):
                self._out[0] = first[sent:], None
                return
            self._out.popleft()

    def close(self) -> None:
        """Nothing more is said."""
        self._out.clear()
        self.unsent = 0
        self._sock.close()
