"""The head of a response to a server in front (RFC 3875 section 6), by uwsgi, SCGI or FastCGI.

Where the content ends is told by its length or by the end of the answer; never by chunks, nor is anything said of a
connection that ends or stays: the server in front passes on what it does not know.
"""

from __future__ import annotations

from gunicorn.http._octets import head_octets
from gunicorn.http.response_head import ResponseHead

from .http1_response import frame, settle_as

# What stands in front of the status, in the status line of a `Prefix` and in its place.
STATUS_LINE = b"HTTP/1.1 "
STATUS_FIELD = b"Status: "


def settle_for_cgi(head: ResponseHead) -> None:
    """As `http1_response.settle`. Raises AssertionError for a head without a status."""
    prefix = head.prefix
    if prefix is None:
        raise AssertionError("a response begins with a status")
    request = head.request
    # As to a client of HTTP/1.0, who knows no chunks either.
    settle_as(head, prefix.code, frame(request.method, 0, prefix.code, head.response_length))


def cgi_octets_of(head: ResponseHead, content: bytes, with_field: bool) -> bytes:
    """The octets of a head that was settled, and the first of the content; `with_field`: with a field Status instead of
    a status line. Raises AssertionError for one that was not settled."""
    prefix, length_line = head.prefix, head.length_line
    if prefix is None or length_line is None:
        raise AssertionError("the head was not settled")
    first = prefix.octets
    if with_field:
        first = STATUS_FIELD + first[len(STATUS_LINE):]
    return head_octets(first, head.fields, length_line, b"\r\n", content)
