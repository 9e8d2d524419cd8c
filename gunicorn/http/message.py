"""Names that hooks and workers of third parties import: requests over blocking sockets, and the limits of old.

Nobody in this package imports them; what serves knows the request of `gunicorn.http.request`.
"""

from __future__ import annotations

from gunicorn.blocking.body import Body, ChunkedReader, EOFReader, LengthReader
from gunicorn.blocking.request import (
    DEFAULT_MAX_HEADERFIELD_SIZE,
    MAX_HEADERS,
    MAX_REQUEST_LINE,
    METHOD_BADCHAR_RE,
    TOKEN_RE,
    VERSION_RE,
    Message,
    Request,
)
from gunicorn.util import bytes_to_str, split_request_uri

from .errors import (
    ExpectationFailed,
    ForbiddenProxyRequest,
    InvalidHeader,
    InvalidHeaderName,
    InvalidHTTPVersion,
    InvalidProxyHeader,
    InvalidProxyLine,
    InvalidRequestLine,
    InvalidRequestMethod,
    InvalidSchemeHeaders,
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
    ObsoleteFolding,
    UnsupportedTransferCoding,
)

__all__ = [
    "Body", "ChunkedReader", "DEFAULT_MAX_HEADERFIELD_SIZE", "EOFReader", "ExpectationFailed", "ForbiddenProxyRequest",
    "InvalidHTTPVersion", "InvalidHeader", "InvalidHeaderName", "InvalidProxyHeader", "InvalidProxyLine",
    "InvalidRequestLine", "InvalidRequestMethod", "InvalidSchemeHeaders", "LengthReader", "LimitRequestHeaders",
    "LimitRequestLine", "MAX_HEADERS", "MAX_REQUEST_LINE", "METHOD_BADCHAR_RE", "Message", "NoMoreData",
    "ObsoleteFolding", "Request", "TOKEN_RE", "UnsupportedTransferCoding", "VERSION_RE", "bytes_to_str",
    "split_request_uri",
]
