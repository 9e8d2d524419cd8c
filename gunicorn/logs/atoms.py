"""The access line: which atoms there are, a format taken apart, and made into a function once.

`ATOMS` is the one table of them. It serves two ways: the full one here, which asks an atom's getter, and the quick one
of `gateway/access_lines.py`, which makes the step of an atom without one.

An atom's value comes from the client more often than not. Quotes, backslashes and control characters are
escaped, so that no request can end a quoted field or start a line of its own.

Environ and response have been in the application's hands: anything may be in them, or nothing. What cannot be
printed is a dash, and no function here raises because of what it is given.
"""

from __future__ import annotations

import binascii
import os
import re
import time
from collections.abc import Callable, ItemsView, Mapping
from datetime import timedelta

from gunicorn._calendar import MONTHS

from .queue_time import queue_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Source(Protocol):
        """What atoms ask their logger for."""

        def now(self) -> str: ...
        def _get_user(self, environ: Mapping[str, object], /) -> str | None: ...

    # Logger, response, request, environ and duration become the value of an atom.
    Getter = Callable[[Source, object, object, Mapping[str, object], timedelta], object]
    Line = Callable[[object, object, Mapping[str, object], timedelta], str]
    # The step of the quick way, what that step is about (a variable, or the text itself), and the getter.
    Atom = tuple[int, str, Getter]

__all__ = ["ATOMS", "SafeAtoms", "all_atoms", "basic_user", "clf_time", "compile_format", "escape", "printable"]

# The steps of the quick way: what stands in the place of an atom.
LITERAL = 0
ENVIRON = 1
REQUEST_LINE = 2
STATUS = 3
LENGTH = 4
TIME = 5
USER = 6
SECONDS = 7
MILLISECONDS = 8
MICROSECONDS = 9
DECIMAL = 10
# Known when the steps are made, in the worker: a literal from then on.
PROCESS = 11
QUEUE = 12

# Patterns as text: re keeps what it compiled, and most servers never come to need them.
_FIELD = r"%\(([^)]*)\)([-#0 +]*\d*(?:\.\d+)?[hlL]?[diouxXeEfFgGcrsa])|%%"


