"""Where runs of allowed octets end: the twin of the native spans, on compiled regular expressions.

Each function takes the octets, a start and an end, and returns the first position that does not belong to the run
(`end` when all do). The native twin walks a table of classes; here a regular expression does the same in C.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]*").match
_PATH = re.compile(rb"[!$%&'()*+,\-./0-9:;=@A-Z\[\]_a-z|~]*").match
_QUERY = re.compile(rb"[!$%&'()*+,\-./0-9:;=?@A-Z\[\\\]^_`a-z{|}~]*").match
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*").match


def token_end(data: bytes, start: int, end: int) -> int:
    """End of a run of tchar (RFC 9110 section 5.6.2)."""
    return _TOKEN(data, start, end).end()  # type: ignore[union-attr]


def path_end(data: bytes, start: int, end: int) -> int:
    """End of a run of what stands before the `?` of a request-target: `target.py` says what that is and why."""
    return _PATH(data, start, end).end()  # type: ignore[union-attr]


def query_end(data: bytes, start: int, end: int) -> int:
    """End of a run of what stands behind the `?` of a request-target."""
    return _QUERY(data, start, end).end()  # type: ignore[union-attr]


def value_end(data: bytes, start: int, end: int) -> int:
    """End of a run of field-content and white space: VCHAR, obs-text, SP, HTAB (RFC 9110 section 5.5)."""
    return _VALUE(data, start, end).end()  # type: ignore[union-attr]


_PLAIN = re.compile(r"[ !#-\[\]-~]*\Z").match


def is_plain(value: str) -> bool:
    """Whether a string is printable US-ASCII without quote and backslash: fit for a quoted field of a log."""
    return _PLAIN(value) is not None


def octets(data: bytes, start: int, end: int) -> bytes:
    """A part of the octets."""
    return data[start:end]


def joined(parts: list[bytes]) -> bytes:
    """All parts, one behind the other."""
    return b"".join(parts)


def text(data: bytes, start: int, end: int) -> str:
    """The octets as a native string, one character an octet (PEP 3333)."""
    return str(data[start:end], "latin-1")


def is_at(known: bytes, data: bytes, start: int, end: int) -> bool:
    """Whether these octets are `known`."""
    return len(known) == end - start and data.startswith(known, start)


def text_again(known: str, data: bytes, start: int, end: int) -> str:
    """As `text`; the native twin gives back `known` where that is the same text already."""
    return str(data[start:end], "latin-1")
