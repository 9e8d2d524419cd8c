"""Frames by a socket that waits: one is sent, and what has come is read."""

from __future__ import annotations

import socket

from ._octets import head
from .errors import DirtyProtocolError
from .frames import PASSED, FrameReader
from .passing import IS_POSSIBLE, LARGE, ROOM, Passed, descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.unpatched import Socket

    from ._octets import Frame

__all__ = ["payload_to_send", "read_frames", "send_answer", "send_frame"]

_SMALL = 64 * 1024
_FLAGS = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def payload_to_send(payload: bytes, passes: bool) -> tuple[bytes, Passed | None]:
    """What of a payload goes inline, and what is passed. Where there is no memory for a file, all goes inline."""
    if passes and IS_POSSIBLE and len(payload) >= LARGE:
        try:
            return b"", Passed.of(payload)
        except OSError:
            # The longer way is one.
            return payload, None
    return payload, None


def send_frame(
    sock: Socket, about: tuple[int, int, int, float], target: bytes, payload: bytes, passes: bool
) -> None:
    """Send a frame; `about`: kind, number, marks, amount. Raises OSError."""
    kind, number, marks, amount = about
    inline, passed = payload_to_send(payload, passes)
    if passed is not None:
        marks |= PASSED
    begin = head(kind, number, len(target) + len(inline), marks, len(target), amount) + target
    if passed is not None:
        sent = sock.sendmsg([begin], passed.rights())
        if sent < len(begin):
            sock.sendall(begin[sent:])
    elif len(inline) < _SMALL:
        sock.sendall(begin + inline)
    else:
        sock.sendall(begin)
        sock.sendall(inline)


def send_answer(channel: Socket, kind: int, number: int, payload: bytes) -> None:
    """Send what comes of a call; as `send_frame`. Where the pool has ended, which is seen where it is read, nothing
    happens."""
    try:
        send_frame(channel, (kind, number, 0, 0.0), b"", payload, passes=True)
    except OSError:
        return


def read_frames(sock: Socket, reader: FrameReader) -> list[Frame]:
    """The frames that are complete now; none, and the reader within none, where nothing will come any more."""
    try:
        octets, messages, _, _ = sock.recvmsg(reader.wanted, ROOM, _FLAGS)
        if octets:
            return reader.feed(octets, descriptors(messages) if messages else ())
    except (OSError, DirtyProtocolError):
        # The other end is gone, or lost.
        pass
    reader.forget()
    return []
