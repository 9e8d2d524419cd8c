"""Descriptors handed from one process to another, each with octets about it (SCM_RIGHTS, unix(7)).

A channel keeps messages apart, in order, and tells its reader when nobody is left who could write (SOCK_SEQPACKET). No
end of it ever waits.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys

from gunicorn._record import Record

from .unpatched import Socket, close

__all__ = ["ENDED", "IS_POSSIBLE", "Handed", "pair", "receive", "send"]

#: Whether this system has such channels.
IS_POSSIBLE = sys.platform.startswith("linux")

_UNTIL = struct.Struct("=d")
_FD = struct.Struct("=i")
_LONGEST = 65536
# What the kernel says where a message would have to wait: the reader's queue is full, or there are too many descriptors
# on their way.
_FULL = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.ETOOMANYREFS, errno.EMSGSIZE})


class Handed(Record):
    """A descriptor (-1: none came), the monotonic moment until which it is to be kept (0.0: for ever), and octets about
    it."""

    fd: int
    until: float = 0.0
    about: bytes = b""


ENDED = Handed(-1)
"""Nobody is left who could hand over anything."""


def pair() -> tuple[Socket, Socket]:
    """The two ends of a channel: from the first to the second. Raises OSError."""
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends = Socket(fileno=first.detach()), Socket(fileno=second.detach())
    for end in ends:
        end.setblocking(False)
    return ends


def send(channel: Socket, fd: int, until: float, about: bytes) -> bool:
    """Hand over a descriptor, which stays open here; False where the channel is full. Raises OSError where nobody is
    left to take it."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _FD.pack(fd))]
    try:
        channel.sendmsg([_UNTIL.pack(until), about], rights, socket.MSG_NOSIGNAL)
    except OSError as error:
        if error.errno in _FULL:
            return False
        raise
    return True


def receive(channel: Socket) -> Handed | None:
    """What was handed over; None: nothing now, `ENDED`: never again. `fd` is -1 in the place of one that this process
    has no room for: it is closed by now. Raises OSError."""
    try:
        octets, rights, _, _ = channel.recvmsg(_LONGEST, socket.CMSG_SPACE(_FD.size), socket.MSG_CMSG_CLOEXEC)
    except BlockingIOError:
        return None
    fds = [fd for level, kind, data in rights for fd in _descriptors(level, kind, data)]
    if not octets:
        return ENDED
    if len(octets) < _UNTIL.size or len(fds) != 1:
        for fd in fds:
            close(fd)
        return Handed(-1, 0.0, octets)
    return Handed(fds[0], _UNTIL.unpack_from(octets)[0], octets[_UNTIL.size:])


def _descriptors(level: int, kind: int, data: bytes) -> list[int]:
    if level != socket.SOL_SOCKET or kind != socket.SCM_RIGHTS:
        return []
    return [fd for (fd,) in _FD.iter_unpack(data[:len(data) - len(data) % _FD.size])]
