"""The head of a response: status line, fields, framing (RFC 9112 section 4, RFC 9110 section 6).

What an application says is checked before it reaches the wire: a field with a line break in it would be a second
response. The same fields come again and again, so a checked and encoded line is remembered under the application's own
(name, value) pair.
"""

from __future__ import annotations

import re

from gunicorn._calendar import MONTHS

from .errors import InvalidResponseHeader, InvalidResponseHeaderName, InvalidResponseStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What a response field asks of the framing.
ORDINARY = 0
CONTENT_LENGTH = 1
DATE = 2
SERVER = 3
CONNECTION = 4
HOP_BY_HOP = 5
UPGRADE = 6

_KINDS = {
    "content-length": CONTENT_LENGTH,
    "date": DATE,
    "server": SERVER,
    "connection": CONNECTION,
    "upgrade": UPGRADE,
    # Fields of this hop are the server's own (RFC 9110 section 7.6.1, PEP 3333 "Other HTTP Features").
    "transfer-encoding": HOP_BY_HOP,
    "keep-alive": HOP_BY_HOP,
    "proxy-connection": HOP_BY_HOP,
    "te": HOP_BY_HOP,
    "trailer": HOP_BY_HOP,
}

# How the end of a response's content is told (RFC 9112 section 6.3).
NO_BODY = 0
LENGTH = 1
CHUNKED = 2
UNTIL_CLOSE = 3

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    ORDINARY=ORDINARY, CONTENT_LENGTH=CONTENT_LENGTH, DATE=DATE, SERVER=SERVER, CONNECTION=CONNECTION,
    UPGRADE=UPGRADE, NO_BODY=NO_BODY, LENGTH=LENGTH, CHUNKED=CHUNKED, UNTIL_CLOSE=UNTIL_CLOSE,
)

REMEMBERED = 512
LONGEST_REMEMBERED = 256

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z").match
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z").match
_STATUS = re.compile(r"[1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\Z").match

# Reason phrases as the registry of status codes has them (RFC 9110 section 16.2). A table of our own, since importing
# http.HTTPStatus costs milliseconds of every start.
REASONS: dict[int, str] = {
    100: "Continue",
    101: "Switching Protocols",
    102: "Processing",
    103: "Early Hints",
    200: "OK",
    201: "Created",
    202: "Accepted",
    203: "Non-Authoritative Information",
    204: "No Content",
    205: "Reset Content",
    206: "Partial Content",
    207: "Multi-Status",
    208: "Already Reported",
    226: "IM Used",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    305: "Use Proxy",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    417: "Expectation Failed",
    418: "I'm a Teapot",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    423: "Locked",
    424: "Failed Dependency",
    425: "Too Early",
    426: "Upgrade Required",
    428: "Precondition Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    451: "Unavailable For Legal Reasons",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    506: "Variant Also Negotiates",
    507: "Insufficient Storage",
    508: "Loop Detected",
    510: "Not Extended",
    511: "Network Authentication Required",
}


class FieldLine:
    """A checked response field: its `kind`, the encoded `line` with CRLF, the stripped `value`, and a Content-Length's
    number as `length`. `packed` is for HTTP/2, whose driver fills it in when it is first sent there."""

    __slots__ = ("kind", "length", "line", "packed", "value")

    def __init__(self, kind: int, line: bytes, value: str) -> None:
        self.kind = kind
        self.line = line
        self.value = value
        self.packed: bytes | None = None
        self.length = content_length(value) if kind == CONTENT_LENGTH else -1

    def pair(self) -> tuple[str, str]:
        """Name and value."""
        return str(self.line, "latin-1").partition(":")[0], self.value


