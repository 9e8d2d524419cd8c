"""A head that Tornado has parsed, as a request of ours, judged by our own parser."""

from __future__ import annotations

from tornado.httputil import HTTPHeaders, RequestStartLine

from gunicorn.http.errors import InvalidRequestLine
from gunicorn.http.fields import ORDINARY, FieldName, FieldTable
from gunicorn.http.request import Request
from gunicorn.wire.http1_head import HeadParser

__all__ = ["read_again", "request_of"]


def request_of(start_line: RequestStartLine, headers: HTTPHeaders) -> Request:
    """A request as Tornado has parsed it, as one of ours."""
    request = Request()
    request.method, request.uri = start_line.method, start_line.path
    request.path, _, request.query = start_line.path.partition("?")
    request.version_minor = 0 if start_line.version == "HTTP/1.0" else 1
    request.fields = [(FieldName(name.encode("latin-1"), ORDINARY, ""), value) for name, value in headers.get_all()]
    request.host = headers.get("Host")
    length = headers.get("Content-Length", "")
    request.content_length = int(length) if length.isascii() and length.isdigit() else 0
    return request


def read_again(table: FieldTable, request: Request) -> Request:
    """Have our own parser judge what Tornado's has let in: its request has the fields that `header_map` leaves.

    Raises `HTTPError`: what is refused is the same in every worker type.
    """
    lines = [f"{request.method} {request.uri} HTTP/1.{request.version_minor}"]
    lines += [f"{str(field.raw, 'latin-1')}: {value}" for field, value in request.fields]
    try:
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    except UnicodeEncodeError:
        raise InvalidRequestLine("characters outside of Latin-1") from None
    parser = HeadParser(table, request.forwarder_trusted)
    if parser.parse(head, 0, len(head)) < len(head) or not parser.complete:
        raise InvalidRequestLine("more than a head")
    return parser.finish()
