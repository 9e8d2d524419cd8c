"""What can be wrong with a message, each with the status that answers it.

The status lives on the exception, so there is one map from error to status and no worker type can have another.
Every exception that parsing raises is an `HTTPError`; anything else out of this package is a bug.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Of each error what it tells of has a name of old as well: the size, the field, the line.
_DETAIL: Any = property(lambda error: error.detail)


class HTTPError(Exception):
    """A message that cannot be served; `status` is the answer (RFC 9110 section 15).

    `title` is what the page of the answer says of it: fixed words, one set a class. `detail` may quote the message and
    is for the log alone, where it is escaped: an answer holds no octet of a request that was refused.
    """

    status = 400
    title = "Bad request"
    # Fields that the answer has besides the usual ones.
    fields: tuple[tuple[str, str], ...] = ()

    def __init__(self, detail: object = None) -> None:
        super().__init__(detail)
        self.detail = detail

    @property
    def code(self) -> int:
        """The status, as `status`."""
        return self.status

    def __str__(self) -> str:
        return self.title if self.detail is None else f"{self.title}: {self.detail!r}"


# The name under which hooks and third parties catch all of them.
ParseException = HTTPError


class NoMoreData(OSError):
    """The peer went away in the middle of a message."""

    def __init__(self, buf: object = None) -> None:
        super().__init__(f"No more data after: {buf!r}")
        self.buf = buf


class BodyBrokenOff(NoMoreData):
    """A request body that is read as it comes has broken off: for whoever reads it, and may want to answer itself.

    Why it has stands with the body; where the application does not catch this, that is what the client is told.
    """

    def __init__(self) -> None:
        OSError.__init__(self, "the request body is not complete, and no more of it will come")
        self.buf = None


class InternalError(HTTPError):
    """The request is fine, and something in here has failed (RFC 9110 section 15.6.1); the log tells what."""

    status = 500
    title = "Internal server error"


class ConfigurationProblem(HTTPError):
    """The request is fine, the server's settings cannot serve it."""

    status = 500
    title = "Configuration problem"
    info = _DETAIL


class InvalidRequestLine(HTTPError):
    """RFC 9112 section 3."""

    title = "Invalid request line"
    req = _DETAIL


class PlainRequest(InvalidRequestLine):
    """An HTTP request where a TLS handshake was expected; the client is a person's who has typed the wrong scheme."""

    title = "HTTP without TLS on a port for HTTPS"


class AnotherProtocol(InvalidRequestLine):
    """What has come is nothing of what is spoken on this port: `detail` says in our own words what it looks like."""

    title = "Another protocol than that of this port"

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}"


class InvalidVariables(HTTPError):
    """A request of uwsgi, SCGI or FastCGI whose variables, or their packing, make none (RFC 3875 section 4.1)."""

    title = "Invalid variables"


class InvalidRequestMethod(HTTPError):
    """RFC 9110 section 9.1, or a method that `permit_unconventional_http_method` would allow."""

    title = "Invalid request method"
    method = _DETAIL


class UnsupportedMethod(HTTPError):
    """A well-formed method that is not served here (RFC 9110 section 15.6.2)."""

    status = 501
    title = "Method not implemented"


class InvalidHTTPVersion(HTTPError):
    """RFC 9112 section 2.3: not an HTTP-version at all."""

    title = "Invalid HTTP version"
    version = _DETAIL


class UnsupportedHTTPVersion(InvalidHTTPVersion):
    """A well-formed version that is not spoken here (RFC 9110 section 15.6.6)."""

    status = 505
    title = "Unsupported HTTP version"


class HTTP2NotServed(UnsupportedHTTPVersion):
    """HTTP/2 where it may not begin: `detail` says why, in our own words."""

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}"


class LimitRequestLine(HTTPError):
    """`limit_request_line` (RFC 9110 section 15.5.15)."""

    status = 414
    title = "Request line too long"
    size = _DETAIL

    def __init__(self, size: object = None, max_size: object = None) -> None:
        super().__init__(size if max_size is None else f"{size} > {max_size}")
        self.max_size = max_size


class LimitRequestHeaders(HTTPError):
    """`limit_request_fields`, `limit_request_field_size`, `limit_request_head` (RFC 6585 section 5)."""

    status = 431
    title = "Request header fields too large"
    msg = _DETAIL


class LimitRequestBody(HTTPError):
    """The body is larger than the server takes (RFC 9110 section 15.5.14)."""

    status = 413
    title = "Request body too large"


class InvalidHeader(HTTPError):
    """A field whose value breaks RFC 9110 section 5.5 or the rules of that field."""

    title = "Invalid header"

    def __init__(self, hdr: object = None, req: object = None) -> None:
        super().__init__(hdr)
        self.hdr = hdr
        self.req = req


