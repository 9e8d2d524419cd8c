"""The access line: which atoms there are, and a format made into a function once.

An atom's value comes from the client more often than not. Quotes, backslashes and control characters are
escaped, so that no request can end a quoted field or start a line of its own.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Getter = Callable[[Any, Any, Mapping[str, Any], timedelta], Any]

__all__ = ["SafeAtoms", "all_atoms", "basic_user", "clf_time", "compile_format", "escape"]

# Patterns as text: re keeps what it compiled, and most servers never come to need them.
_FIELD = r"%\(([^)]*)\)([-#0 +]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa])|%%"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def escape(value: str) -> str:
    """``value`` fit for a quoted field of a log, and for the eyes of who reads it.

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


class SafeAtoms(dict[str, "Any"]):
    """Atoms for ``format % atoms``: strings escaped, ``{name}i`` and the like in any case, "-" for the
    unknown."""

    def __init__(self, atoms: Mapping[str, Any]) -> None:
        for name, value in atoms.items():
            self[name] = escape(value) if isinstance(value, str) else value

    def __getitem__(self, name: str) -> Any:
        if name.startswith("{"):
            name = name.lower()
        return self.get(name, "-")


def clf_time(seconds: float) -> str:
    """Local time in the Common Log Format. Month names never follow the locale."""
    now = time.localtime(seconds)
    offset = now.tm_gmtoff // 60
    sign, offset = ("-", -offset) if offset < 0 else ("+", offset)
    return (
        f"[{now.tm_mday:02d}/{_MONTHS[now.tm_mon - 1]}/{now.tm_year}:{now.tm_hour:02d}:{now.tm_min:02d}:"
        f"{now.tm_sec:02d} {sign}{offset // 60:02d}{offset % 60:02d}]"
    )


def basic_user(environ: Mapping[str, Any]) -> str | None:
    """User name of HTTP Basic credentials (RFC 7617), without a look at the password."""
    scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    import binascii

    try:
        decoded = binascii.a2b_base64(credentials.strip(), strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    name, colon, _ = decoded.partition(b":")
    return name.decode("utf-8", "replace") if colon else None


# -- getters, one an atom


def _status(resp: Any, req: Any, environ: Any, took: timedelta) -> str:
    status = resp.status
    if isinstance(status, bytes):
        status = status.decode("latin-1")
    return status.split(None, 1)[0] if isinstance(status, str) else str(status)


def _request_line(resp: Any, req: Any, environ: Mapping[str, Any], took: timedelta) -> str:
    get = environ.get
    return f"{get('REQUEST_METHOD')} {get('RAW_URI')} {get('SERVER_PROTOCOL')}"


def _sent(resp: Any, req: Any, environ: Any, took: timedelta) -> str:
    sent = getattr(resp, "sent", None)
    return "-" if sent is None else str(sent)


def _sent_or_dash(resp: Any, req: Any, environ: Any, took: timedelta) -> str:
    return str(getattr(resp, "sent", None) or "-")


def _of_environ(name: str, missing: str | None = "-") -> Getter:
    def get(resp: Any, req: Any, environ: Mapping[str, Any], took: timedelta) -> Any:
        return environ.get(name, missing)

    return get


def _microseconds(took: timedelta) -> int:
    return (took.days * 86400 + took.seconds) * 1_000_000 + took.microseconds


def _decimal_seconds(took: timedelta) -> str:
    seconds, rest = divmod(_microseconds(took), 1_000_000)
    return f"{seconds}.{rest:06d}"


def _getters(logger: Any) -> dict[str, Getter]:
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
        "b": _sent_or_dash,
        "B": lambda resp, req, environ, took: getattr(resp, "sent", None),
        "f": _of_environ("HTTP_REFERER"),
        "a": _of_environ("HTTP_USER_AGENT"),
        "T": lambda resp, req, environ, took: took.seconds + took.days * 86400,
        "D": lambda resp, req, environ, took: _microseconds(took),
        "M": lambda resp, req, environ, took: _microseconds(took) // 1000,
        "L": lambda resp, req, environ, took: _decimal_seconds(took),
        "p": lambda resp, req, environ, took: f"<{os.getpid()}>",
    }


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    return list(headers.items()) if hasattr(headers, "items") else list(headers or ())


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _header_getter(name: str, side: str) -> Getter:
    wanted = name.lower()

    def get(resp: Any, req: Any, environ: Any, took: timedelta) -> str:
        # The last of several fields of one name, which is what a mapping made from the pairs would hold.
        for field, value in reversed(_pairs(getattr(req if side == "i" else resp, "headers", None))):
            if _text(field).lower() == wanted:
                return _text(value)
        return "-"

    return get


def _variable_getter(name: str) -> Getter:
    wanted = name.lower()

    def get(resp: Any, req: Any, environ: Mapping[str, Any], took: timedelta) -> Any:
        for key, value in environ.items():
            if key.lower() == wanted:
                return value
        return "-"

    return get


def _getter(name: str, known: Mapping[str, Getter]) -> Getter:
    if name.startswith("{") and name[-2:] in ("}i", "}o"):
        return _header_getter(name[1:-2], name[-1])
    if name.startswith("{") and name.endswith("}e"):
        return _variable_getter(name[1:-2])
    return known.get(name) or (lambda resp, req, environ, took: "-")


def compile_format(text: str, logger: Any) -> Callable[[Any, Any, Mapping[str, Any], timedelta], str]:
    """A function that gives the finished line. ``text``: the format with its ``%(atom)s`` fields."""
    known = _getters(logger)
    getters: list[Getter] = []

    def positional(match: re.Match[str]) -> str:
        if match.group(1) is None:
            return "%%"
        getters.append(_getter(match.group(1), known))
        return "%" + match.group(2)

    template = re.sub(_FIELD, positional, text)
    fields = tuple(getters)

    def line(resp: Any, req: Any, environ: Mapping[str, Any], took: timedelta) -> str:
        values = [get(resp, req, environ, took) for get in fields]
        return template % tuple([escape(value) if isinstance(value, str) else value for value in values])

    return line


def all_atoms(
    logger: Any, resp: Any, req: Any, environ: Mapping[str, Any], took: timedelta
) -> dict[str, Any]:
    """Every atom, unescaped: the letters, ``{header}i``, ``{header}o`` and ``{variable}e``, names in lower
    case."""
    atoms: dict[str, Any] = {name: get(resp, req, environ, took) for name, get in _getters(logger).items()}
    for side, owner in (("i", req), ("o", resp)):
        for field, value in _pairs(getattr(owner, "headers", None)):
            atoms[f"{{{_text(field).lower()}}}{side}"] = _text(value)
    for name, value in environ.items():
        atoms[f"{{{name.lower()}}}e"] = value
    return atoms
