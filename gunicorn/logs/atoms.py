"""The access line: which atoms there are, and a format made into a function once.

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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    # Response, request, environ and duration become the value of an atom.
    Getter = Callable[[object, object, Mapping[str, object], timedelta], object]
    Line = Callable[[object, object, Mapping[str, object], timedelta], str]

    class Source(Protocol):
        """What atoms ask their logger for."""

        def now(self) -> str: ...
        def _get_user(self, environ: Mapping[str, object], /) -> str | None: ...

__all__ = ["SafeAtoms", "all_atoms", "basic_user", "clf_time", "compile_format", "escape", "printable"]

# Patterns as text: re keeps what it compiled, and most servers never come to need them.
_FIELD = r"%\(([^)]*)\)([-#0 +]*\d*(?:\.\d+)?[hlL]?[diouxXeEfFgGcrsa])|%%"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
        f"[{now.tm_mday:02d}/{_MONTHS[now.tm_mon - 1]}/{now.tm_year}:{now.tm_hour:02d}:{now.tm_min:02d}:"
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


def _status(resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
    words = printable(getattr(resp, "status", None)).split(None, 1)
    return words[0] if words else "-"


def _request_line(resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
    return " ".join([printable(environ.get(name)) for name in ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL")])


def _sent(resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
    sent = getattr(resp, "sent", None)
    return "-" if sent is None else str(sent)


def _of_environ(name: str, missing: str | None = "-") -> Getter:
    def get(resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> object:
        return environ.get(name, missing)

    return get


def _microseconds(took: timedelta) -> int:
    return (took.days * 86400 + took.seconds) * 1_000_000 + took.microseconds


def _decimal_seconds(took: timedelta) -> str:
    seconds, rest = divmod(_microseconds(took), 1_000_000)
    return f"{seconds}.{rest:06d}"


def _getters(logger: Source) -> dict[str, Getter]:
    return {
        "h": _of_environ("REMOTE_ADDR"),
        "l": lambda resp, req, environ, took: "-",
        "u": lambda resp, req, environ, took: logger._get_user(environ) or "-",
        "t": lambda resp, req, environ, took: logger.now(),
        "r": _request_line,
        "s": _status,
        "m": _of_environ("REQUEST_METHOD", None),
        "U": _of_environ("PATH_INFO", None),
        "q": _of_environ("QUERY_STRING", None),
        "H": _of_environ("SERVER_PROTOCOL", None),
        "b": _sent,
        "B": lambda resp, req, environ, took: getattr(resp, "sent", None),
        "f": _of_environ("HTTP_REFERER"),
        "a": _of_environ("HTTP_USER_AGENT"),
        "T": lambda resp, req, environ, took: took.seconds + took.days * 86400,
        "D": lambda resp, req, environ, took: _microseconds(took),
        "M": lambda resp, req, environ, took: _microseconds(took) // 1000,
        "L": lambda resp, req, environ, took: _decimal_seconds(took),
        "p": lambda resp, req, environ, took: f"<{os.getpid()}>",
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

    def get(resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
        # The last of several fields of one name, which is what a mapping made from the pairs would hold.
        for field, value in reversed(_pairs(req if side == "i" else resp)):
            if field == wanted:
                return printable(value)
        return "-"

    return get


def _variable_getter(name: str) -> Getter:
    wanted = name.lower()

    def get(resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> object:
        # A copy: another thread may still change it.
        for key, value in list(environ.items()):
            if isinstance(key, str) and key.lower() == wanted:
                return value
        return "-"

    return get


def _getter(name: str, known: Mapping[str, Getter]) -> Getter:
    if name.startswith("{") and name[-2:] in ("}i", "}o"):
        return _header_getter(name[1:-2], name[-1])
    if name.startswith("{") and name.endswith("}e"):
        return _variable_getter(name[1:-2])
    return known.get(name) or (lambda resp, req, environ, took: "-")


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


def compile_format(text: str, logger: Source) -> Line:
    """A function that gives the finished line. `text`: the format with its `%(atom)s` fields; what is no field
    stands for itself."""
    known = _getters(logger)
    # Literals between fields; a field is what gets its value, and how that is written (empty for a plain text).
    pieces: list[str | tuple[Getter, str]] = []
    position = 0
    for match in re.finditer(_FIELD, text):
        pieces.append(text[position:match.start()])
        position = match.end()
        name, conversion = match.groups()
        if name is None:
            pieces.append("%")
        else:
            pieces.append((_getter(name, known), "" if conversion == "s" else "%" + conversion))
    pieces.append(text[position:])

    def line(resp: object, req: object, environ: Mapping[str, object], took: timedelta) -> str:
        parts: list[str] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            get, conversion = piece
            try:
                value = _safe(get(resp, req, environ, took))
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
    for name, get in _getters(logger).items():
        try:
            atoms[name] = get(resp, req, environ, took)
        except Exception:  # noqa: BLE001  # the boundary around a logger of the user's
            atoms[name] = "-"
    for side, owner in (("i", req), ("o", resp)):
        for field, value in _pairs(owner):
            atoms[f"{{{field}}}{side}"] = printable(value)
    for name, value in list(environ.items()):
        if isinstance(name, str):
            atoms[f"{{{name.lower()}}}e"] = value
    return atoms
