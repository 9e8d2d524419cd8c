"""Ranges of octets (RFC 9110 section 14)."""

from __future__ import annotations

import re

__all__ = ["MOST_RANGES", "content_range", "ranges_of", "unsatisfied_range"]

# A request for more of them gets all of the content: whoever asks for so many wants to keep the server busy
# (section 17.15).
MOST_RANGES = 32
# What no length of a file has more digits than.
_DIGITS = 18

_RANGE = re.compile(r"[ \t]*([0-9]*)[ \t]*-[ \t]*([0-9]*)[ \t]*\Z").match


def ranges_of(value: str, length: int) -> list[tuple[int, int]] | None:
    """The ranges that a Range field asks for, of content of this length: pairs of the first octet and the one behind
    the last, in the order asked for. An empty list where none can be satisfied, which 416 is the answer to; None where
    the field does not count, and all of the content is the answer.

    It does not count in another unit than `bytes`, nor without a range, nor where more would be sent than all of the
    content.
    """
    unit, equals, text = value.partition("=")
    # An empty element of a list is none (section 5.6.1.2).
    specifiers = [specifier for specifier in text.split(",") if specifier.strip(" \t")]
    if not equals or unit.lower() != "bytes" or not 0 < len(specifiers) <= MOST_RANGES:
        return None
    found: list[tuple[int, int]] = []
    for specifier in specifiers:
        pair = _positions(specifier, length)
        if pair is None:
            return []
        if pair[0] < pair[1]:
            found.append(pair)
    return None if sum(end - first for first, end in found) > length else found


def _positions(specifier: str, length: int) -> tuple[int, int] | None:
    """First octet and the one behind the last, equal where there is none of them; None for what is no range."""
    parts = _RANGE(specifier)
    if parts is None:
        return None
    first, last = parts[1], parts[2]
    if not first:
        if not last:
            return None
        return max(0, length - _number(last)), length
    start, end = _number(first), length
    if last:
        if _number(last) < start:
            return None
        end = min(_number(last) + 1, length)
    return min(start, end), end


def _number(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _DIGITS else 10**_DIGITS


def content_range(first: int, end: int, length: int) -> str:
    """The value of Content-Range for a part of the content."""
    return f"bytes {first}-{end - 1}/{length}"


def unsatisfied_range(length: int) -> str:
    """The same, where no part can be sent."""
    return f"bytes */{length}"
