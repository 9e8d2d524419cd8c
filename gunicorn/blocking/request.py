"""A request, read off a blocking source by the one parser."""

from __future__ import annotations

import re
from functools import lru_cache

from gunicorn.gateway.wiring import limits_of
from gunicorn.http import errors
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.http1_head import HeadParser
from gunicorn.wire.protocol import NEED_DATA

from .body import Body, ChunkedReader, LengthReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Peer, ProxyInfo
    from gunicorn.config import Config
    from gunicorn.http.request import Request as Head

    from .unreader import Unreader

__all__ = [
    "DEFAULT_MAX_HEADERFIELD_SIZE", "MAX_HEADERS", "MAX_REQUEST_LINE", "METHOD_BADCHAR_RE", "TOKEN_RE", "VERSION_RE",
    "Message", "Request",
]

MAX_REQUEST_LINE: int = Limits.request_line
MAX_HEADERS = 32768
DEFAULT_MAX_HEADERFIELD_SIZE: int = Limits.field_size

# What these say decides nothing here; workers check names of their own with them.
TOKEN_RE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
METHOD_BADCHAR_RE = re.compile(r"[a-z#]")
VERSION_RE = re.compile(r"HTTP/(\d)\.(\d)")


@lru_cache(maxsize=8)
def _table(limits: Limits) -> FieldTable:
    """The names and rules that all requests under the same limits share."""
    return FieldTable(limits)


class Message:
    """A head with its fields, and how to get at the body behind it. Reads as it is made.

    Raises StopIteration when the peer leaves before the first octet, `NoMoreData` when it leaves in the middle, and
    what the parser raises (`gunicorn.http.errors`).
    """

    method: str | None = None
    uri: str | None = None
    path: str | None = None
    query: str | None = None
    fragment: str | None = None

    def __init__(self, cfg: Config, unreader: Unreader, peer_addr: Peer) -> None:
        self.cfg = cfg
        self.unreader = unreader
        # Of the socket, whatever a PROXY header or a proxy's field says.
        self.peer_addr = self.remote_addr = peer_addr
        limits = limits_of(cfg)
        self.limit_request_line = limits.request_line
        self.limit_request_fields = limits.fields
        self.limit_request_field_size = limits.field_size
        self.table = _table(limits)
        self.trusted = Peers(cfg.forwarded_allow_ips).allows(peer_addr)
        # What the parser has made of it.
        self.head: Head | None = None
        self.version: tuple[int, int] = (1, 1)
        self.headers: list[tuple[str, str]] = []
        self.trailers: list[tuple[str, str]] = []
        self.scheme = "https" if cfg.is_ssl else "http"
        self.must_close = False
        # Whether the head of an answer has gone out: what goes wrong then cannot be told any more.
        self.answered = False
        self.body: Body | None = None
        self.proxy_protocol_info: ProxyInfo | None = None
        self.unreader.unread(self.parse(self.unreader))
        self.set_body_reader()

    def parse(self, unreader: Unreader) -> bytes:
        """Read the head; the octets that came behind it."""
        raise NotImplementedError

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[tuple[str, str]]:
        """Field lines, without the empty one at their end, as (NAME, value). Raises `HTTPError`."""
        section = bytes(data).removesuffix(b"\r\n") + b"\r\n\r\n" if data else b"\r\n"
        parser = HeadParser(self.table, self.trusted)
        parser.interprets = False
        parser.begin_section()
        parser.parse_fields(section, 0, len(section))
        if not parser.complete or parser.request is None:
            raise errors.InvalidHeader("a field line without an end")
        return list(parser.request.headers)

    def set_body_reader(self) -> None:
        """Set `body`, from which the content is read."""
        head = self.head
        if head is not None and head.chunked:
            self.body = Body(ChunkedReader(self, self.unreader))
        else:
            self.body = Body(LengthReader(self.unreader, head.content_length if head is not None else 0))

    def force_close(self) -> None:
        """Close the connection after this message, whatever the client asked for."""
        self.must_close = True

    def should_close(self) -> bool:
        """Whether the connection ends with this message (RFC 9112 section 9.3)."""
        return self.must_close or (self.head is not None and self.head.close)


class Request(Message):
    """One request. Strings are native strings of PEP 3333: one character an octet.

    `uri` is the request-target as sent, `path` and `query` its parts still percent-encoded, `headers` (NAME, value) in
    order, `body` a file to read from. `req_number` counts the requests of a connection.
    """

    # What a request that has been read has.
    head: Head
    method: str
    uri: str
    path: str
    query: str
    body: Body

    def __init__(self, cfg: Config, unreader: Unreader, peer_addr: Peer, req_number: int = 1) -> None:
        self.req_number = req_number
        super().__init__(cfg, unreader, peer_addr)

    def parse(self, unreader: Unreader) -> bytes:
        # A PROXY header stands in front of a connection, not of each request.
        table = self.table if self.req_number == 1 else _table(self.table.limits.replaced(proxy_protocol="off"))
        allowed = Peers(self.cfg.proxy_allow_ips).allows(self.peer_addr)
        protocol = HTTP1(table, self.trusted, allowed)
        begun = False
        while protocol.next_event() == NEED_DATA:
            data = unreader.read()
            if not data:
                if not begun:
                    raise StopIteration
                raise errors.NoMoreData(protocol.rest())
            begun = True
            protocol.receive(data)
        head = protocol.request
        assert head is not None
        self._take(head)
        if protocol.proxy_info is not None:
            self.proxy_protocol_info = protocol.proxy_info.copy()
        self._ask_subclass()
        return bytes(protocol.rest())

    def _take(self, head: Head) -> None:
        """Become what the parser has found."""
        self.head = head
        self._take_line(head)
        self.headers = list(head.headers)
        if head.scheme is not None:
            self.scheme = head.scheme

    def _take_line(self, head: Head) -> None:
        self.method, self.uri, self.path, self.query = head.method, head.uri, head.path, head.query
        self.fragment = head.fragment
        self.version = head.version

    def _ask_subclass(self) -> None:
        """A subclass that parses a part by itself has the last word on it."""
        if type(self).parse_request_line is not Request.parse_request_line:
            line = f"{self.method} {self.uri} HTTP/{self.version[0]}.{self.version[1]}"
            self.parse_request_line(line.encode("latin-1"))
        if type(self).parse_headers is not Message.parse_headers:
            lines = "\r\n".join(f"{name}: {value}" for name, value in self.headers)
            self.headers = self.parse_headers(lines.encode("latin-1"))

    def parse_request_line(self, line_bytes: bytes) -> None:
        """Become what a request line says, which is without its CRLF. Raises `HTTPError`."""
        line = bytes(line_bytes) + b"\r\n"
        parser = HeadParser(self.table, self.trusted)
        parser.parse(line, 0, len(line))
        if parser.request is None:
            raise errors.InvalidRequestLine(str(line_bytes[:80], "latin-1"))
        self._take_line(parser.request)
