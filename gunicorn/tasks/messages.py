"""What the master of the task processes and the process that speaks to Ray say to each other: a list a message, with
descriptors where it has some, by a socket that keeps messages apart."""

from __future__ import annotations

import array
import os
import socket
from collections import deque

from gunicorn.unix import unpatched
from gunicorn.unix.unpatched import Socket

from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunicorn._types import Value

__all__ = ["MessageEnd", "Messages", "pair"]

_LONGEST = 1 << 20
_MOST_PASSED = 4
_FLAGS = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class MessageEnd(Exception):
    """Nothing more will be said."""


def pair() -> tuple[Socket, Socket]:
    """Two ends. Raises OSError."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    first, second = (Socket(fileno=end.detach()) for end in ends)
    for end in (first, second):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
    return first, second


class Messages:
    """One end; any thread may send. Where the socket does not wait, messages wait for room."""

    def __init__(self, sock: Socket) -> None:
        self._sock = sock
        self._lock = unpatched.allocate_lock()
        self._out: deque[tuple[bytes, list[int]]] = deque()
        # For the longest message: made for each it would be mapped by the system, and unmapped. Pages that nothing has
        # been written to are none.
        self._room = bytearray(_LONGEST)

    def fileno(self) -> int:
        """Its descriptor."""
        return self._sock.fileno()

    @property
    def has_unsent(self) -> bool:
        """Whether something waits for room."""
        return bool(self._out)

    def send(self, *said: object, passed: Sequence[int] = ()) -> None:
        """Say something, with copies of these descriptors. Where nobody listens any more, nothing happens."""
        octets, fds = encode(list(said)), [os.dup(fd) for fd in passed]
        with self._lock:
            self._out.append((octets, fds))
            self._flush()

    def flush(self) -> None:
        """Send what there is room for."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        while self._out:
            octets, fds = self._out[0]
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            try:
                self._sock.sendmsg([octets], rights)
            except BlockingIOError:
                return
            except OSError:
                # The other end is gone, which is seen where it is read.
                pass
            self._drop()

    def _drop(self) -> None:
        _, fds = self._out.popleft()
        for fd in fds:
            os.close(fd)

    def receive(self) -> tuple[list[Value], list[int]]:
        """What was said, and descriptors that came with it. Raises MessageEnd, and BlockingIOError."""
        try:
            octets, messages = self._next()
        except ConnectionResetError:
            # The other end has gone with something unread, which is told once, before what it has said.
            octets, messages = self._next()
        if not octets:
            raise MessageEnd
        said = decode(octets)
        assert isinstance(said, list)
        fds = array.array("i")
        for level, kind, data in messages:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        return said, list(fds)

    def _next(self) -> tuple[bytes, list[tuple[int, int, bytes]]]:
        try:
            size, messages, _, _ = self._sock.recvmsg_into(
                [self._room], socket.CMSG_SPACE(_MOST_PASSED * 4), _FLAGS
            )
        except (BlockingIOError, ConnectionResetError):
            raise
        except OSError:
            raise MessageEnd from None
        return bytes(memoryview(self._room)[:size]), messages

    def close(self) -> None:
        """Say nothing more."""
        with self._lock:
            while self._out:
                self._drop()
        self._sock.close()
