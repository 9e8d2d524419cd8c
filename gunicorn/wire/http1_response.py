"""The head of a response of HTTP/1, and how the end of its content is told (RFC 9112 sections 4 to 7)."""

from __future__ import annotations

from gunicorn.http._octets import head_octets
from gunicorn.http.errors import HTTPError
from gunicorn.http.response import (
    CHUNKED,
    LENGTH,
    NO_BODY,
    REASONS,
    UNTIL_CLOSE,
    FieldLine,
    error_body,
    status_line,
    told_length,
)
from gunicorn.http.response_head import ResponseHead


def frame(method: str, version_minor: int, status: int, length: int) -> int:
    """How the content's end is told: NO_BODY, LENGTH, CHUNKED or UNTIL_CLOSE. `length` -1: not known."""
    if method == "HEAD" or status == 204 or status == 304 or status == 205 or status < 200:
        return NO_BODY
    if status < 300 and method == "CONNECT":
        # RFC 9110 section 9.3.6: a tunnel begins behind the head, and no field may say how long it is.
        return UNTIL_CLOSE
    if length >= 0:
        return LENGTH
    return CHUNKED if version_minor >= 1 else UNTIL_CLOSE


def settle(head: ResponseHead) -> None:
    """Say how the content of a response is framed: set its `framing`, its `length_line` as it goes on the wire, and
    `close` where the content ends with the connection. Raises AssertionError for a head without a status.
    """
    prefix = head.prefix
    if prefix is None:
        raise AssertionError("a response begins with a status")
    request = head.request
    framing = frame(request.method, request.version_minor, prefix.code, head.response_length)
    settle_as(head, prefix.code, framing)
    if framing == UNTIL_CLOSE or head.upgrade:
        head.close = True


def settle_as(head: ResponseHead, code: int, framing: int) -> None:
    """Set the `framing` of a response, and its `length_line`, as they go on the wire."""
    head.framing = framing
    if framing == LENGTH:
        if head.length_line is None:
            head.length_line = _length_line(head.response_length)
    elif framing == CHUNKED:
        head.length_line = b"Transfer-Encoding: chunked\r\n"
    elif framing == UNTIL_CLOSE:
        head.length_line = b""
    else:
        _tell_length(head, code)


def _tell_length(head: ResponseHead, code: int) -> None:
    """How long the content would be that is not sent."""
    length = told_length(code, head.response_length, head.length_line is not None)
    if code == 205:
        head.response_length = 0
        head.length_line = None
    if length < 0:
        head.length_line = b""
    elif head.length_line is None:
        head.length_line = _length_line(length)


def octets_of(head: ResponseHead, content: bytes) -> bytes:
    """The octets of a head that was settled, and the first of the content. Raises AssertionError for one that was not.
    """
    prefix, length_line = head.prefix, head.length_line
    if prefix is None or length_line is None:
        raise AssertionError("the head was not settled")
    if head.upgrade:
        end = b"Connection: upgrade\r\n\r\n"
    elif head.close:
        end = b"Connection: close\r\n\r\n"
    elif head.request.version_minor == 0:
        end = b"Connection: keep-alive\r\n\r\n"
    else:
        end = b"\r\n"
    return head_octets(prefix.octets, head.fields, length_line, end, content)


def inform(status: int, fields: list[FieldLine]) -> bytes:
    """An interim response (RFC 9110 section 15.2)."""
    return status_line(f"{status} {REASONS[status]}") + b"".join([field.line for field in fields]) + b"\r\n"


# The lengths of small answers come again and again.
_LENGTH_LINES: dict[int, bytes] = {}


def _length_line(length: int) -> bytes:
    line = _LENGTH_LINES.get(length)
    if line is None:
        line = b"Content-Length: %d\r\n" % length
        if len(_LENGTH_LINES) < 1024:
            _LENGTH_LINES[length] = line
    return line


# Where there is no exchange: blocking sockets, and what answers beside a server of somebody else's.


def refusal(error: HTTPError, date: bytes, server: bytes, head_only: bool = False, fields: bytes = b"") -> bytes:
    """The whole answer to what cannot be served; it closes the connection. `fields` are further field lines."""
    own = b"".join([f"{name}: {value}\r\n".encode("latin-1") for name, value in error.fields])
    return error_response(error.status, error.title, date, server, head_only, fields + own)


def error_response(
    status: int, title: str, date: bytes, server: bytes, head_only: bool = False, fields: bytes = b""
) -> bytes:
    """As `refusal`, where there is no error to tell of."""
    body = error_body(status, title)
    head = (
        status_line(f"{status} {REASONS.get(status, 'Error')}")
        + (b"Server: %s\r\n" % server if server else b"")
        + fields
        + b"Date: %s\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (date, len(body))
    )
    return head if head_only else head + body
