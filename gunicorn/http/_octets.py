"""Where runs of allowed octets end: the twin of the native spans, on compiled regular expressions.

Each of the `_end` functions takes the octets, a start and an end, and returns the first position that does not belong
to the run (`end` when all do). The native twin walks a table of classes; here a regular expression does the same in C.

Bounds that leave the octets are drawn in to them, as the native functions do, which would read the memory beside them
otherwise: no index counts from the end here.
"""

from __future__ import annotations

import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .response import FieldLine

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]*").match
_PATH = re.compile(rb"[!$%&'()*+,\-./0-9:;=@A-Z\[\]_a-z|~]*").match
_QUERY = re.compile(rb"[!$%&'()*+,\-./0-9:;=?@A-Z\[\\\]^_`a-z{|}~]*").match
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*").match


def _drawn_in(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The bounds of a part of `data` that is there, with 0 <= start <= end; where there is none, of nothing at `start`.

    Raises `TypeError` for anything but plain bytes and integers, and `OverflowError` for integers beyond the machine's.
    """
    if type(data) is not bytes:
        raise TypeError(f"bytes are needed, not {type(data).__name__}")
    for bound in (start, end):
        if not isinstance(bound, int):
            raise TypeError(f"an integer is needed, not {type(bound).__name__}")
        if not -sys.maxsize - 1 <= bound <= sys.maxsize:
            raise OverflowError("Python int too large to convert to C ssize_t")
    start = min(max(start, 0), len(data))
    return start, max(start, min(end, len(data)))


def token_end(data: bytes, start: int, end: int) -> int:
    """End of a run of tchar (RFC 9110 section 5.6.2)."""
    if type(data) is not bytes or not 0 <= start <= end <= len(data):
        start, end = _drawn_in(data, start, end)
    return _TOKEN(data, start, end).end()  # type: ignore[union-attr]


def path_end(data: bytes, start: int, end: int) -> int:
    """End of a run of what stands before the `?` of a request-target: `target.py` says what that is and why."""
    if type(data) is not bytes or not 0 <= start <= end <= len(data):
        start, end = _drawn_in(data, start, end)
    return _PATH(data, start, end).end()  # type: ignore[union-attr]


def query_end(data: bytes, start: int, end: int) -> int:
    """End of a run of what stands behind the `?` of a request-target."""
    if type(data) is not bytes or not 0 <= start <= end <= len(data):
        start, end = _drawn_in(data, start, end)
    return _QUERY(data, start, end).end()  # type: ignore[union-attr]


def value_end(data: bytes, start: int, end: int) -> int:
    """End of a run of field-content and white space: VCHAR, obs-text, SP, HTAB (RFC 9110 section 5.5)."""
    if type(data) is not bytes or not 0 <= start <= end <= len(data):
        start, end = _drawn_in(data, start, end)
    return _VALUE(data, start, end).end()  # type: ignore[union-attr]


_PLAIN = re.compile(r"[ !#-\[\]-~]*\Z").match


def is_plain(value: str) -> bool:
    """Whether a string is printable US-ASCII without quote and backslash: fit for a quoted field of a log."""
    if type(value) is not str:
        raise TypeError(f"a str is needed, not {type(value).__name__}")
    return _PLAIN(value) is not None


def octets(data: bytes, start: int, end: int) -> bytes:
    """A part of the octets."""
    if type(data) is not bytes or not 0 <= start <= end <= len(data):
        start, end = _drawn_in(data, start, end)
    return data[start:end]


def joined(parts: list[bytes]) -> bytes:
    """All parts, one behind the other; anything that `bytes.join` takes."""
    if type(parts) is not list:
        raise TypeError(f"a list is needed, not {type(parts).__name__}")
    return b"".join(parts)


def head_octets(first: bytes, fields: list[FieldLine], length: bytes, end: bytes, content: bytes) -> bytes:
    """A status line and more, the lines of fields, a line of framing, the last line, and content."""
    return b"".join([first, *[field.line for field in fields], length, end, content])


def text(data: bytes, start: int, end: int) -> str:
    """The octets as a native string, one character an octet (PEP 3333)."""
    if type(data) is not bytes or not 0 <= start <= end <= len(data):
        start, end = _drawn_in(data, start, end)
    return str(data[start:end], "latin-1")


def is_at(known: bytes, data: bytes, start: int, end: int) -> bool:
    """Whether these octets are `known`."""
    if type(known) is not bytes or type(data) is not bytes or not 0 <= start <= end <= len(data):
        _drawn_in(known, 0, 0)
        start, end = _drawn_in(data, start, end)
    return len(known) == end - start and data.startswith(known, start)


def text_again(known: str, data: bytes, start: int, end: int) -> str:
    """As `text`; the native twin gives back `known` where that is the same text already."""
    if type(known) is not str:
        raise TypeError(f"a str is needed, not {type(known).__name__}")
    return text(data, start, end)