class FieldLines:
    """The response fields seen lately, by the pair the application gave."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: dict[Any, FieldLine] = {}

    def learn(self, pair: object) -> FieldLine:
        """Check and encode a (name, value) pair of str or of bytes that is not remembered.

        Raises `InvalidResponseHeaderName`, `InvalidResponseHeader` (both 500; the peer never sees why).
        """
        name, value, lasts = characters_of(pair)
        if not isinstance(name, str) or _NAME(name) is None:
            raise InvalidResponseHeaderName(name)
        if not isinstance(value, str) or _VALUE(value) is None:
            # The value may be secret (a cookie) and may be what an attacker sent: name the field only.
            raise InvalidResponseHeader(name)
        value = value.strip(" \t")
        line = FieldLine(_KINDS.get(name.lower(), ORDINARY), f"{name}: {value}\r\n".encode("latin-1"), value)
        if lasts and len(value) <= LONGEST_REMEMBERED:
            if len(self.lines) >= REMEMBERED:
                self.lines.clear()
            self.lines[pair] = line
        return line


# What an application says may be of any subclass: an enumeration, a safe string, a name that ignores case.
# It is taken for what its characters or octets are, whatever its class makes of `str()`, `len()` or a comparison, so
# that what was checked is what is sent, and C finds the type it was declared with.


def characters_of(pair: Any) -> tuple[object, object, bool]:
    """Name and value of a field as str, if they are text or octets; and whether the pair can be found again and
    will not change. Raises `InvalidResponseHeader`."""
    try:
        name, value = pair
    except (TypeError, ValueError):
        raise InvalidResponseHeader("a field must be a pair of name and value") from None
    if isinstance(name, bytes | bytearray | memoryview) and isinstance(value, bytes | bytearray | memoryview):
        lasts = type(name) is type(value) is bytes
        name, value = str(name, "latin-1"), str(value, "latin-1")
    else:
        lasts = type(name) is type(value) is str
        if not lasts and isinstance(name, str) and isinstance(value, str):
            name, value = plain_text(name), plain_text(value)
    return name, value, lasts and type(pair) is tuple


def plain_text(text: str) -> str:
    """The characters of a str of any subclass."""
    return str.__str__(text)


def plain_octets(data: Any) -> bytes:
    """The octets of bytes of any subclass. Raises `TypeError` for anything else."""
    if not isinstance(data, bytes):
        raise TypeError(f"{data!r:.80} is not bytes")
    return b"".join((data,))


def check_status(status: object) -> str:
    """`NNN reason` of PEP 3333 as it may go on the wire. Raises `InvalidResponseStatus`."""
    if not isinstance(status, str) or _STATUS(status) is None:
        raise InvalidResponseStatus(status)
    return plain_text(status)


def content_length(value: str) -> int:
    """The application's Content-Length. Raises `InvalidResponseHeader`."""
    if not (value.isascii() and value.isdigit()) or len(value) > 18:
        raise InvalidResponseHeader("Content-Length")
    return int(value)


def told_length(code: int, length: int, is_given: bool) -> int:
    """What a response without content says of the content's length (RFC 9110 section 8.6); -1: nothing. `is_given`: the
    application has said it, and it was not counted here."""
    if code == 205:
        # It has no content, whatever the application says, and must tell so (RFC 9110 section 15.3.6).
        return 0
    # A 304 speaks of what a cache keeps: that has content, or is not kept. An application that gives a length of 0
    # means the answer, and a cache would believe it of what it keeps; content that comes along is a page for people.
    if code < 200 or code == 204 or (code == 304 and not (is_given and length)):
        return -1
    return length


def status_line(status: str) -> bytes:
    """The status line; the version is ours, whatever the client's (RFC 9110 section 6.2)."""
    return f"HTTP/1.1 {status}\r\n".encode("latin-1")


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def http_date(moment: Any) -> bytes:
    """IMF-fixdate of a UTC `time.struct_time` (RFC 9110 section 5.6.7)."""
    year, month, day, hour, minute, second, weekday = moment[:7]
    return b"%s, %02d %s %04d %02d:%02d:%02d GMT" % (
        _DAYS[weekday].encode(), day, MONTHS[month].encode(), year, hour, minute, second)


def error_body(status: int, title: str) -> bytes:
    """The page that answers a request that no application saw; `title` is the one of an `HTTPError`'s class.

    It quotes nothing: whoever sent the request knows it, and whoever else reads the page should not.
    """
    reason = REASONS.get(status, "Error")
    return (
        f"<html>\n  <head>\n    <title>{reason}</title>\n  </head>\n  <body>\n"
        f"    <h1><p>{reason}</p></h1>\n    {title}\n  </body>\n</html>\n"
    ).encode("ascii")
