"""The answer of a WSGI application, written to a blocking socket (PEP 3333, "The start_response() Callable")."""

from __future__ import annotations

import errno
import sys
import time

import gunicorn
from gunicorn.gateway.wiring import response_fields
from gunicorn.http.errors import InvalidResponseHeader
from gunicorn.http.response import (
    CHUNKED,
    CONNECTION,
    CONTENT_LENGTH,
    DATE,
    LENGTH,
    NO_BODY,
    ORDINARY,
    SERVER,
    UNTIL_CLOSE,
    UPGRADE,
    FieldLines,
    check_status,
    http_date,
    plain_octets,
)
from gunicorn.wire.http1_response import frame
from gunicorn.wsgi.filewrapper import FileWrapper, file_region

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from socket import socket
    from typing import Any

    from gunicorn._types import ExcInfo, Fields
    from gunicorn.config import Config

__all__ = ["ClientGone", "Response", "server_name"]

_LINES = FieldLines()


class ClientGone(ConnectionError):
    """The client has left, or takes nothing; not to be taken for an error of the application's own connections."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.errno or errno.EPIPE, error.strerror or str(error))


def server_name(cfg: Config) -> str:
    """What the Server field says: `server_header`, where that is set, or what a configuration of old has written over
    `SERVER` of `gunicorn` or of `gunicorn.http.wsgi`."""
    name = cfg.server_header
    if name == cfg.settings["server_header"].default:
        for module in (sys.modules.get("gunicorn.http.wsgi"), gunicorn):
            told = getattr(module, "SERVER", name)
            if told != name:
                return str(told)
    return name


class Response:
    """One response to `req` on `sock`. What the access log and hooks read: `status`, `status_code`, `headers`, `sent`.

    A worker calls the application with `start_response`, gives every piece of what it returns to `write` (a file
    wrapper to `write_file`), and then calls `close`. Whether the connection goes on tells `should_close`.
    """

    def __init__(self, req: Any, sock: socket | None, cfg: Config) -> None:
        # A `request.Request`; where nothing is sent, and so without a socket, the engine's as well.
        self.req = req
        self.sock = sock
        self.cfg = cfg
        self.version = server_name(cfg)
        self.status: str | None = None
        self.chunked = False
        self.must_close = False
        self.headers: list[tuple[str, str]] = []
        self.headers_sent = False
        self.response_length: int | None = None
        self.sent = 0
        self.upgrade = False
        self._framing = UNTIL_CLOSE
        self._own: set[int] = set()
        # A field that the server says unless the application does: name and value.
        self.request_id: tuple[str, str] | None = None

    @property
    def status_code(self) -> int:
        """The status as a number; 0 before start_response."""
        return int(self.status[:3]) if self.status else 0

    def force_close(self) -> None:
        """Close the connection after this response."""
        self.must_close = True

    def should_close(self) -> bool:
        """Whether the connection ends with this response."""
        return self.must_close or bool(self.req.should_close())

    def start_response(
        self, status: str, headers: Fields, exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """PEP 3333. Raises `HTTPError` (500) for what must not go on the wire, and AssertionError when called again
        without `exc_info`."""
        if exc_info is not None:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError("start_response was called before, and now without exc_info")
        status = check_status(status)
        self.headers, self.response_length, self.upgrade, self._own = [], None, False, set()
        self.process_headers(headers)
        self.status = status
        return self.write

    def process_headers(self, headers: Fields) -> None:
        """Check the application's fields, and take those that it may send into `headers`. Raises `HTTPError`."""
        for pair in headers:
            name, value = pair
            line = _LINES.learn((name, value))
            if line.kind == CONTENT_LENGTH:
                if self.response_length not in (None, line.length):
                    raise InvalidResponseHeader("Content-Length")
                self.response_length = line.length
                self.headers.append((name, line.value))
            elif line.kind == CONNECTION:
                words = line.value.lower()
                if "close" in words:
                    self.force_close()
                elif "upgrade" in words:
                    self.upgrade = True
            elif line.kind in (ORDINARY, DATE, SERVER, UPGRADE):
                self._own.add(line.kind)
                self.headers.append((name, line.value))

    def is_chunked(self) -> bool:
        """Whether the content goes out in the chunked coding."""
        return self._frame() == CHUNKED

    def _frame(self) -> int:
        length = -1 if self.response_length is None else self.response_length
        major, minor = self.req.version
        return frame(self.req.method, minor if major == 1 else 1, self.status_code, length)

    def default_headers(self) -> list[str]:
        """The lines that the server says by itself, each with CRLF: the status line, and what belongs to the hop."""
        lines = [f"HTTP/1.1 {self.status}\r\n"]
        if self.version and SERVER not in self._own:
            lines.append(f"Server: {self.version}\r\n")
        if DATE not in self._own:
            lines.append(f"Date: {http_date(time.gmtime()).decode()}\r\n")
        if self.upgrade:
            lines.append("Connection: upgrade\r\n")
        elif self.should_close():
            lines.append("Connection: close\r\n")
        elif self.req.version == (1, 0):
            lines.append("Connection: keep-alive\r\n")
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        elif self._tells_length():
            lines.append(f"Content-Length: {self.response_length}\r\n")
        return lines

    def _tells_length(self) -> bool:
        """Whether the head has a Content-Length (RFC 9110 section 8.6)."""
        code = self.status_code
        if self.response_length is None or code < 200 or code == 204:
            return False
        if code == 304 and self.response_length == 0:
            # It would be the length of what the client has in its cache.
            return False
        return self._framing in (LENGTH, NO_BODY)

    def send_headers(self) -> None:
        """Send the head, once. Raises AssertionError before `start_response`, `ClientGone`."""
        if self.headers_sent:
            return
        if self.status is None:
            raise AssertionError("the application sent content before it called start_response")
        self._framing = self._frame()
        self.chunked = self._framing == CHUNKED
        if self.upgrade or self._framing == UNTIL_CLOSE:
            self.force_close()
        lines = self.default_headers()
        # Which length is right depends on more than the application's word, and stands above.
        lines.extend(f"{name}: {value}\r\n" for name, value in self.headers if name.lower() != "content-length")
        known = self.request_id
        if known is not None and not any(name.lower() == known[0].lower() for name, _ in self.headers):
            lines.append(f"{known[0]}: {known[1]}\r\n")
        head = "".join(lines).encode("latin-1") + response_fields(self.cfg) + b"\r\n"
        self._send(head)
        self.headers_sent = self.req.answered = True

    def write(self, arg: bytes) -> None:
        """Send a piece of the content; what is beyond the promised length is left out.

        Raises TypeError for what is no bytes, and `ClientGone`.
        """
        self.takes(arg)

    def takes(self, arg: bytes) -> bool:
        """As `write`; False when nothing of it has a place, and more need not be asked for."""
        data = plain_octets(arg)
        if not data:
            return True
        self.send_headers()
        if self._framing == NO_BODY:
            return False
        if self._framing == LENGTH and self.response_length is not None:
            # What exceeds the promised length would be read as the next response.
            data = data[:max(0, self.response_length - self.sent)]
            if not data:
                return False
        self.sent += len(data)
        if self.chunked:
            data = b"%x\r\n%s\r\n" % (len(data), data)
        self._send(data)
        return True

    def write_all(self, pieces: Iterable[bytes]) -> None:
        """Send what an application gives, as long as it has a place: it may have no end."""
        for piece in pieces:
            if not self.takes(piece):
                break

    def _send(self, data: bytes) -> None:
        sock = self.sock
        assert sock is not None
        try:
            sock.sendall(data)
        except OSError as error:
            raise ClientGone(error) from error

    def can_sendfile(self) -> bool:
        """Whether the kernel may send files: not through TLS, not where the socket does not know how to wait for its
        peer meanwhile, and not against the setting `sendfile`."""
        kind = type(self.sock)
        return bool(self.cfg.sendfile) and hasattr(kind, "sendfile") and not hasattr(kind, "getpeercert")

    def sendfile(self, respiter: FileWrapper) -> bool:
        """Let the kernel send the file of a wrapper; False when it has to be read."""
        sock = self.sock
        if sock is None or self.headers_sent or not self.can_sendfile():
            return False
        region = file_region(respiter)
        if region is None:
            return False
        _, offset, count = region
        if self.response_length is None:
            self.response_length = count
        self.send_headers()
        if self._framing == NO_BODY:
            return True
        count = min(count, self.response_length)
        if self._framing == CHUNKED:
            return False
        if count:
            try:
                self.sent += sock.sendfile(respiter.filelike, offset, count)
            except OSError as error:
                raise ClientGone(error) from error
        return True

    def write_file(self, respiter: Iterable[bytes]) -> None:
        """Send the file of a `wsgi.file_wrapper`."""
        if type(respiter) is FileWrapper and self.sendfile(respiter):
            return
        self.write_all(respiter)

    def close(self) -> None:
        """The application has no more to say: end the response. One that is shorter than it promised ends the
        connection, so that the client can tell."""
        if not self.headers_sent:
            if self.response_length is None and self._frame() != NO_BODY:
                self.response_length = 0
            self.send_headers()
        if self.chunked:
            self._send(b"0\r\n\r\n")
        elif self._framing == LENGTH and self.response_length is not None and self.sent < self.response_length:
            self.force_close()


# A patch of it is found by this (`patched`).
DEFAULT_HEADERS = Response.default_headers
