"""The head of a request, and its trailer section, as HTTP/2 sends them (RFC 9113 section 8.3, RFC 8441).

The decoder has read the whole of a block before its first field is looked at here: the table that it keeps is the next
request's as well, whatever is wrong with this one.
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

from ._http2 import octets_of, pairs_of
from .http2_fields import (
    AUTHORITY,
    COOKIE,
    MALFORMED,
    METHOD,
    OVERHEAD,
    PATH,
    PRIORITY,
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


class HeadReader:
    """Makes a request of the fields of one block after another; `request` is that of the last one."""

    __slots__ = (
        "connects", "cookie_at", "count", "crumbs", "dropped", "has_host", "head", "largest", "limit", "most", "others",
        "place", "protocol", "request", "scheme", "seen", "table",
    )

    def __init__(self, table: FieldTable, trusted: bool, limit: int, connects: bool = False) -> None:
        """`limit`: octets of a section as RFC 9113 section 6.5.2 counts them, SETTINGS_MAX_HEADER_LIST_SIZE.
        `connects`: a stream may be asked to carry another protocol (RFC 8441)."""
        self.table = table
        self.connects = connects
        self.limit = limit
        # So many fields, and so large the largest of them.
        self.most = table.field_limit
        self.largest = (table.size_limit or limit) + OVERHEAD
        self.head = Head.__new__(Head)
        self.head.begin_head(table, trusted)
        self._begin()

    def _begin(self) -> None:
        request = Request.__new__(Request)
        request.begin()
        request.version_major, request.version_minor = 2, 0
        self.request = request
        self.head.forget()
        self.scheme: str | None = None
        self.protocol: str | None = None
        # Whether a Host has come, with or without `:authority`.
        self.has_host = False
        # Which pseudo-header fields have come, a bit each.
        self.seen = 0
        # Set behind the pseudo-header fields.
        self.others = False
        self.count = 0
        # Where the reader is, and which fields no request has.
        self.place = 0
        self.dropped: list[int] | None = None
        # Where the cookie stands, and what it is made of, when that is more than one piece.
        self.cookie_at = -1
        self.crumbs: list[str] | None = None

    def read(self, fields: list[Field], size: int, ended: bool) -> Request:
        """The request that the fields of a block make; their list is the reader's from now on. `size`: that of the
        section; `ended`: there is no content. Raises `HTTPError`."""
        self._begin()
        try:
            self._look_at(fields)
            if self.crumbs is not None:
                self._join_cookie(fields, self.crumbs)
        except HTTPError:
            del fields[self.place:]
            if size <= self.limit:
                raise
        finally:
            self._give(fields)
        if size > self.limit:
            raise LimitRequestHeaders(f"over {self.limit} bytes of fields")
        return self._finish(ended)

    def _look_at(self, fields: list[Field]) -> None:
        for field in fields:
            if field.kind == ORDINARY or self._is_counted(field):
                self.others = True
                self.count += 1
                if self.count > self.most:
                    raise LimitRequestHeaders(f"over {self.most} fields")
                if field.size > self.largest:
                    raise LimitRequestHeaders(f"a field of over {self.largest - OVERHEAD} bytes")
            self.place += 1

    def _give(self, fields: list[Field]) -> None:
        """What a request has of its fields, and as octets, too, where ASGI is served: nothing is left to make of a
        field that has come before."""
        if self.dropped is not None:
            for place in reversed(self.dropped):
                # The last one may be gone already: with it something was wrong besides.
                if place < len(fields):
                    del fields[place]
        request = self.request
        request.fields = pairs_of(fields)
        if self.connects:
            request.octets = octets_of(fields)

    def _drop(self) -> None:
        if self.dropped is None:
            self.dropped = []
        self.dropped.append(self.place)

    def _is_counted(self, field: Field) -> bool:
        """Heed a field that has a meaning here; whether it is one of those of which there may be so many."""
        kind = field.kind
        if kind == MALFORMED:
            raise Malformed(field.fault)
        if kind >= METHOD:
            self._pseudo(field)
            return False
        if kind == COOKIE:
            return self._is_first_cookie(field)
        if kind == TE:
            self.request.takes_trailers = True
        elif kind == PRIORITY:
            self.request.priority = field.text
        else:
            self._steer(field)
        return True

    def _steer(self, field: Field) -> None:
        """A field that has a meaning in every version."""
        pair = field.pair
        if pair is None:
            return
        name, value = pair
        if field.kind == HOST and self.request.host is not None:
            self._second_host(value)
        elif self.head.admits(name):
            self.has_host = self.has_host or field.kind == HOST
            self.head.interpret(self.request, name, value)
        else:
            self._drop()

    def _pseudo(self, field: Field) -> None:
        """Each stands at most once, and in front of all others."""
        request, kind, text = self.request, field.kind, field.text
        if self.others:
            raise Malformed("a pseudo-header field behind others")
        mark = 1 << (kind - METHOD)
        if self.seen & mark:
            raise Malformed("a pseudo-header field twice")
        self.seen |= mark
        if kind == METHOD:
            request.method = "GET" if text == "GET" else self.head.method_of(text)
        elif kind == PATH:
            request.uri = text
            request.path, request.query = field.path, field.query
        elif kind == AUTHORITY:
            if not self.table.is_host(text):
                raise InvalidHost(text[:SHOWN])
            request.host = text
            # It counts as the Host that a request has of it.
            self.count = 1
        elif kind == URI_SCHEME:
            self.scheme = text
        else:
            self.protocol = text

    def _second_host(self, value: str) -> None:
        """A Host beside `:authority` says the same, or the request is two (RFC 9113 section 8.3.1)."""
        if self.has_host or not is_same_host(self.request.host, value, self.scheme):
            raise InvalidHost(value[:SHOWN])
        self.has_host = True
        self._drop()

    def _is_first_cookie(self, field: Field) -> bool:
        """Of the pieces of a cookie, which are one field."""
        if self.cookie_at < 0:
            self.cookie_at = self.place
            return True
        if self.crumbs is None:
            self.crumbs = []
        if len(self.crumbs) + 1 >= CRUMBS * self.most:
            raise LimitRequestHeaders(f"a cookie of over {CRUMBS * self.most} pieces")
        self.crumbs.append(field.text)
        self._drop()
        return False

    def _join_cookie(self, fields: list[Field], crumbs: list[str]) -> None:
        """One field of all pieces. Raises `HTTPError`."""
        cookie = "; ".join([fields[self.cookie_at].text, *crumbs])
        limit = self.table.size_limit
        if limit and len(cookie) > limit:
            raise LimitRequestHeaders(f"a field of over {limit} bytes")
        fields[self.cookie_at] = Field(b"cookie", cookie.encode("latin-1"), self.table)

    def _finish(self, ended: bool) -> Request:
        request = self.request
        request.forwarder_trusted = self.head.trusted
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

    def _check_target(self, request: Request) -> None:
        """Whether all pseudo-header fields are there that the method asks for, and go with it."""
        if not request.method:
            raise Malformed("no :method")
        if request.method == "CONNECT" and self.protocol is None:
            raise self._fault_of_tunnel(request)
        if self.scheme is None:
            raise Malformed("no :scheme")
        if not request.uri:
            raise Malformed("no :path")
        if self.protocol is not None and request.method != "CONNECT":
            raise Malformed(":protocol with another method than CONNECT")
        if not request.uri.startswith("/"):
            _check_asterisk(request)

    def _fault_of_tunnel(self, request: Request) -> HTTPError:
        """What is wrong with a CONNECT of the old kind, to a host and port: nobody here makes such a tunnel."""
        if request.uri or self.scheme is not None:
            return Malformed("CONNECT with :path or :scheme")
        return UnsupportedMethod("CONNECT without :protocol")


def trailers_of(fields: list[Field], size: int, table: FieldTable, limit: int) -> list[tuple[str, str]]:
    """The trailer section of a request (RFC 9113 section 8.1) as (NAME, value): fields that steer anything are left
    out. `size` and `limit`: its octets and the most of them. Raises `HTTPError`."""
    if size > limit or len(fields) > table.field_limit:
        raise LimitRequestHeaders("a trailer section that is too large")
    trailers: list[tuple[str, str]] = []
    for field in fields:
        if field.kind == MALFORMED or field.kind >= METHOD:
            raise Malformed(field.fault or "a pseudo-header field in the trailer section")
        if field.kind == ORDINARY and field.pair is not None:
            name, value = field.pair
            trailers.append((name.name, value))
    return trailers


def _check_asterisk(request: Request) -> None:
    """Raises `InvalidRequestLine` for a target that is no path, but for the `*` of OPTIONS."""
    if request.uri != "*" or request.method != "OPTIONS":
        raise InvalidRequestLine(request.uri[:SHOWN])


def is_same_host(authority: str | None, host: str, scheme: str | None) -> bool:
    """Whether both name the same host and port, which may be left out where it is the scheme's own."""
    if authority == host or authority is None:
        return authority == host
    port = _DEFAULT_PORTS.get(scheme or "", "")
    return authority.lower().removesuffix(port) == host.lower().removesuffix(port)
