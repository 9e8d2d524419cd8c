"""A caller of this machine whose pool is led on another node: what it says goes there by TCP, and answers come back.

Descriptors do not: a large payload that was passed goes inline, and nothing is passed back.
"""

from __future__ import annotations

import socket

from gunicorn.unix import unpatched

from ._channel import Receiver
from ._octets import framed
from .addresses import Way, connected
from .errors import DirtyProtocolError
from .frames import PASSED, TAKES_PASSED, FrameReader
from .passing import opened
from .sending import read_frames, send_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.unpatched import Socket

    from ._octets import Frame

__all__ = ["Relay"]

CONNECT_SECONDS = 5.0
_AT_ONCE = 64 * 1024


class Relay:
    """Between `caller` and the pool that is reached by `way`. Raises OSError where that does not answer."""

    def __init__(self, caller: Socket, way: Way) -> None:
        self._caller = caller
        there = connected(way, CONNECT_SECONDS)
        there.settimeout(None)
        self._there = unpatched.Socket(fileno=there.detach())
        # Of the two threads.
        self._left = 2
        self._leaving = unpatched.allocate_lock()

    def run(self) -> None:
        """Until one of the two has nothing more to say; one thread is added."""
        unpatched.start_new_thread(self._bring_back, ())
        receiver, reader = Receiver(self._caller), FrameReader()
        try:
            while True:
                frames = read_frames(receiver, reader)
                for frame in frames:
                    send_all(self._there, _inline(frame), None)
                if not frames and not reader.is_within:
                    break
        except (OSError, DirtyProtocolError):
            # The pool has ended, or what was passed is no payload: the caller is told by the end.
            pass
        self._leave()

    def _bring_back(self) -> None:
        try:
            while octets := self._there.recv(_AT_ONCE):
                send_all(self._caller, octets, None)
        except OSError:
            pass
        self._leave()

    def end(self) -> None:
        """Nothing more is said, to neither of them."""
        for end in (self._caller, self._there):
            try:
                # The other thread wakes.
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _leave(self) -> None:
        self.end()
        with self._leaving:
            self._left -= 1
            is_last = not self._left
        if is_last:
            self._caller.close()
            self._there.close()


def _inline(frame: Frame) -> bytes:
    marks = frame.marks & ~(PASSED | TAKES_PASSED)
    return framed(frame.kind, frame.number, frame.target, opened(frame.payload), marks, frame.amount)
