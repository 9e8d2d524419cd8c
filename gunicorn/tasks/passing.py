"""Large payloads, which are not copied through sockets: a file in memory is made, and its descriptor handed on.

A frame whose mark is PASSED has its payload in the descriptor that has come with its first octet (SCM_RIGHTS, unix(7)).
Who only hands the frame on hands the descriptor on and reads nothing of it.
"""

from __future__ import annotations

import os
import socket
import struct

from gunicorn.unix import unpatched

from .errors import DirtyProtocolError
from .limits import longest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = ["IS_POSSIBLE", "LARGE", "ROOM", "Passed", "descriptors", "opened"]

IS_POSSIBLE = hasattr(os, "memfd_create") and hasattr(socket, "SCM_RIGHTS")
LARGE = 256 * 1024
"""From so many octets on a payload is passed."""

_FD = struct.Struct("=i")
ROOM = socket.CMSG_SPACE(_FD.size * 16) if IS_POSSIBLE else 0
"""For what recvmsg(2) may bring besides octets."""


class Passed:
    """A payload in a file in memory, whose descriptor is this object's: it is closed with it."""

    __slots__ = ("_size", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._size = os.fstat(fd).st_size

    @classmethod
    def of(cls, payload: bytes) -> Passed:
        """A file in memory with these octets. Raises OSError."""
        fd = os.memfd_create("task", os.MFD_CLOEXEC)
        try:
            left = memoryview(payload)
            while left:
                left = left[unpatched.write(fd, left):]
            return cls(fd)
        except OSError:
            unpatched.close(fd)
            raise

    def __len__(self) -> int:
        return self._size

    def read(self) -> bytes:
        """The octets. Raises DirtyProtocolError for more than may be sent, and for a file that shrinks meanwhile."""
        if self._size > longest():
            raise DirtyProtocolError(f"Message of {self._size} octets is too large: {longest()} are the most")
        octets = os.pread(self.fd, self._size, 0)
        if len(octets) != self._size:
            raise DirtyProtocolError("What was passed is not there any more")
        return octets

    def rights(self) -> list[tuple[int, int, bytes]]:
        """What sendmsg(2) is to send besides octets."""
        return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _FD.pack(self.fd))]

    def __del__(self) -> None:
        fd, self.fd = getattr(self, "fd", -1), -1
        if fd >= 0:
            unpatched.close(fd)


def descriptors(messages: Iterable[tuple[int, int, bytes]]) -> list[Passed]:
    """What has come besides octets."""
    return [
        Passed(fd) for level, kind, data in messages if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS
        for (fd,) in _FD.iter_unpack(data[: len(data) - len(data) % _FD.size])
    ]


def opened(payload: bytes | Passed) -> bytes:
    """The octets of a payload, however it has come. Raises DirtyProtocolError."""
    return payload.read() if isinstance(payload, Passed) else payload
