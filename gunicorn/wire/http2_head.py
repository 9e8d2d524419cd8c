"""The head of a request, and its trailer section, as HTTP/2 sends them (RFC 9113 section 8.3, RFC 8441).

Fields come one by one from the decoder of a block, which must go on to the block's end whatever is wrong with one of
them: the table that it keeps is the next request's as well. So what is wrong is kept, and said by `finish`.
"""

from __future__ import annotations

from gunicorn.http.errors import (
    HTTPError,
    InvalidHost,
    InvalidRequestLine,
    LimitRequestHeaders,
    LimitRequestLine,
    UnsupportedMethod,
)
from gunicorn.http.fields import HOST, ORDINARY, FieldTable
from gunicorn.http.head import SHOWN, Head
from gunicorn.http.request import Request

from .hpack import Section
from .http2_fields import (
    AUTHORITY,
    COOKIE,
    MALFORMED,
    METHOD,
    OVERHEAD,
    PATH,
    PRIORITY,
    PROTOCOL,
    TE,
    URI_SCHEME,
    Field,
)

# A cookie may come in crumbs (RFC 9113 section 8.2.3), and is one field all the same: so many for each field allowed.
CRUMBS = 4
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Malformed(HTTPError):
    """A request that is none by RFC 9113 section 8.1.1."""

    title = "Malformed request"


class HeadReader(Section):
    """Makes a request of the fields of one block after another."""

    __slots__ = (
        "connects", "cookie_at", "count", "crumbs", "error", "has_host", "head", "limit", "octets", "others",
        "protocol", "request", "scheme", "size", "table",
    )

    def __init__(self, table: FieldTable, trusted: bool, limit: int, connects: bool = False) -> None:
        """`limit`: octets of a section as RFC 9113 section 6.5.2 counts them, SETTINGS_MAX_HEADER_LIST_SIZE.
        `connects`: a stream may be asked to carry another protocol (RFC 8441)."""
        self.table = table
        self.connects = connects
        self.limit = limit
        self.head = Head.__new__(Head)
        self.head.begin_head(table, trusted)
        self.begin()

    def begin(self) -> None:
        """The next block begins."""
        request = Request.__new__(Request)
        request.begin()
        request.version_major, request.version_minor = 2, 0
        self.request = request
        # Finished pairs as ASGI has them: nothing is left to make of a field that has come before.
        self.octets = request.octets = [] if self.connects else None
        self.head.forget()
        self.error: HTTPError | None = None
        self.scheme: str | None = None
        self.protocol: str | None = None
        # Whether a Host has come, with or without `:authority`.
        self.has_host = False
        # Set behind the pseudo-header fields.
        self.others = False
        self.count = 0
        self.size = 0
        # Where the cookie stands among the fields, and what it is made of, when that is more than one piece.
        self.cookie_at = -1
        self.crumbs: list[str] | None = None

    def take(self, field: Field) -> None:
        self.size += field.size
        if self.error is not None:
            return
        if field.kind == ORDINARY:
            self._count(field)
            self._keep(field)
            return
        try:
            self._special(field)
        except HTTPError as error:
            self.error = error

    def _keep(self, field: Field) -> None:
        self.request.fields.append(field.pair)
        if self.octets is not None:
            self.octets.append(field.octets)

    def _count(self, field: Field) -> None:
        self.others = True
        self.count += 1
        if self.count > self.table.field_limit:
            self.error = LimitRequestHeaders(f"over {self.table.field_limit} fields")
        limit = self.table.size_limit
        if limit and field.size - OVERHEAD > limit:
            self.error = LimitRequestHeaders(f"a field of over {limit} bytes")

    def _special(self, field: Field) -> None:
        kind = field.kind
        if kind == MALFORMED:
            raise Malformed(field.fault)
        if kind >= METHOD:
            self._pseudo(field)
        elif kind == COOKIE:
            self._cookie(field)
        elif kind in (PRIORITY, TE):
            self._count(field)
            if kind == TE:
                self.request.takes_trailers = True
            else:
                self.request.priority = field.text
            self._keep(field)
        else:
            self._count(field)
            name, value = field.pair
            if kind == HOST and self.request.host is not None:
                self._second_host(value)
            elif self.head.admits(name):
                self.has_host = self.has_host or kind == HOST
                self.head.interpret(self.request, name, value)
                self._keep(field)

    def _pseudo(self, field: Field) -> None:
        """Each stands at most once, and in front of all others."""
        request, kind, text = self.request, field.kind, field.text
        if self.others:
            raise Malformed("a pseudo-header field behind others")
        if kind == METHOD and not request.method:
            request.method = "GET" if text == "GET" else self.head.method_of(text)
        elif kind == PATH and not request.uri:
            request.uri = text
            request.path, request.query = field.path, field.query
        elif kind == AUTHORITY and request.host is None:
            if not self.table.is_host(text):
                raise InvalidHost(text[:SHOWN])
            request.host = text
            self.count = 1
            self._keep(field)
        elif kind == URI_SCHEME and self.scheme is None:
            self.scheme = text
        elif kind == PROTOCOL and self.protocol is None:
            self.protocol = text
        else:
            raise Malformed("a pseudo-header field twice")

    def _second_host(self, value: str) -> None:
        """A Host beside `:authority` says the same, or the request is two (RFC 9113 section 8.3.1)."""
        if self.has_host or not is_same_host(self.request.host, value, self.scheme):
            raise InvalidHost(value[:SHOWN])
        self.has_host = True

    def _cookie(self, field: Field) -> None:
        if self.cookie_at < 0:
            self.cookie_at = len(self.request.fields)
            self._count(field)
            self._keep(field)
            return
        if self.crumbs is None:
            self.crumbs = [self.request.fields[self.cookie_at][1]]
        self.crumbs.append(field.text)
        if len(self.crumbs) > CRUMBS * self.table.field_limit:
            raise LimitRequestHeaders(f"a cookie of over {CRUMBS * self.table.field_limit} pieces")

    def finish(self, ended: bool) -> Request:
        """The request of a whole block; `ended`: there is no content. Raises `HTTPError`."""
        if self.size > self.limit:
            raise LimitRequestHeaders(f"over {self.limit} bytes of fields")
        if self.error is not None:
            raise self.error
        request = self.request
        request.forwarder_trusted = self.head.trusted
        if self.crumbs is not None:
            self._join_cookie(request, self.crumbs)
        self._check_target(request)
        limit = self.table.line_limit
        if limit and len(request.method) + len(request.uri) + 10 > limit:
            raise LimitRequestLine(len(request.method) + len(request.uri) + 10, limit)
        if not request.host:
            raise InvalidHost("neither :authority nor Host")
        if self.protocol is not None:
            self._check_protocol(request, self.protocol)
        elif not ended and not self.head.has_length:
            # As much as comes: the end of the stream tells.
            request.content_length = -1
        elif ended and request.content_length:
            raise Malformed("a length of content that does not come")
        self.head.check_length(request)
        return request

    def _check_protocol(self, request: Request, protocol: str) -> None:
        """A stream is asked for that carries another protocol: what comes on it is no content."""
        if not self.connects:
            raise UnsupportedMethod("CONNECT with :protocol")
        if protocol != "websocket":
            raise UnsupportedMethod(f"CONNECT with :protocol {protocol[:SHOWN]}")
        request.upgrade = protocol

    def _join_cookie(self, request: Request, crumbs: list[str]) -> None:
        name = request.fields[self.cookie_at][0]
        cookie = "; ".join(crumbs)
        limit = self.table.size_limit
        if limit and len(cookie) > limit:
            raise LimitRequestHeaders(f"a field of over {limit} bytes")
        request.fields[self.cookie_at] = (name, cookie)
        if request.octets is not None:
            request.octets[self.cookie_at] = (b"cookie", cookie.encode("latin-1"))

    def _check_target(self, request: Request) -> None:
        """Whether all pseudo-header fields are there that the method asks for, and go with it."""
        if not request.method:
            raise Malformed("no :method")
        if request.method == "CONNECT" and self.protocol is None:
            if request.uri or self.scheme is not None:
                raise Malformed("CONNECT with :path or :scheme")
            raise UnsupportedMethod("CONNECT without :protocol")
        if self.scheme is None or not request.uri:
            raise Malformed("no :scheme" if self.scheme is None else "no :path")
        if self.protocol is not None and request.method != "CONNECT":
            raise Malformed(":protocol with another method than CONNECT")
        if not request.uri.startswith("/") and (request.uri != "*" or request.method != "OPTIONS"):
            raise InvalidRequestLine(request.uri[:SHOWN])


