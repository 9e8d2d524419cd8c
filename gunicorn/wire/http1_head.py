"""The head of a request: request line and field section (RFC 9112 sections 2 to 5), strict.

Strategy: the parser eats whole lines and remembers what it has made of them, so a head that trickles in is read once
and only its last, unfinished line is kept. What is wrong is said as soon as it is seen, without waiting for the end
of the line. Characters are judged by the span functions alone; this file only knows the order of things.

Fields whose value steers the parser ("special" ones) are interpreted as they come; where folded lines are permitted,
when the head is complete, because a line that follows may still lengthen them.
"""

from __future__ import annotations

from gunicorn.http._octets import is_at, octets, path_end, query_end, text, text_again, token_end, value_end
from gunicorn.http.errors import (
    HTTPError,
    InvalidHeader,
    InvalidHeaderName,
    InvalidHost,
    InvalidHTTPVersion,
    InvalidRequestLine,
    LimitRequestHeaders,
    LimitRequestLine,
    ObsoleteFolding,
    UnsupportedHTTPVersion,
    UnsupportedTransferCoding,
)
from gunicorn.http.fields import (
    CONNECTION,
    LONGEST_REMEMBERED,
    LONGEST_VALUE,
    ORDINARY,
    TRANSFER_ENCODING,
    UPGRADE,
    FieldName,
    FieldTable,
)
from gunicorn.http.head import SHOWN, Head
from gunicorn.http.request import Request
from gunicorn.http.target import split_target

HTTP11 = b"HTTP/1.1\r\n"
HTTP10 = b"HTTP/1.0\r\n"
_KNOWN_CODINGS = frozenset({"chunked", "gzip", "x-gzip", "deflate", "compress", "x-compress"})


