"""What is said about calls, as octets: heads of frames; the twin of the native leaf.

The leaf also knows values that are short and plain, which are most. Here those who can do all values do them.
"""

from __future__ import annotations

import struct

from .errors import DirtyProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .passing import Passed

__all__ = ["Frame", "decoded", "encoded", "framed", "frames", "head"]

_HEAD = struct.Struct("=BBHIQd")
_FIRST, _LAST, _MOST_MARKS = 1, 12, 7
# What is less need not be compared with the limit, which is a look at the environment.
_SHORT = 0xFFFF


def encoded(value: object) -> bytes | None:
    """The octets of a value that is short and plain; None for any other one."""
    return None


def decoded(octets: bytes, start: int) -> tuple[object, int] | None:
    """A value that is short and plain, and where it ends; None for any other one. Raises UnicodeDecodeError."""
    return None


class Frame:
    """One frame. `amount`: seconds that a call may take (0.0: any), or items that a stream may send."""

    __slots__ = ("amount", "kind", "marks", "number", "payload", "target")

    def __init__(
        self, kind: int, marks: int, number: int, amount: float, target: bytes, payload: bytes | Passed
    ) -> None:
        self.kind = kind
        self.marks = marks
        self.number = number
        self.amount = amount
        self.target = target
        self.payload = payload


def head(kind: int, number: int, length: int = 0, marks: int = 0, target: int = 0, amount: float = 0.0) -> bytes:
    """The head of a frame; `length` counts the octets of target and payload, `target` those of the target alone."""
    try:
        return _HEAD.pack(kind, marks, target, length, number, amount)
    except struct.error as error:
        raise OverflowError(str(error)) from None


def framed(kind: int, number: int, target: bytes, payload: bytes, marks: int, amount: float) -> bytes:
    """A whole frame: the head, and the octets that belong to it."""
    if type(target) is not bytes or type(payload) is not bytes:
        raise TypeError("octets are needed")
    return head(kind, number, len(target) + len(payload), marks, len(target), amount) + target + payload


def frames(octets: bytes, longest: Callable[[], int]) -> tuple[list[Frame], int, int]:
    """The frames that are complete, where the rest begins, and how much is missing of the next one, as far as is known.

    `longest`: asked for how long a frame may be, where one is not short. A payload that is PASSED is not looked for.
    Raises DirtyProtocolError for what is no frame.
    """
    if type(octets) is not bytes:
        raise TypeError("octets are needed")
    found: list[Frame] = []
    at, there, missing = 0, len(octets), 0
    while there - at >= _HEAD.size:
        kind, marks, target, length, number, amount = _HEAD.unpack_from(octets, at)
        if not _FIRST <= kind <= _LAST or marks > _MOST_MARKS or target > length or (
            length > _SHORT and length > longest() + _SHORT
        ):
            raise DirtyProtocolError("What came is no frame", octets[at:at + _HEAD.size])
        begin = at + _HEAD.size
        end = begin + length
        if end > there:
            missing = end - there
            break
        middle = begin + target
        found.append(Frame(kind, marks, number, amount, octets[begin:middle], octets[middle:end]))
        at = end
    return found, at, missing
