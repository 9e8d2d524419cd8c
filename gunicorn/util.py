"""Small helpers that workers, hooks and packages of third parties import from here.

What has a subject of its own lives in a module of that name and is only passed on: ``gunicorn.loading``
(names to objects), ``gunicorn.address`` (what ``bind`` accepts), ``gunicorn.process`` (what a process does to
itself).
"""

from __future__ import annotations

import sys
import time

from gunicorn.address import is_ipv6, parse_address
from gunicorn.errors import AppImportError
from gunicorn.loading import application_traceback, import_app, load_class
from gunicorn.process import (
    REDIRECT_TO,
    _setproctitle,
    check_is_writable,
    chown,
    close_on_exec,
    daemonize,
    get_username,
    getcwd,
    seed,
    set_non_blocking,
    set_owner_process,
    unlink,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from urllib.parse import SplitResult

__all__ = [
    "REDIRECT_TO",
    "AppImportError",
    "_setproctitle",
    "application_traceback",
    "bytes_to_str",
    "check_is_writable",
    "chown",
    "close",
    "close_on_exec",
    "daemonize",
    "get_arity",
    "get_username",
    "getcwd",
    "has_fileno",
    "http_date",
    "import_app",
    "is_glob_pattern",
    "is_ipv6",
    "load_class",
    "make_fail_app",
    "parse_address",
    "seed",
    "set_non_blocking",
    "set_owner_process",
    "split_request_uri",
    "to_bytestring",
    "unlink",
    "unquote_to_wsgi_str",
    "warn",
]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(timestamp: float | None = None) -> str:
    """Return an IMF-fixdate (RFC 9110, 5.6.7) for ``timestamp``, in seconds since the epoch, or for now."""
    # Not strftime: the names of days and months must not follow the locale.
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(timestamp)
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year} {hour:02}:{minute:02}:{second:02} GMT"


def to_bytestring(value: str | bytes, encoding: str = "utf8") -> bytes:
    """Encode text; bytes are returned as they are. Raises TypeError for anything else."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value.encode(encoding)


def bytes_to_str(b: str | bytes) -> str:
    """Decode bytes as latin-1, the encoding of native strings in PEP 3333; text is returned as it is."""
    return b if isinstance(b, str) else b.decode("latin-1")


def unquote_to_wsgi_str(string: str) -> str:
    """Resolve percent escapes of a path into the latin-1 form that PEP 3333 asks for."""
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(string).decode("latin-1")


def split_request_uri(uri: str) -> SplitResult:
    """Split a request target; a path that begins with two slashes is a path and no host."""
    from urllib.parse import urlsplit

    if not uri.startswith("//"):
        return urlsplit(uri)
    # A leading dot keeps urlsplit from reading the first segment as an authority.
    parts = urlsplit("." + uri)
    return parts._replace(path=parts.path[1:])


def has_fileno(obj: Any) -> bool:
    """Tell whether ``obj`` is backed by a real file descriptor."""
    try:
        obj.fileno()
    except (AttributeError, OSError, ValueError):
        # io.UnsupportedOperation, which in-memory files raise, is both an OSError and a ValueError.
        return False
    return True


def close(sock: Any) -> None:
    """Close a socket; that it is broken already is no error."""
    try:
        sock.close()
    except OSError:
        pass


def is_glob_pattern(value: str) -> bool:
    """Tell whether ``value`` has a character that the ``glob`` module treats as special."""
    return any(character in value for character in "*?[")


def get_arity(f: Any) -> int:
    """Return how many positional parameters ``f`` declares; ``*args`` does not count."""
    from inspect import Parameter, signature

    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in signature(f).parameters.values())


def warn(msg: str) -> None:
    """Print a warning that cannot be overlooked to stderr, for the time before there is a log."""
    lines = msg.strip().splitlines() or [""]
    lines[0] = f"WARNING: {lines[0]}"
    banner = "".join(f"!!! {line.strip()}\n" for line in lines)
    print(f"!!!\n{banner}!!!\n", file=sys.stderr)


def make_fail_app(msg: str | bytes) -> Any:
    """Return a WSGI application that answers everything with 500 and ``msg`` as plain text."""
    body = to_bytestring(msg)

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response("500 Internal Server Error", headers)
        return [body]

    return app