class TrailerReader(Section):
    """The trailer section of a request (RFC 9113 section 8.1): fields that steer anything are no trailers."""

    __slots__ = ("count", "error", "fields", "limit", "most", "size")

    def __init__(self, table: FieldTable, limit: int) -> None:
        self.limit = limit
        self.most = table.field_limit
        self.fields: list[tuple[str, str]] = []
        self.error: HTTPError | None = None
        self.count = 0
        self.size = 0

    def take(self, field: Field) -> None:
        self.size += field.size
        self.count += 1
        if self.size > self.limit or self.count > self.most:
            self.error = LimitRequestHeaders("a trailer section that is too large")
        elif field.kind == MALFORMED or field.kind >= METHOD:
            self.error = Malformed(field.fault or "a pseudo-header field in the trailer section")
        elif field.kind == ORDINARY:
            name, value = field.pair
            self.fields.append((name.name, value))

    def finish(self) -> list[tuple[str, str]]:
        """The fields, as (NAME, value). Raises `HTTPError`."""
        if self.error is not None:
            raise self.error
        return self.fields


def is_same_host(authority: str | None, host: str, scheme: str | None) -> bool:
    """Whether both name the same host and port, which may be left out where it is the scheme's own."""
    if authority == host or authority is None:
        return authority == host
    port = _DEFAULT_PORTS.get(scheme or "", "")
    return authority.lower().removesuffix(port) == host.lower().removesuffix(port)