def escape(value: str) -> str:
    """`value` fit for a quoted field of a log, and for the eyes of who reads it.

    What Python calls printable stays as it is, but for quotes and backslashes, which get a backslash in front. All else
    is written out: controls, which could end the line or steer a terminal, characters of format (those that turn the
    direction of what follows, those without width), separators other than the space, lone surrogates.
    """
    if value.isprintable():
        return value if '"' not in value and "\\" not in value else _quoted(value)
    return "".join([_quoted(char) if char.isprintable() else _written_out(char) for char in value])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _written_out(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(value: object) -> str:
    """`value` as a plain str that is not escaped yet; "-" for None and for what has no text."""
    try:
        if isinstance(value, str):
            # Of a subclass only the characters count, not its methods.
            return str.__str__(value)
        if isinstance(value, bytes):
            return str(value, "latin-1")
        return "-" if value is None else str.__str__(str(value))
    except Exception:  # noqa: BLE001  # the boundary around an object of the application's
        return "-"


def _safe(value: object) -> str | int | float | None:
    """What a format may be given: numbers and None as they are, anything else as escaped text."""
    if type(value) is int or type(value) is float or value is None:
        return value
    return escape(printable(value))


class SafeAtoms(dict[str, str | int | float | None]):
    """Atoms for `format % atoms`: text, escaped, and numbers; `{name}i` and the like in any case, "-" for the
    unknown and for None."""

    def __init__(self, atoms: Mapping[str, object]) -> None:
        for name, value in atoms.items():
            self[name] = _safe(value)

    def __getitem__(self, name: str) -> str | int | float:
        if name.startswith("{"):
            name = name.lower()
        value = self.get(name, "-")
        return "-" if value is None else value


def clf_time(seconds: float) -> str:
    """Local time in the Common Log Format. Month names never follow the locale."""
    now = time.localtime(seconds)
    offset = now.tm_gmtoff // 60
    sign, offset = ("-", -offset) if offset < 0 else ("+", offset)
    return (
        f"[{now.tm_mday:02d}/{MONTHS[now.tm_mon]}/{now.tm_year}:{now.tm_hour:02d}:{now.tm_min:02d}:"
        f"{now.tm_sec:02d} {sign}{offset // 60:02d}{offset % 60:02d}]"
    )


def basic_user(environ: Mapping[str, object]) -> str | None:
    """User name of HTTP Basic credentials (RFC 7617), without a look at the password."""
    value = environ.get("HTTP_AUTHORIZATION")
    if not isinstance(value, str):
        return None
    scheme, _, credentials = printable(value).partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = binascii.a2b_base64(credentials.strip(), strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    name, colon, _ = decoded.partition(b":")
    return name.decode("utf-8", "replace") if colon else None


# Getters, one an atom.


def _status(logger: Source, resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
    words = printable(getattr(resp, "status", None)).split(None, 1)
    return words[0] if words else "-"


def _request_line(logger: Source, resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
    return " ".join([printable(environ.get(name)) for name in ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL")])


def _sent(logger: Source, resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
    sent = getattr(resp, "sent", None)
    return "-" if sent is None else str(sent)


def _queue(logger: Source, resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
    waited = queue_seconds(req, environ, time.time() - took.total_seconds())
    return "-" if waited is None else f"{waited:.6f}"


def _environ(name: str, missing: str | None = "-") -> Atom:
    """The atom that is a variable of the environ."""
    return ENVIRON, name, lambda logger, resp, req, environ, took: environ.get(name, missing)


def _microseconds(took: timedelta) -> int:
    return (took.days * 86400 + took.seconds) * 1_000_000 + took.microseconds


def _decimal_seconds(took: timedelta) -> str:
    seconds, rest = divmod(_microseconds(took), 1_000_000)
    return f"{seconds}.{rest:06d}"


ATOMS: dict[str, Atom] = {
    "h": _environ("REMOTE_ADDR"),
    "l": (LITERAL, "-", lambda logger, resp, req, environ, took: "-"),
    "u": (USER, "", lambda logger, resp, req, environ, took: logger._get_user(environ) or "-"),
    "t": (TIME, "", lambda logger, resp, req, environ, took: logger.now()),
    "r": (REQUEST_LINE, "", _request_line),
    "s": (STATUS, "", _status),
    "m": _environ("REQUEST_METHOD", None),
    "U": _environ("PATH_INFO", None),
    "q": _environ("QUERY_STRING", None),
    "H": _environ("SERVER_PROTOCOL", None),
    "b": (LENGTH, "", _sent),
    "B": (LENGTH, "", lambda logger, resp, req, environ, took: getattr(resp, "sent", None)),
    "f": _environ("HTTP_REFERER"),
    "a": _environ("HTTP_USER_AGENT"),
    "T": (SECONDS, "", lambda logger, resp, req, environ, took: took.seconds + took.days * 86400),
    "D": (MICROSECONDS, "", lambda logger, resp, req, environ, took: _microseconds(took)),
    "M": (MILLISECONDS, "", lambda logger, resp, req, environ, took: _microseconds(took) // 1000),
    "L": (DECIMAL, "", lambda logger, resp, req, environ, took: _decimal_seconds(took)),
    "p": (PROCESS, "", lambda logger, resp, req, environ, took: f"<{os.getpid()}>"),
    "{request-id}g": _environ("gunicorn.request_id"),
    "{trace-id}g": _environ("gunicorn.trace_id"),
    "{span-id}g": _environ("gunicorn.span_id"),
    "{queue}g": (QUEUE, "", _queue),
}


def _pairs(owner: object) -> list[tuple[str, object]]:
    """The fields of a request or response, names in lower case; without what is no pair."""
    pairs: list[tuple[str, object]] = []
    try:
        # Some hand the pairs themselves to `Logger.access`.
        headers = owner if isinstance(owner, list | ItemsView) else getattr(owner, "headers", None)
        if headers is None:
            return pairs
        for pair in list(headers.items() if hasattr(headers, "items") else headers or ()):
            if isinstance(pair, tuple | list) and len(pair) == 2:
                pairs.append((printable(pair[0]).lower(), pair[1]))
    except Exception:  # noqa: BLE001  # the boundary around an object of the application's
        pass
    return pairs


def _header_getter(name: str, side: str) -> Getter:
    wanted = name.lower()

    def get(
        logger: Source, resp: object, req: object, environ: Mapping[str, object], took: timedelta
    ) -> str:
        # The last of several fields of one name, which is what a mapping made from the pairs would hold.
        for field, value in reversed(_pairs(req if side == "i" else resp)):
            if field == wanted:
                return printable(value)
        return "-"

    return get


def _variable_getter(name: str) -> Getter:
    wanted = name.lower()

    def get(
        logger: Source, resp: object, req: object, environ: Mapping[str, object], took: timedelta
    ) -> object:
        # A copy: another thread may still change it.
        for key, value in list(environ.items()):
            if isinstance(key, str) and key.lower() == wanted:
                return value
        return "-"

    return get


def _dash(logger: Source, resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
    return "-"


def _getter(name: str) -> Getter:
    if name.startswith("{") and name[-2:] in ("}i", "}o"):
        return _header_getter(name[1:-2], name[-1])
    if name.startswith("{") and name.endswith("}e"):
        return _variable_getter(name[1:-2])
    name = name.lower() if name.startswith("{") else name
    return ATOMS[name][2] if name in ATOMS else _dash


def what_is_wrong(text: str) -> str:
    """What cannot be read in a format, and where; empty when all is right. Unknown atoms are right: they are dashes."""
    position = 0
    fields = [match.span() for match in re.finditer(_FIELD, text)]
    for start, end in [*fields, (len(text), len(text))]:
        at = text.find("%", position, start)
        if at >= 0:
            return f"at position {at}, {text[at:at + 12]!r}: expected a field such as %(h)s, or %% for a percent sign"
        position = end
    return ""


def take_apart(text: str) -> list[str | tuple[str, str]]:
    """A format in its pieces: text that stands for itself, and for a field its atom and its conversion, such as `s`."""
    pieces: list[str | tuple[str, str]] = []
    position = 0
    for match in re.finditer(_FIELD, text):
        pieces.append(text[position:match.start()])
        position = match.end()
        name, conversion = match.groups()
        pieces.append("%" if name is None else (name, conversion))
    pieces.append(text[position:])
    return pieces


def compile_format(text: str, logger: Source) -> Line:
    """A function that gives the finished line. `text`: the format with its `%(atom)s` fields; what is no field
    stands for itself."""
    # A field is what gets its value, and how that is written (empty for a plain text).
    pieces: list[str | tuple[Getter, str]] = [
        piece if isinstance(piece, str) else (_getter(piece[0]), "" if piece[1] == "s" else "%" + piece[1])
        for piece in take_apart(text)
    ]

    def line(resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
        parts: list[str] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            get, conversion = piece
            try:
                value = _safe(get(logger, resp, req, environ, took))
                parts.append(printable(value) if not conversion or value is None else conversion % (value,))
            except Exception:  # noqa: BLE001  # the boundary around a logger of the user's
                # Or a number is asked for where there is none.
                parts.append("-")
        return "".join(parts)

    return line


def all_atoms(
    logger: Source, resp: object, req: object, environ: Mapping[str, object], took: timedelta
) -> dict[str, object]:
    """Every atom, unescaped: the letters, `{header}i`, `{header}o` and `{variable}e`, names in lower
    case."""
    atoms: dict[str, object] = {}
    for name, (_, _, get) in ATOMS.items():
        try:
            atoms[name] = get(logger, resp, req, environ, took)
        except Exception:  # noqa: BLE001  # the boundary around a logger of the user's
            atoms[name] = "-"
    for side, owner in (("i", req), ("o", resp)):
        for field, value in _pairs(owner):
            atoms[f"{{{field}}}{side}"] = printable(value)
    for name, value in list(environ.items()):
        if isinstance(name, str):
            atoms[f"{{{name.lower()}}}e"] = value
    return atoms
