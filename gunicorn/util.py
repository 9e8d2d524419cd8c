"""Small helpers that workers, hooks and packages of third parties import from here.

What has a subject of its own has a module of its own and is only passed on: names to objects
(`gunicorn.loading.names`), what `bind` accepts (`gunicorn.config.address`), what a process does to itself
(`gunicorn.unix.process`).
"""

from __future__ import annotations

import sys
import time
from types import TracebackType

from gunicorn.config.address import is_ipv6, parse_address
from gunicorn.config.validators.resources import get_arity
from gunicorn.errors import AppImportError
from gunicorn.http.response import http_date as _http_date
from gunicorn.loading.aliases import SUPPORTED_WORKERS
from gunicorn.loading.names import import_app, load_class
from gunicorn.loading.tracebacks import application_traceback, make_fail_app
from gunicorn.unix.closing import close, close_graceful
from gunicorn.unix.process import (
    REDIRECT_TO,
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
from gunicorn.unix.process import set_process_title as _setproctitle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import NoReturn
    from urllib.parse import SplitResult

__all__ = [
    "REDIRECT_TO",
    "SUPPORTED_WORKERS",
    "AppImportError",
    "_setproctitle",
    "application_traceback",
    "bytes_to_str",
    "check_is_writable",
    "chown",
    "close",
    "close_graceful",
    "close_on_exec",
    "daemonize",
    "get_arity",
    "get_username",
    "getcwd",
    "has_fileno",
    "hop_headers",
    "http_date",
    "import_app",
    "is_glob_pattern",
    "is_hoppish",
    "is_ipv6",
    "load_class",
    "make_fail_app",
    "parse_address",
    "reraise",
    "seed",
    "set_non_blocking",
    "set_owner_process",
    "split_request_uri",
    "to_bytestring",
    "unlink",
    "unquote_to_wsgi_str",
    "warn",
    "write",
    "write_chunk",
    "write_error",
    "write_nonblock",
]

# Fields of one hop, and those that the server says by itself (RFC 9110 section 7.6.1, PEP 3333).
hop_headers = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding",
    "upgrade", "server", "date",
}


def http_date(timestamp: float | None = None) -> str:
    """Return an IMF-fixdate (RFC 9110, 5.6.7) for `timestamp`, in seconds since the epoch, or for now."""
    return str(_http_date(time.gmtime(timestamp)), "ascii")


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


def has_fileno(obj: object) -> bool:
    """Tell whether `obj` is backed by a real file descriptor."""
    try:
        fileno = getattr(obj, "fileno", None)
        if fileno is None:
            return False
        fileno()
    except (AttributeError, OSError, ValueError):
        # io.UnsupportedOperation, which in-memory files raise, is both an OSError and a ValueError.
        return False
    return True


def is_hoppish(header: str) -> bool:
    """Tell whether a response field is one that an application must leave to the server."""
    return header.strip().lower() in hop_headers


def write(sock: socket, data: bytes, chunked: bool = False) -> None:
    """Send all of `data`, with `chunked` as a chunk (RFC 9112, 7.1). Raises OSError."""
    if chunked:
        write_chunk(sock, data)
    else:
        sock.sendall(data)


def write_chunk(sock: socket, data: bytes | str) -> None:
    """Send `data` as a chunk; an empty one ends the content. Raises OSError."""
    content = to_bytestring(data)
    sock.sendall(b"%x\r\n%s\r\n" % (len(content), content))


def write_nonblock(sock: socket, data: bytes, chunked: bool = False) -> None:
    """As `write`, with the socket not waiting for its peer meanwhile. Raises BlockingIOError when it would."""
    timeout = sock.gettimeout()
    if timeout == 0.0:
        write(sock, data, chunked)
        return
    sock.setblocking(False)
    try:
        write(sock, data, chunked)
    finally:
        sock.settimeout(timeout)


def write_error(sock: socket, status_int: int, reason: str, mesg: str) -> None:
    """Answer with a page that says `reason` and `mesg`, as fast as the peer takes it. Raises OSError."""
    from html import escape

    page = (
        f"<html>\n  <head>\n    <title>{escape(reason)}</title>\n  </head>\n  <body>\n"
        f"    <h1><p>{escape(reason)}</p></h1>\n    {escape(mesg)}\n  </body>\n</html>\n"
    ).encode()
    head = (
        f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(page)}\r\n\r\n"
    ).encode("latin-1", "replace")
    write_nonblock(sock, head + page)


def reraise(tp: type[BaseException], value: BaseException | None, tb: TracebackType | None = None) -> NoReturn:
    """Raise what `sys.exc_info()` gave."""
    error = tp() if value is None else value
    raise error.with_traceback(tb)


def is_glob_pattern(value: str) -> bool:
    """Tell whether `value` has a character that the `glob` module treats as special."""
    return any(character in value for character in "*?[")


def warn(msg: str) -> None:
    """Print a warning that cannot be overlooked to stderr, for the time before there is a log."""
    lines = msg.strip().splitlines() or [""]
    lines[0] = f"WARNING: {lines[0]}"
    banner = "".join(f"!!! {line.strip()}\n" for line in lines)
    print(f"!!!\n{banner}!!!\n", file=sys.stderr)
