"""Frames by a socket that waits: one is sent, and what has come is read."""

from __future__ import annotations

import math
import socket
from time import monotonic

from gunicorn.unix import unpatched

from ._channel import Receiver, send
from ._octets import framed, head
from .errors import DirtyProtocolError
from .frames import PASSED, FrameReader
from .passing import IS_POSSIBLE, LARGE, Passed, descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.unpatched import Socket

    from ._octets import Frame

__all__ = ["payload_to_send", "read_frames", "send_all", "send_answer", "send_frame"]

_SMALL = 64 * 1024
# Where a large one is not passed as a descriptor: no more of it is copied at a time than the kernel may take.
_PIECE = 256 * 1024


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
    sock: Socket, about: tuple[int, int, int, float], target: bytes, payload: bytes, seconds: float | None
) -> None:
    """Send a frame; `about`: kind, number, marks, amount. Waits for room, for so many seconds at the most (None: for
    ever). Raises OSError, and TimeoutError is one."""
    kind, number, marks, amount = about
    if len(payload) < _SMALL:
        send_all(sock, framed(kind, number, target, payload, marks, amount), seconds)
        return
    inline, passed = payload_to_send(payload, passes=sock.family == socket.AF_UNIX)
    if passed is not None:
        marks |= PASSED
    begin = head(kind, number, len(target) + len(inline), marks, len(target), amount) + target
    if passed is None:
        send_all(sock, begin, seconds)
        send_all(sock, inline, seconds)
    else:
        _send_passed(sock, begin, passed, seconds)


def send_all(sock: Socket, octets: bytes, seconds: float | None) -> None:
    """Send octets, all of them, as `send_frame`."""
    sent = send(sock, octets)
    if sent < len(octets):
        _send_rest(sock, octets, max(sent, 0), seconds)


def _send_rest(sock: Socket, octets: bytes, sent: int, seconds: float | None) -> None:
    until = None if seconds is None else monotonic() + seconds
    while sent < len(octets):
        _wait_for_room(sock, until)
        sent += max(send(sock, octets[sent:sent + _PIECE]), 0)


def _send_passed(sock: Socket, begin: bytes, passed: Passed, seconds: float | None) -> None:
    until = None if seconds is None else monotonic() + seconds
    while True:
        try:
            sent = sock.sendmsg([begin], passed.rights(), socket.MSG_DONTWAIT)
        except BlockingIOError:
            _wait_for_room(sock, until)
        else:
            break
    _send_rest(sock, begin, sent, seconds)


def _wait_for_room(sock: Socket, until: float | None) -> None:
    """Until there is some, or the moment is there. Raises TimeoutError."""
    waits = unpatched.select.poll()
    waits.register(sock.fileno(), unpatched.select.POLLOUT)
    left = None if until is None else math.ceil(min(max(until - monotonic(), 0.0), 1e6) * 1000)
    if not waits.poll(left):
        raise TimeoutError("nobody takes it")


def send_answer(channel: Socket, kind: int, number: int, payload: bytes) -> None:
    """Send what comes of a call; as `send_frame`. Where the pool has ended, which is seen where it is read, nothing
    happens."""
    try:
        send_frame(channel, (kind, number, 0, 0.0), b"", payload, None)
    except OSError:
        return


def read_frames(receiver: Receiver, reader: FrameReader) -> list[Frame]:
    """The frames that are complete now; none, and the reader within none, where nothing will come any more."""
    try:
        while True:
            found = receiver.receive(reader.wanted, None)
            if found is not None:
                break
        octets, messages = found
        if octets:
            return reader.feed(octets, descriptors(messages) if messages else ())
    except (OSError, DirtyProtocolError):
        # The other end is gone, or lost.
        pass
    reader.forget()
    return []
