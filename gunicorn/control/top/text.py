"""Text that fits: columns that a terminal needs for it, and nothing in it that would steer one.

A line is a list of spans, each a style and a text. Which colours a style has is known to `terminal` alone.
"""

from __future__ import annotations

import unicodedata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Span = tuple[str, str]
    Line = list[Span]

__all__ = [
    "STYLES", "clip", "cut", "duration", "escaped", "fit", "left", "percent", "plain", "right", "size", "spark",
    "width",
]

STYLES = frozenset(["", "bold", "dim", "good", "warn", "bad", "bar", "chosen"])

_SPARKS = "▁▂▃▄▅▆▇█"
_WIDE = ("W", "F")


def escaped(text: str, ascii_only: bool = False) -> str:
    """A text of anybody's: what is no printable character is shown as Python writes it."""
    return "".join(
        each if each.isprintable() and (each.isascii() or not ascii_only) else ascii(each)[1:-1] for each in text
    )


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def width(text: str) -> int:
    """The columns that a terminal needs."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def clip(text: str, columns: int) -> str:
    """As much of it as fits; that something is missing is told by `>` at the end."""
    if width(text) <= columns:
        return text
    used, kept = 0, []
    for each in text:
        used += _columns(each)
        if used > columns - 1:
            break
        kept.append(each)
    return "".join(kept) + ">" if columns > 0 else ""


def left(text: str, columns: int) -> str:
    """In so many columns, no more and no less."""
    shown = clip(text, columns)
    return shown + " " * (columns - width(shown))


def right(text: str, columns: int) -> str:
    """As `left`, at the right side."""
    shown = clip(text, columns)
    return " " * (columns - width(shown)) + shown


def plain(line: Iterable[Span]) -> str:
    """A line without its styles."""
    return "".join(text for _, text in line)


def cut(line: Iterable[Span], columns: int) -> Line:
    """As `clip`, of a line with styles; spans that are empty go."""
    spans: Line = []
    for style, text in line:
        shown = clip(text, columns)
        columns -= width(shown)
        if shown:
            spans.append((style, shown))
        if shown != text:
            break
    return spans


def fit(parts: Iterable[Line], columns: int, gap: str = "  ") -> Line:
    """Those first parts of a line that fit as a whole; of the very first one, as much as fits."""
    line: Line = []
    used = 0
    for part in parts:
        needed = sum(width(text) for _, text in part)
        if not line:
            line, used = cut(part, columns), needed
        elif used + len(gap) + needed <= columns:
            line += [("", gap), *part]
            used += len(gap) + needed
        else:
            break
    return line


# Numbers.


def spark(shares: Sequence[float], ascii_only: bool = False) -> str:
    """Shares from 0 to 1 as a row of bars; as digits from 0 to 9 where there are no such characters."""
    steps = "0123456789" if ascii_only else _SPARKS
    return "".join(steps[min(int(max(share, 0.0) * len(steps)), len(steps) - 1)] for share in shares)


def percent(share: float | None) -> str:
    """A share of 1."""
    return "-" if share is None else f"{share * 100:.0f}%"


def duration(seconds: float) -> str:
    """In six columns at most: two units, or one with a fraction."""
    if seconds < 0.9995:
        return f"{seconds * 1e3:.1f}ms" if seconds < 0.01 else f"{seconds * 1e3:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = int(seconds + 0.5)
    for unit, below, big, small in ((60, 60, "m", "s"), (3600, 24, "h", "m"), (86400, 100, "d", "h")):
        count, rest = divmod(whole, unit)
        if count < below:
            return f"{count}{big}{rest * (24 if unit == 86400 else 60) // unit:02d}{small}"
    return f"{whole // 86400}d"


def size(octets: float | None) -> str:
    """Octets, in five columns at most."""
    if octets is None:
        return "-"
    for unit in "BKMGT":
        if octets < 999.5 or unit == "T":
            break
        octets /= 1024
    return f"{octets:.1f}{unit}" if octets < 9.95 and unit != "B" else f"{octets:.0f}{unit}"