class HeadParser(Head):
    """Parses one head after another; `request` is the one begun, `complete` tells that its head has ended."""

    __slots__ = (
        "codings", "complete", "count", "folds", "interprets", "keep_alive", "leading_line", "previous", "taken",
    )

    def __init__(self, table: FieldTable, trusted: bool) -> None:
        self.begin(table, trusted)

    def begin(self, table: FieldTable, trusted: bool) -> None:
        """What `__init__` does, for an object made by `__new__`, which is a plain allocation when compiled."""
        self.begin_head(table, trusted)
        # Off for a trailer section: nothing there may steer anything.
        self.interprets = True
        self.codings: str | None = None
        self.keep_alive = False
        self.complete = False
        self.leading_line = False
        self.folds = False
        self.count = 0
        # Octets of the field lines so far.
        self.taken = 0
        # The field before the next one.
        self.previous = table.origin

    def begin_section(self) -> None:
        """A field section that stands alone: a trailer."""
        self.request = Request()

    def reset(self) -> None:
        """Forget the request and begin the next."""
        self.forget()
        self.complete = False
        self.leading_line = False
        self.folds = False
        self.count = self.taken = 0
        self.previous = self.table.origin
        self.codings = None
        self.keep_alive = False

    def parse(self, data: bytes, start: int, end: int) -> int:
        """Take whole lines of `data[start:end]`; the position behind the last one taken.

        Sets `complete` behind the empty line that ends the head. Raises `HTTPError`, and `ValueError` for bounds that
        are none.
        """
        check_part(data, start, end)
        position = start
        if self.request is None:
            position = self._request_line(data, start, end)
            if self.request is None:
                return position
        return self._field_lines(data, position, end)

    def parse_fields(self, data: bytes, start: int, end: int) -> int:
        """Take whole field lines up to and with the empty one; as `parse`. Serves trailer sections too."""
        check_part(data, start, end)
        return self._field_lines(data, start, end)

    def _field_lines(self, data: bytes, start: int, end: int) -> int:
        view = data
        table = self.table
        request = self.request
        if request is None:
            raise ValueError("no request was begun")
        fields = request.fields
        position = start
        while position < end:
            # The empty line at the end needs no search for a token.
            name_end = position if view[position] == 13 else token_end(data, position, end)
            if name_end >= end:
                break
            if view[name_end] != 58 or name_end == position:
                following = self._odd_line(data, position, name_end, end)
                if self.complete:
                    self.taken += following - start
                    if table.head_limit and self.taken > table.head_limit:
                        raise LimitRequestHeaders(f"over {table.head_limit} bytes of fields")
                    return following
                if following < 0:
                    break
                position = following
                continue
            value_start = name_end + 1
            while value_start < end and (view[value_start] == 32 or view[value_start] == 9):
                value_start += 1
            value_stop = value_end(data, value_start, end)
            if value_stop + 1 >= end:
                if value_stop < end and view[value_stop] != 13:
                    raise self._bad_value(data, position, name_end, value_stop)
                break
            if view[value_stop] != 13 or view[value_stop + 1] != 10:
                raise self._bad_value(data, position, name_end, value_stop)
            following = value_stop + 2
            while value_stop > value_start and (view[value_stop - 1] == 32 or view[value_stop - 1] == 9):
                value_stop -= 1
            if table.size_limit and value_stop - position > table.size_limit:
                raise LimitRequestHeaders(f"a field of over {table.size_limit} bytes")
            field = self._name(data, position, name_end)
            if value_stop - value_start > LONGEST_VALUE:
                value = text(data, value_start, value_stop)
            else:
                value = field.recent = text_again(field.recent, data, value_start, value_stop)
            self.count += 1
            if self.count > table.field_limit:
                raise LimitRequestHeaders(f"over {table.field_limit} fields")
            if field.kind == ORDINARY or self._special(field, value):
                fields.append((field, value))
                self.folds = True
            else:
                self.folds = False
            position = following
        if table.size_limit and end - position > table.size_limit + 2:
            raise LimitRequestHeaders(f"a field of over {table.size_limit} bytes")
        self.taken += position - start
        if table.head_limit and self.taken + end - position > table.head_limit:
            raise LimitRequestHeaders(f"over {table.head_limit} bytes of fields")
        return position

    def _name(self, data: bytes, start: int, end: int) -> FieldName:
        """The name of a field: most often the one that followed the name before it the last time, too."""
        previous = self.previous
        field = previous.follower
        if field is None or not is_at(field.raw, data, start, end):
            raw = octets(data, start, end)
            field = self.table.names.get(raw)
            if field is None:
                field = self.table.learn(raw)
            if end - start <= LONGEST_REMEMBERED:
                previous.follower = field
        self.previous = field
        return field

    def _request_line(self, data: bytes, start: int, end: int) -> int:
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
        target_stop = mark = path_end(data, target_start, end)
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
        if method_end - position == 3 and data.startswith(b"GET", position):
            request.method = "GET"
        else:
            request.method = self.method_of(text(data, position, method_end))
        uri = text(data, target_start, target_stop)
        request.uri = uri
        if view[target_start] == 47 and request.method != "CONNECT":
            if mark == target_stop:
                request.path = uri
            else:
                request.path = text(data, target_start, mark)
                request.query = text(data, mark + 1, target_stop)
        else:
            split_target(request, self.table)
        self.request = request
        return following

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

    def _odd_line(self, data: bytes, position: int, name_end: int, end: int) -> int:
        """A line that is no `token:`; the position behind it, -1 when more octets are needed.

        The end of the head, a folded line, or a space before the colon; anything else raises.
        """
        first = data[position]
        if first == 13:
            if position + 1 >= end:
                return -1
            if data[position + 1] != 10:
                raise InvalidHeader("a bare CR")
            self.complete = True
            return position + 2
        if first == 32 or first == 9:
            return self._folded(data, position, end)
        octet = data[name_end]
        if octet in b" \t" and name_end > position and self.table.limits.strip_header_spaces:
            return self._spaced(data, position, name_end, end)
        raise InvalidHeaderName(text(data, position, min(end, name_end + 1, position + SHOWN)))

    def _folded(self, data: bytes, position: int, end: int) -> int:
        """A line that begins with white space goes on with the field before it (RFC 9112 section 5.2)."""
        request = self.request
        if request is None:
            raise ValueError("no request was begun")
        if not self.table.limits.permit_obsolete_folding or self.count == 0:
            raise ObsoleteFolding(text(data, position, min(end, position + SHOWN)))
        stop = value_end(data, position, end)
        if stop + 1 >= end and (stop == end or data[stop] == 13):
            return -1
        if data[stop] != 13 or data[stop + 1] != 10:
            raise InvalidHeader("an octet that is not allowed in a field")
        if self.folds:
            # Never an index from the end: the compiled form is built without them.
            last = len(request.fields) - 1
            field, value = request.fields[last]
            value = (value + " " + text(data, position, stop).strip(" \t")).strip(" \t")
            if self.table.size_limit and len(value) > self.table.size_limit:
                raise LimitRequestHeaders(f"a field of over {self.table.size_limit} bytes")
            request.fields[last] = (field, value)
        return stop + 2

    def _spaced(self, data: bytes, position: int, name_end: int, end: int) -> int:
        """`Name : value`, forgiven by `strip_header_spaces`: read it as if the space were not there."""
        stop = data.find(b"\n", position, end)
        if stop < 0:
            return -1
        rest = data[name_end:stop + 1].lstrip(b" \t")
        if not rest.startswith(b":"):
            raise InvalidHeaderName(text(data, position, min(end, position + SHOWN)))
        line = data[position:name_end] + rest
        taken = self.taken
        self._field_lines(line, 0, len(line))
        # Its octets are counted by who called.
        self.taken = taken
        return stop + 1

    def _bad_value(self, data: bytes, position: int, name_end: int, stop: int) -> HTTPError:
        name = text(data, position, name_end)
        return InvalidHeader(f"{name} holds an octet that is not allowed in a field, {data[stop]:#04x}")

    def _special(self, field: FieldName, value: str) -> bool:
        """Interpret a field, now or in `finish`; False when it must not reach the application."""
        if not self.admits(field):
            return False
        if self.interprets and not self.table.folding:
            self._interpret(self.request, field, value)
        return True

    def finish(self) -> Request:
        """Interpret the special fields of a complete head: framing, host, persistence, scheme. Raises `HTTPError`."""
        request = self.request
        if request is None:
            raise ValueError("no request was begun")
        request.forwarder_trusted = self.trusted
        if self.table.folding:
            for field, value in request.fields:
                if field.kind != ORDINARY:
                    self._interpret(request, field, value)
        if not request.close and request.version_minor == 0 and request.version_major == 1 and not self.keep_alive:
            request.close = True
        if request.method == "CONNECT":
            # What follows a successful CONNECT is a tunnel, not a request.
            request.close = True
        if request.host is None and request.version_minor >= 1 and not self.table.limits.permit_missing_host:
            raise InvalidHost("missing; set permit_missing_host to serve health checks that send none")
        if self.codings is not None:
            _chunked(request, self.codings, self.has_length)
        elif request.content_length:
            self.check_length(request)
        if request.version_minor == 0:
            # A client of HTTP/1.0 knows no interim response (RFC 9110 section 10.1.1).
            request.expect_continue = False
        return request

    def _connection(self, request: Request, value: str) -> None:
        """RFC 9112 section 9.3: `close` wins; `keep-alive` matters to HTTP/1.0 alone."""
        if value == "keep-alive":
            self.keep_alive = True
            return
        if value == "close":
            request.close = True
            return
        members = tokens(value)
        if "close" in members:
            request.close = True
        elif "keep-alive" in members:
            self.keep_alive = True

    def _interpret(self, request: Request | None, field: FieldName, value: str) -> None:
        """A field that steers framing, routing or persistence. Raises `HTTPError`."""
        if request is None:
            raise ValueError("no request was begun")
        kind = field.kind
        if kind == CONNECTION:
            self._connection(request, value)
        elif kind == TRANSFER_ENCODING:
            self.codings = value if self.codings is None else self.codings + "," + value
        elif kind == UPGRADE:
            request.upgrade = value if request.upgrade is None else request.upgrade + ", " + value
        else:
            self.interpret(request, field, value)


