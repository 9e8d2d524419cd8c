"""Octets and descriptors by sockets that stay, without what Python has between them and the kernel: the twin of the
native leaf.

A socket that is received from waits in the kernel; what is sent never waits here.
"""

from __future__ import annotations

import math
import socket

from gunicorn.unix import unpatched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.unpatched import Socket

__all__ = ["Receiver", "send"]

_FLAGS = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
# For what recvmsg(2) may bring besides octets.
_ROOM = socket.CMSG_SPACE(4 * 16)
_LONGEST_SECONDS = 1e6


class Receiver:
    """What comes by `sock`, for one thread at a time. The socket keeps how long it waits."""

    __slots__ = ("_sock",)

    def __init__(self, sock: Socket) -> None:
        self._sock = sock

    def receive(
        self, size: int, seconds: float | None
    ) -> tuple[bytes, list[tuple[int, int, bytes]] | None] | None:
        """Up to `size` octets, none at the end, and what recvmsg(2) brings besides them. Waits for so many seconds
        (0.0: not at all, None: for ever); None where nothing has come, be it that a signal was faster. Raises OSError,
        and ValueError for what is no size and no number of seconds.
        """
        if not 0 < size < 2**31:
            raise ValueError("no room for octets")
        if seconds is not None and math.isnan(seconds):
            raise ValueError("no number of seconds")
        sock = self._sock
        if seconds is not None and seconds > 0.0:
            waits = unpatched.select.poll()
            waits.register(sock.fileno(), unpatched.select.POLLIN)
            if not waits.poll(math.ceil(min(seconds, _LONGEST_SECONDS) * 1000)):
                return None
        flags = _FLAGS if seconds is None else _FLAGS | socket.MSG_DONTWAIT
        try:
            octets, messages, _, _ = sock.recvmsg(size, _ROOM, flags)
        except BlockingIOError:
            return None
        return octets, messages or None


def send(sock: Socket, octets: bytes) -> int:
    """Send octets without waiting; how many the kernel took, -1 when it takes none now. Raises OSError."""
    if type(octets) is not bytes:
        raise TypeError("octets are needed")
    try:
        return sock.send(octets, socket.MSG_DONTWAIT)
    except (BlockingIOError, InterruptedError):
        return -1