class InvalidHeaderName(HTTPError):
    """RFC 9110 section 5.1."""

    title = "Invalid header name"

    def __init__(self, hdr: object = None) -> None:
        super().__init__(hdr)
        self.hdr = hdr


class ObsoleteFolding(HTTPError):
    """A folded field line (RFC 9112 section 5.2) without `permit_obsolete_folding`."""

    title = "Obsolete line folding"
    hdr = _DETAIL


class InvalidHost(InvalidHeader):
    """Host missing, repeated or malformed (RFC 9112 section 3.2)."""

    title = "Invalid host"


class UnsupportedTransferCoding(HTTPError):
    """RFC 9112 section 6.1: a transfer coding that is not understood."""

    status = 501
    title = "Unsupported transfer coding"
    hdr = _DETAIL


class ExpectationFailed(HTTPError):
    """RFC 9110 section 10.1.1: anything but 100-continue."""

    status = 417
    title = "Expectation failed"
    expect = _DETAIL


class InvalidChunkSize(HTTPError):
    """RFC 9112 section 7.1."""

    title = "Invalid chunk size"
    data = _DETAIL


class InvalidChunkExtension(HTTPError):
    """RFC 9112 section 7.1.1."""

    title = "Invalid chunk extension"
    reason = _DETAIL


class ChunkMissingTerminator(HTTPError):
    """Chunk data that is not followed by CRLF."""

    title = "Invalid chunk terminator"
    term = _DETAIL


class InvalidSchemeHeaders(HTTPError):
    """Two of `secure_scheme_headers` say different things."""

    title = "Contradictory scheme headers"


class InvalidProxyLine(HTTPError):
    """PROXY protocol, version 1 (section 2.1 of its specification)."""

    title = "Invalid PROXY line"
    line = _DETAIL


class InvalidProxyHeader(HTTPError):
    """PROXY protocol, version 2 (section 2.2 of its specification)."""

    title = "Invalid PROXY header"
    msg = _DETAIL


class MissingProxyHeader(HTTPError):
    """A connection that does not begin with a PROXY header: a receiver must not guess (section 2)."""

    title = "PROXY header missing"


class ForbiddenProxyRequest(HTTPError):
    """A connection from a peer that `proxy_allow_ips` does not name, where the PROXY protocol is spoken."""

    status = 403
    title = "PROXY protocol from a peer that is not allowed"
    host = _DETAIL


class RequestTimeout(HTTPError):
    """The request did not arrive in time (RFC 9110 section 15.5.9)."""

    status = 408
    title = "Request timeout"


class LateBody(RequestTimeout):
    """The body of a request that is read as it comes has stopped coming."""

    def __init__(self) -> None:
        super().__init__("the body took too long to arrive")


class GatewayTimeout(HTTPError):
    """The application did not answer within `request_timeout` (RFC 9110 section 15.6.5)."""

    status = 504
    title = "Gateway timeout"


class Overloaded(HTTPError):
    """More than the server takes on now (RFC 9110 section 15.6.4)."""

    status = 503
    title = "Too busy"
    fields = (("Retry-After", "1"),)
    # Which limit it is, as it is counted.
    reason = "concurrency"


class WaitedTooLong(Overloaded):
    """A request that has waited for so long that nobody may wait for it any more."""

    reason = "queue_time"


class InsufficientStorage(HTTPError):
    """There is no place for the body of the request (RFC 4918 section 11.5)."""

    status = 507
    title = "No room for the body"


class Redirected(HTTPError):
    """Not served here but at `location` (RFC 9110 section 15.4.9)."""

    status = 308
    title = "Moved"

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.fields = (("Location", location),)


class Misdirected(HTTPError):
    """The host is not one that this connection was opened for (RFC 9110 section 15.5.20)."""

    status = 421
    title = "Misdirected request"


class InvalidH2CPreface(HTTPError):
    """HTTP/2 prior knowledge whose preface is not the one of RFC 9113 section 3.4."""

    title = "Invalid HTTP/2 preface"
    data = _DETAIL


class InvalidResponseHeader(InvalidHeader):
    """The application's response has a field value that must not go on the wire."""

    status = 500
    title = "Invalid response header"


class InvalidResponseHeaderName(InvalidHeaderName):
    """The application's response has a field name that is no token."""

    status = 500
    title = "Invalid response header name"


class InvalidResponseStatus(HTTPError):
    """The application's status is not `NNN reason` (PEP 3333)."""

    status = 500
    title = "Invalid response status"
