"""What is said between callers, the pool and its processes: frames, a head and what belongs to it.

Both ends are always of one installation, on one machine, so the head is as the machine has it: kind, marks, the length
of the target, the length of all behind the head, the number of the call, and an amount, whose meaning is the kind's.
The target of a call, `application NUL action`, and behind one more NUL the id of the request that asks, where it has
one, stands before what is passed to it, so that who hands a call on need not look into that. Numbers are the sender's:
each has its own.
"""

from __future__ import annotations

from collections import deque

from ._octets import Frame, frames
from .errors import DirtyProtocolError
from .limits import longest
from .passing import Passed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CALL", "CANCEL", "END", "ERROR", "HEAD_SIZE", "ITEM", "KINDS", "LEAVE", "LEAVING", "MORE", "PASSED", "READY",
    "RESULT", "STASH", "STREAM", "TAKES_PASSED", "WINDOW", "WORN", "FrameReader", "names_of", "split_target",
    "target_of",
]

CALL, RESULT, ERROR, ITEM, END, MORE, CANCEL, STASH, READY, WORN, LEAVING, LEAVE = range(1, 13)
"""Callers ask by CALL and STASH and are answered by RESULT or ERROR, a stream by ITEMs, END or ERROR. MORE and CANCEL
are about a call that is under way. A task process is READY, wants to be replaced (WORN) or to go (LEAVING), and is told
that no call comes any more (LEAVE)."""

KINDS = range(CALL, LEAVE + 1)

STREAM = 1
"""The mark of a call whose caller wants items."""

WINDOW = 8
"""So many items a stream sends before its reader has asked for more."""

PASSED, TAKES_PASSED = 2, 4
"""Marks: the payload lies in the descriptor that has come with the frame; who asks takes such answers."""

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    CALL=CALL, RESULT=RESULT, ERROR=ERROR, ITEM=ITEM, END=END, MORE=MORE, CANCEL=CANCEL, STASH=STASH, READY=READY,
    WORN=WORN, LEAVING=LEAVING, LEAVE=LEAVE, STREAM=STREAM, WINDOW=WINDOW, PASSED=PASSED, TAKES_PASSED=TAKES_PASSED,
)

HEAD_SIZE = 24
# The room for more than 128 KiB would be mapped by the system each time, and unmapped, which takes longer than a call;
# where more is known to come, less would come back more often.
_AT_ONCE = 64 * 1024
_MOST_AT_ONCE = 1024 * 1024
_LONGEST_ID = 128
# With the id, they still fit what the head says of their length.
_LONGEST_NAMES = 0xFFFF - 1 - _LONGEST_ID


def target_of(app_path: str, action: str, request_id: str | None = None) -> bytes:
    """Application and action as the target of a call. Raises DirtyProtocolError where they cannot be one."""
    octets = f"{app_path}\0{action}".encode("utf-8", "surrogatepass")
    if len(octets) > _LONGEST_NAMES or octets.count(b"\0") != 1:
        raise DirtyProtocolError("The names of application and action are too long, or have a NUL in them")
    if request_id and len(request_id) <= _LONGEST_ID and request_id.isascii() and request_id.isprintable():
        octets += b"\0" + request_id.encode("ascii")
    return octets


def split_target(target: bytes) -> tuple[str, str]:
    """The names of application and action."""
    app_path, action, _ = names_of(target)
    return app_path, action


def names_of(target: bytes) -> tuple[str, str, str | None]:
    """The names of application and action, and the id of the request that asks, where it has one."""
    app_path, _, rest = target.partition(b"\0")
    action, _, request_id = rest.partition(b"\0")
    return (
        app_path.decode("utf-8", "replace"), action.decode("utf-8", "replace"),
        request_id.decode("utf-8", "replace") if request_id else None,
    )


class FrameReader:
    """Takes octets as they come, and gives frames. `wanted`: so many octets are to be asked for next."""

    __slots__ = ("_buffer", "_missing", "_passed", "wanted")

    def __init__(self) -> None:
        self.wanted = _AT_ONCE
        self._buffer = bytearray()
        # Descriptors that have come, in order, for frames that are not complete yet.
        self._passed: deque[Passed] = deque()
        # How many octets the frame that has begun still needs, as far as is known.
        self._missing = 0

    @property
    def is_within(self) -> bool:
        """Whether a part of a frame has come, and the rest of it has not."""
        return bool(self._buffer)

    def forget(self) -> None:
        """The rest will not come."""
        self._buffer = bytearray()
        self._passed.clear()
        self._misses(0)

    def feed(self, octets: bytes, passed: Iterable[Passed] = ()) -> list[Frame]:
        """The frames that are complete now. `passed`: what has come besides octets.

        Raises DirtyProtocolError: nothing behind that can be understood.
        """
        if passed:
            self._passed.extend(passed)
        if self._buffer:
            self._buffer += octets
            if len(octets) < self._missing:
                self._misses(self._missing - len(octets))
                return []
            octets = bytes(self._buffer)
            self._buffer = bytearray()
        found, at, missing = frames(octets, longest)
        if missing != self._missing:
            self._misses(missing)
        for frame in found:
            if frame.marks & PASSED:
                frame.payload = self._passed_for(bool(len(frame.payload)))
        if at < len(octets):
            self._buffer += octets[at:] if at else octets
        return found

    def _misses(self, missing: int) -> None:
        self._missing = missing
        self.wanted = _AT_ONCE if missing <= _AT_ONCE else min(missing, _MOST_AT_ONCE)

    def _passed_for(self, has_octets: bool) -> Passed:
        if has_octets or not self._passed:
            raise DirtyProtocolError("A payload was to be passed, and is not there")
        return self._passed.popleft()
