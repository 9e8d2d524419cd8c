"""The request line (RFC 9112 sections 2.2 and 3), strict: method, target and version, behind one empty line at most."""

from __future__ import annotations

import re

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
_VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]\r\n").fullmatch


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
        position = start
        if start < end and data[start] == 13:
            position = self._behind_empty_line(data, start, end)
            if position == start:
                return start
        method_end = token_end(data, position, end)
        if method_end >= end:
            return self._unfinished_line(position, end)
        if not _is_word(data, position, method_end):
            raise self._bad_line(data, position, end)
        path_stop = path_end(data, method_end + 1, end)
        target_stop = _target_end(data, path_stop, end)
        if target_stop >= end:
            return self._unfinished_line(position, end)
        if not _is_word(data, method_end + 1, target_stop):
            raise self._bad_line(data, position, end)
        version = target_stop + 1
        following = version + 10
        if following > end:
            return self._short_version(data, position, version, end)
        self._heed_limit(following - 2 - position)
        request = Request.__new__(Request)
        request.begin()
        if not data.startswith(HTTP11, version):
            self._take_version(request, data, version)
        self._name_resource(request, data, position, method_end, path_stop, target_stop)
        self.request = request
        return following

    def _heed_limit(self, length: int) -> None:
        """Of a line, or what has come of it, without its end. Raises `LimitRequestLine`."""
        limit = self.table.line_limit
        if limit and length > limit:
            raise LimitRequestLine(length, limit)

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
        self._heed_limit(version - 1 - position)
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

    def _take_version(self, request: Request, data: bytes, start: int) -> None:
        """Any but HTTP/1.1: HTTP/1.0, or what `permit_unconventional_http_version` lets in. Raises `HTTPError`."""
        octets = data[start:start + 10]
        if octets == HTTP10:
            request.version_minor = 0
            return
        if _VERSION(octets) is None:
            raise InvalidHTTPVersion(str(octets, "latin-1"))
        request.version_major, request.version_minor = octets[5] - 48, octets[7] - 48
        if not self.table.limits.permit_unconventional_http_version:
            raise UnsupportedHTTPVersion(str(octets[:8], "latin-1"))


def _target_end(data: bytes, path_stop: int, end: int) -> int:
    """Where a target ends whose path ends at `path_stop`: there, or behind its query."""
    if path_stop < end and data[path_stop] == 63:
        return query_end(data, path_stop + 1, end)
    return path_stop


def _is_word(data: bytes, start: int, stop: int) -> bool:
    """Whether something stands in front of `stop`, and the one space there that may follow it."""
    return stop > start and data[stop] == 32