def check_part(data: bytes, start: int, end: int) -> None:
    """Raises `ValueError` when `start` and `end` are no bounds of a part of `data`.

    The loops over octets read memory by address: whoever hands octets in is asked once whether they are there.
    """
    if type(data) is not bytes:
        raise TypeError(f"bytes are needed, not {type(data).__name__}")
    if start < 0 or end < start or end > len(data):
        raise ValueError("not a part of the octets")


def tokens(value: str) -> list[str]:
    """The members of a comma-separated list in lower case; empty ones do not count (RFC 9110 section 5.6.1.2)."""
    return [member for part in value.split(",") if (member := part.strip(" \t").lower())]


def _chunked(request: Request, value: str, has_length: bool) -> None:
    """Transfer-Encoding: `chunked`, alone and in HTTP/1.1 without Content-Length (RFC 9112 sections 6.1 and 6.3)."""
    codings = tokens(value)
    if not codings or has_length or request.version_minor == 0:
        raise InvalidHeader("TRANSFER-ENCODING")
    if codings != ["chunked"]:
        unknown = [coding for coding in codings if coding not in _KNOWN_CODINGS]
        if not unknown and (codings[len(codings) - 1] != "chunked" or codings.count("chunked") > 1):
            raise InvalidHeader("TRANSFER-ENCODING")
        raise UnsupportedTransferCoding(", ".join(codings)[:SHOWN])
    request.chunked = True
    request.content_length = -1
