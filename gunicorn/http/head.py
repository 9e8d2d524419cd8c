"""What the fields of a request's head mean, whatever version of HTTP they have come by (RFC 9110).

One place for what must be the same everywhere: a request that a second version let past these checks would be the way
round them.
"""

from __future__ import annotations

from .errors import (
    ExpectationFailed,
    InvalidHeader,
    InvalidHost,
    InvalidRequestMethod,
    InvalidSchemeHeaders,
    LimitRequestBody,
)
from .fields import (
    AMBIGUOUS,
    CONTENT_LENGTH,
    EXPECT,
    FORWARDER,
    HOST,
    QUEUE_TIME,
    SCHEME,
    SINGLETON,
    FieldName,
    FieldTable,
)
from .request import Request

# A message whose length has more digits than this would not fit the machine's integers; it is too large anyhow.
LENGTH_DIGITS = 18
# What is wrong says at most this much of itself in an error, which may end in a log.
SHOWN = 80


class Head:
    """One head after another; `request` is the one begun. A driver's reader of heads adds what its version has."""

    __slots__ = ("has_length", "request", "singletons", "table", "trusted")

    def begin_head(self, table: FieldTable, trusted: bool) -> None:
        """What `__init__` would do. `trusted`: what the peer says of its clients is believed."""
        self.table = table
        self.trusted = trusted
        self.forget()

    def forget(self) -> None:
        """Make ready for the next head."""
        self.request: Request | None = None
        # Names of which there may be one, as far as they have come.
        self.singletons: list[str] | None = None
        self.has_length = False

    def method_of(self, method: str) -> str:
        """Check a method other than GET against convention (letters of one case, 3 to 20 of them)."""
        limits = self.table.limits
        one_case = method == method.upper() or limits.casefold_http_method
        conventional = 3 <= len(method) <= 20 and "#" not in method and one_case
        if not conventional and not limits.permit_unconventional_http_method:
            raise InvalidRequestMethod(method[:SHOWN])
        return method.upper() if limits.casefold_http_method else method

    def admits(self, field: FieldName) -> bool:
        """Whether a field that is not ORDINARY reaches the application. Raises `InvalidHeaderName` as `table` does."""
        kind = field.kind
        shared = kind in (AMBIGUOUS, FORWARDER) or (kind == SCHEME and "_" in field.name)
        return not shared or self.table.admits(field, self.trusted)

    def interpret(self, request: Request | None, field: FieldName, value: str) -> None:
        """A field that steers framing or routing. Raises `HTTPError`."""
        if request is None:
            raise ValueError("no request was begun")
        kind = field.kind
        if kind == HOST:
            if request.host is not None or not self.table.is_host(value):
                raise InvalidHost(value[:SHOWN])
            request.host = value
        elif kind == CONTENT_LENGTH:
            self._take_length(request, value)
        elif kind == EXPECT:
            _expect(request, value)
        elif kind == SINGLETON:
            self._once(field)
        elif self.trusted:
            _believe(request, field, value)

    def _take_length(self, request: Request, value: str) -> None:
        if self.has_length:
            raise InvalidHeader("CONTENT-LENGTH")
        self.has_length = True
        request.content_length = length_of(value)

    def _once(self, field: FieldName) -> None:
        if self.singletons is None:
            self.singletons = []
        if field.name in self.singletons:
            raise InvalidHeader(field.name)
        self.singletons.append(field.name)

    def check_length(self, request: Request) -> None:
        """Raises `LimitRequestBody` when the body is said to be larger than `limit_request_body`."""
        limit = self.table.body_limit
        if limit and request.content_length > limit:
            raise LimitRequestBody(request.content_length)


def length_of(value: str) -> int:
    """Content-Length = 1*DIGIT (RFC 9110 section 8.6)."""
    if not (value.isascii() and value.isdigit()):
        raise InvalidHeader("CONTENT-LENGTH")
    if len(value) > LENGTH_DIGITS:
        raise LimitRequestBody(value[:SHOWN])
    return int(value)


def _expect(request: Request, value: str) -> None:
    """RFC 9110 section 10.1.1 knows one expectation."""
    if value.lower() != "100-continue":
        raise ExpectationFailed(value[:SHOWN])
    request.expect_continue = True


def _believe(request: Request, field: FieldName, value: str) -> None:
    """What a trusted proxy tells of its client's request."""
    kind = field.kind
    if kind == SCHEME:
        _scheme(request, field, value)
    elif kind == QUEUE_TIME:
        request.starts += 1
    elif kind == FORWARDER and field.name == "SCRIPT_NAME":
        _script_name(request, value)


def _scheme(request: Request, field: FieldName, value: str) -> None:
    """A trusted proxy tells the scheme; two that disagree are an attack or a broken proxy."""
    scheme = "https" if value == field.scheme else "http"
    if request.scheme is not None and request.scheme != scheme:
        raise InvalidSchemeHeaders(field.name)
    request.scheme = scheme


def _script_name(request: Request, value: str) -> None:
    """A trusted proxy tells below which path the application is: one path, in full."""
    if request.script_name is not None or (value and not value.startswith("/")):
        raise InvalidHeader("SCRIPT_NAME")
    request.script_name = value.rstrip("/")
