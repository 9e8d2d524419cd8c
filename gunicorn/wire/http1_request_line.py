"""The request line (RFC 9112 sections 2.2 and 3), strict: method, target and version, behind one empty line at most."""

from __future__ import annotations

from gunicorn.http._octets import path_end, query_end, text, token_end
from gunicorn.http.errors import (
    HTTPError,
    InvalidHTTPVersion,
    InvalidRequestLine,
    LimitRequestLine,
    UnsupportedHTTPVersion,
)
from gunicorn.http.fields import FieldTable
from gunicorn.http.head import SHOWN, Head
from gunicorn.http.request import Request
from gunicorn.http.target import split_target

HTTP11 = b"HTTP/1.1\r\n"
HTTP10 = b"HTTP/1.0\r\n"


class RequestLineParser(Head):
    """Parses one request line after another, and begins a `request` with each. `data` was asked by the caller whether
    it has the octets from `start` to `end`."""

    __slots__ = ("leading_line",)

    def begin_request_line(self, table: FieldTable, trusted: bool) -> None:
        """This part of what `__init__` would do."""
        self.begin_head(table, trusted)
        # An empty line has come in front of it.
        self.leading_line = False

    def forget_line(self) -> None:
        """Forget the request: the next one begins."""
        self.forget()
        self.leading_line = False

    def request_line(self, data: bytes, start: int, end: int) -> int:
        """Take the request line if it is whole, and set `request`; the position behind what was taken."""
        view = data
        position = start
        if start < end and view[start] == 13:
            position = self._behind_empty_line(data, start, end)
            if position == start:
                return start
        method_end = token_end(data, position, end)
        if method_end >= end:
            return self._unfinished_line(position, end)
        if view[method_end] != 32 or method_end == position:
            raise self._bad_line(data, position, end)
        target_start = method_end + 1
        target_stop = path_stop = path_end(data, target_start, end)
        if target_stop < end and view[target_stop] == 63:
            target_stop = query_end(data, target_stop + 1, end)
        if target_stop >= end:
            return self._unfinished_line(position, end)
        if view[target_stop] != 32 or target_stop == target_start:
            raise self._bad_line(data, position, end)
        if self.table.line_limit and target_stop - position > self.table.line_limit:
            raise LimitRequestLine(target_stop - position, self.table.line_limit)
        version = target_stop + 1
        if version + 10 > end:
            return self._short_version(data, position, version, end)
        request = Request.__new__(Request)
        request.begin()
        if data.startswith(HTTP11, version):
            following = version + 10
        else:
            following = self._other_version(request, data, version, end)
        if self.table.line_limit and following - 2 - position > self.table.line_limit:
            raise LimitRequestLine(following - 2 - position, self.table.line_limit)
        self._name_resource(request, data, position, method_end, path_stop, target_stop)
        self.request = request
        return following

    def _name_resource(
        self, request: Request, data: bytes, start: int, method_end: int, path_stop: int, target_stop: int
    ) -> None:
        """Method and target, which are checked."""
        if method_end - start == 3 and data.startswith(b"GET", start):
            request.method = "GET"
        else:
            request.method = self.method_of(text(data, start, method_end))
        target_start = method_end + 1
        request.uri = text(data, target_start, target_stop)
        if data[target_start] != 47 or request.method == "CONNECT":
            split_target(request, self.table)
        elif path_stop == target_stop:
            request.path = request.uri
        else:
            request.path = text(data, target_start, path_stop)
            request.query = text(data, path_stop + 1, target_stop)

    def _behind_empty_line(self, data: bytes, start: int, end: int) -> int:
        """The position behind an empty line in front of the request line, of which one is forgiven (RFC 9112 section
        2.2); `start` where it is not whole yet."""
        if start + 1 >= end and not self.leading_line:
            return start
        is_followed = start + 2 < end and data[start + 2] == 13
        if self.leading_line or data[start + 1] != 10 or is_followed:
            raise InvalidRequestLine("empty")
        self.leading_line = True
        return start + 2

    def _short_version(self, data: bytes, position: int, version: int, end: int) -> int:
        """A request line with fewer octets behind its target than a version has."""
        stop = data.find(b"\n", version, end)
        if stop >= 0:
            raise InvalidHTTPVersion(text(data, version, min(stop, version + SHOWN)))
        return self._unfinished_line(position, end)

    def _unfinished_line(self, position: int, end: int) -> int:
        limit = self.table.line_limit
        if limit and end - position > limit + 2:
            raise LimitRequestLine(end - position, limit)
        return position

    def _bad_line(self, data: bytes, position: int, end: int) -> HTTPError:
        """What to say of a request line with something in it that cannot be there."""
        stop = data.find(b"\n", position, end)
        stop = end if stop < 0 else stop
        limit = self.table.line_limit
        if limit and stop - position > limit + 2:
            return LimitRequestLine(stop - position, limit)
        return InvalidRequestLine(text(data, position, min(stop, position + SHOWN)))

    def _other_version(self, request: Request, data: bytes, start: int, end: int) -> int:
        """Anything but HTTP/1.1: HTTP/1.0, or what `permit_unconventional_http_version` lets in."""
        if data.startswith(HTTP10, start):
            request.version_minor = 0
            return start + 10
        octets = data[start:start + 10]
        if not octets.startswith(b"HTTP/") or octets[6:7] != b"." or octets[8:] != b"\r\n" \
                or not octets[5:6].isdigit() or not octets[7:8].isdigit():
            raise InvalidHTTPVersion(str(octets, "latin-1"))
        request.version_major, request.version_minor = octets[5] - 48, octets[7] - 48
        if not self.table.limits.permit_unconventional_http_version:
            raise UnsupportedHTTPVersion(str(octets[:8], "latin-1"))
        return start + 10
