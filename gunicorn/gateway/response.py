"""A response on its way to the client: its head, its framing, and the content as the framing says."""

from __future__ import annotations

from gunicorn.engine.exchange import Exchange
from gunicorn.http._octets import joined
from gunicorn.http.errors import InvalidResponseHeader
from gunicorn.http.request import Request
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
    FieldLine,
    frame,
    plain_text,
)

from .prefixes import Prefix
from .state import GatewayState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# A body up to this size is copied behind its head; a larger one goes out as it is.
JOINED = 16384
# In the compiled form a C integer, which other modules could not import by name.
globals().update(JOINED=JOINED)


class Response:
    """One response. Hooks and the access log read `status`, `status_code`, `headers`, `sent` and `headers_sent`."""

    __slots__ = (
        "chunked", "close", "complete", "exchange", "framing", "gateway", "has_date", "has_server", "headers",
        "headers_sent", "length_line", "lines", "prefix", "request", "response_length", "sent", "silent_since",
        "status", "upgrade", "__dict__",
    )

    def __init__(self, gateway: GatewayState, exchange: Exchange, request: Request, close: bool) -> None:
        self.begin(gateway, exchange, request, close)

    def begin(self, gateway: GatewayState, exchange: Exchange, request: Request, close: bool) -> None:
        """What `__init__` does; the gateway calls it alone, on an object made by `__new__`."""
        self.gateway = gateway
        self.exchange = exchange
        self.request = request
        self.close = close
        self.status: Any = None
        self.headers: Any = None
        self.headers_sent = False
        self.prefix: Prefix | None = None
        # Set when the response begins; the first place is for the status line.
        self.lines: list[bytes] = None  # type: ignore[assignment]
        self.response_length = -1
        self.length_line: bytes | None = None
        self.framing = UNTIL_CLOSE
        self.chunked = False
        # Nothing more of the content can be sent.
        self.complete = False
        self.sent = 0
        # When the application began to give empty pieces; 0 while it gives others.
        self.silent_since = 0.0
        self.has_date = False
        self.has_server = False
        self.upgrade = False

    @property
    def status_code(self) -> int:
        """The status as a number; 0 before start_response."""
        return int(self.status[:3]) if self.status else 0

    @property
    def must_close(self) -> bool:
        """Whether the connection ends with this response."""
        return self.close

    @property
    def whole(self) -> bool:
        """Whether the client has all that it waits for; this turns true before its last octets go, never after."""
        framing = self.framing
        if framing == LENGTH:
            return self.headers_sent and self.sent >= self.response_length
        return self.complete or (framing == NO_BODY and self.headers_sent)

    @property
    def req(self) -> Request:
        """The request, under the name hooks know."""
        return self.request

    def force_close(self) -> None:
        """Close the connection after this response."""
        self.close = True

    def should_close(self) -> bool:
        """Whether the connection ends with this response."""
        return self.close

    def _start(self, status: Any, headers: Any) -> None:
        gateway = self.gateway
        known = gateway.field_lines.lines
        lines = [b""]
        self.lines = lines
        for pair in headers:
            try:
                line = known.get(pair)
            except TypeError:
                line, pair = None, tuple(pair)
            field = gateway.field_lines.learn(pair) if line is None else line
            if field.kind == ORDINARY:
                lines.append(field.line)
            elif field.kind == CONTENT_LENGTH:
                if self.response_length >= 0 and self.response_length != field.length:
                    raise InvalidResponseHeader("Content-Length")
                self.response_length = field.length
                self.length_line = field.line
            else:
                self._special(field)
        self.prefix = gateway.prefixes.of(status, gateway.engine.now)
        self.status = status if type(status) is str else plain_text(status)
        self.headers = headers

    def _restart(self) -> None:
        self.response_length = -1
        self.length_line = None
        self.has_date = self.has_server = self.upgrade = False

    def _special(self, line: FieldLine) -> None:
        """Fields that the server has a say in."""
        kind = line.kind
        if kind == DATE:
            self.has_date = True
            self.lines.append(line.line)
        elif kind == SERVER:
            self.has_server = True
            self.lines.append(line.line)
        elif kind == CONNECTION:
            words = line.value.lower()
            if "close" in words:
                self.close = True
            elif "upgrade" in words:
                self.upgrade = True
        elif kind == UPGRADE:
            self.lines.append(line.line)

    def _head(self, length: int) -> list[bytes]:
        """The head in parts, for content of `length` octets (-1: not known)."""
        prefix = self.prefix
        if prefix is None:
            raise AssertionError("the application sent content before it called start_response")
        request = self.request
        if self.exchange.engine.closing:
            # Asked now, not when the request came: the worker may have been told to leave meanwhile.
            self.close = True
        code = prefix.code
        if self.response_length < 0:
            self.response_length = length
        framing = frame(request.method, request.version_minor, code, self.response_length)
        lines = self.lines
        if self.has_date or self.has_server:
            lines[0] = self.gateway.prefixes.partial(self.status, not self.has_server, not self.has_date)
        else:
            lines[0] = prefix.octets
        if framing == LENGTH:
            length_line = self.length_line
            lines.append(_length_line(self.response_length) if length_line is None else length_line)
        elif framing == CHUNKED:
            self.chunked = True
            lines.append(b"Transfer-Encoding: chunked\r\n")
        elif framing == UNTIL_CLOSE:
            self.close = True
        else:
            self._tell_length(code)
        self.framing = framing
        if self.upgrade:
            self.close = True
            lines.append(b"Connection: upgrade\r\n\r\n")
        elif self.close:
            lines.append(b"Connection: close\r\n\r\n")
        elif request.version_minor == 0:
            lines.append(b"Connection: keep-alive\r\n\r\n")
        else:
            lines.append(b"\r\n")
        self.headers_sent = True
        return lines

    def _tell_length(self, code: int) -> None:
        """How long the content would be that is not sent, where that may be said (RFC 9110 section 8.6)."""
        if code == 205:
            # It has no content, whatever the application says, and must tell so (RFC 9110 section 15.3.6).
            self.response_length = 0
            self.lines.append(_length_line(0))
            return
        length = self.response_length
        # A 304 speaks of what a cache keeps: that has content, or is not kept. An application that gives a length of 0
        # means the answer, and a cache would believe it of what it keeps.
        if length < 0 or code < 200 or code == 204 or (code == 304 and not length):
            return
        length_line = self.length_line
        self.lines.append(_length_line(length) if length_line is None else length_line)

    def _send(self, parts: list[bytes], data: bytes) -> None:
        """A part of the content behind a head (or nothing), as the framing says."""
        exchange = self.exchange
        framing = self.framing
        if framing == NO_BODY:
            if parts:
                exchange.write(joined(parts))
            self.complete = True
            return
        excess = False
        if framing == LENGTH:
            room = self.response_length - self.sent
            if len(data) > room:
                # What exceeds the promised length would be read as the next response.
                data = data[:room]
                excess = True
                if not room and not parts:
                    self.complete = True
                    return
        self.sent += len(data)
        if framing == CHUNKED:
            parts.append(b"%x\r\n" % len(data))
        if len(data) <= JOINED:
            parts.append(data)
            if framing == CHUNKED:
                parts.append(b"\r\n")
            if self.complete and self.close and self.gateway.ends_at_once:
                exchange.write_last(joined(parts))
            else:
                exchange.write(joined(parts))
        elif parts:
            exchange.write_two(joined(parts), data)
            if framing == CHUNKED:
                exchange.write(b"\r\n")
        else:
            exchange.write(data)
        if excess:
            self.complete = True
        if exchange.must_wait():
            self.gateway.wait_writable(exchange)

    def early_hints(self, headers: Any) -> None:
        """A 103 response with these fields, now (RFC 8297)."""
        if self.headers_sent or self.request.version_minor < 1:
            return
        lines = [self.gateway.field_lines.learn(tuple(pair)).line for pair in headers]
        self.exchange.write(b"HTTP/1.1 103 Early Hints\r\n" + b"".join(lines) + b"\r\n")


def count_whole(connections: Any) -> int:
    """How many of these connections have a response that is `whole`. Under the engine's guard: requests end there."""
    responses = [exchange.response for exchange in set(connections)]
    return sum(response is not None and response.whole for response in responses)


# The lengths of small answers come again and again.
_LENGTH_LINES: dict[int, bytes] = {}


def _length_line(length: int) -> bytes:
    line = _LENGTH_LINES.get(length)
    if line is None:
        line = b"Content-Length: %d\r\n" % length
        if len(_LENGTH_LINES) < 1024:
            _LENGTH_LINES[length] = line
    return line
