"""The head of a request: its field section behind the request line (RFC 9112 sections 2 and 5), strict.

Strategy: the parser eats whole lines and remembers what it has made of them, so a head that trickles in is read once
and only its last, unfinished line is kept. What is wrong is said as soon as it is seen, without waiting for the end
of the line. Characters are judged by the span functions alone; this file only knows the order of things.

Fields whose value steers the parser ("special" ones) are interpreted as they come; where folded lines are permitted,
when the head is complete, because a line that follows may still lengthen them.
"""

from __future__ import annotations

from gunicorn.http._octets import is_at, octets, text, text_again, token_end, value_end
from gunicorn.http.errors import (
    InvalidHeader,
    InvalidHeaderName,
    InvalidHost,
    LimitRequestHeaders,
    ObsoleteFolding,
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
from gunicorn.http.head import SHOWN
from gunicorn.http.request import Request

from .http1_request_line import RequestLineParser

_KNOWN_CODINGS = frozenset({"chunked", "gzip", "x-gzip", "deflate", "compress", "x-compress"})


class HeadParser(RequestLineParser):
    """Parses one head after another; `request` is the one begun, `complete` tells that its head has ended."""

    __slots__ = ("codings", "complete", "count", "folds", "interprets", "keep_alive", "previous", "taken")

    def __init__(self, table: FieldTable, trusted: bool) -> None:
        self.begin(table, trusted)

    def begin(self, table: FieldTable, trusted: bool) -> None:
        """What `__init__` does, for an object made by `__new__`, which is a plain allocation when compiled."""
        self.begin_request_line(table, trusted)
        # Off for a trailer section: nothing there may steer anything.
        self.interprets = True
        self.codings: str | None = None
        self.keep_alive = False
        self.complete = False
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
        self.forget_line()
        self.complete = False
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
            position = self.request_line(data, start, end)
            if self.request is None:
                return position
        return self._field_lines(data, position, end)

    def parse_fields(self, data: bytes, start: int, end: int) -> int:
        """Take whole field lines up to and with the empty one; as `parse`. Serves trailer sections too."""
        check_part(data, start, end)
        return self._field_lines(data, start, end)

    def _field_lines(self, data: bytes, start: int, end: int) -> int:
        view = data
        position = start
        while position < end and not self.complete:
            # The empty line at the end needs no search for a token.
            name_end = position if view[position] == 13 else token_end(data, position, end)
            if name_end >= end:
                break
            if view[name_end] != 58 or name_end == position:
                following = self._odd_line(data, position, name_end, end)
            else:
                stop = value_end(data, name_end + 1, end)
                following = stop + 2
                if following <= end and view[stop] == 13 and view[stop + 1] == 10:
                    self._take_field(data, position, name_end, stop)
                else:
                    following = self._odd_end(data, position, name_end, stop, end)
            if following < 0:
                break
            position = following
        self.taken += position - start
        self._heed_limits(0 if self.complete else end - position)
        return position

    def _heed_limits(self, unfinished: int) -> None:
        """`unfinished`: octets of a line that has not ended. Raises `LimitRequestHeaders`."""
        table = self.table
        if table.size_limit and unfinished > table.size_limit + 2:
            raise LimitRequestHeaders(f"a field of over {table.size_limit} bytes")
        if table.head_limit and self.taken + unfinished > table.head_limit:
            raise LimitRequestHeaders(f"over {table.head_limit} bytes of fields")

    def _take_field(self, data: bytes, start: int, name_end: int, stop: int) -> None:
        """The field line `data[start:stop]`, its name up to `name_end`. Raises `HTTPError`."""
        table = self.table
        request = self.request
        if request is None:
            raise ValueError("no request was begun")
        view = data
        value_start = _behind_blanks(view, name_end + 1, stop)
        value_stop = _before_blanks(view, value_start, stop)
        if table.size_limit and value_stop - start > table.size_limit:
            raise LimitRequestHeaders(f"a field of over {table.size_limit} bytes")
        # Most often the one that followed the field before it the last time, too.
        field = self.previous.follower
        if field is None or not is_at(field.raw, data, start, name_end):
            field = self._other_name(data, start, name_end)
        self.previous = field
        if value_stop - value_start > LONGEST_VALUE:
            value = text(data, value_start, value_stop)
        else:
            value = field.recent = text_again(field.recent, data, value_start, value_stop)
        self.count += 1
        if self.count > table.field_limit:
            raise LimitRequestHeaders(f"over {table.field_limit} fields")
        self.folds = field.kind == ORDINARY or self._special(field, value)
        if self.folds:
            request.fields.append((field, value))

    def _other_name(self, data: bytes, start: int, end: int) -> FieldName:
        """The name of a field, which is expected behind the one before it from now on."""
        raw = octets(data, start, end)
        field = self.table.names.get(raw)
        if field is None:
            field = self.table.learn(raw)
        if end - start <= LONGEST_REMEMBERED:
            self.previous.follower = field
        return field

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

    def _odd_end(self, data: bytes, start: int, name_end: int, stop: int, end: int) -> int:
        """No CRLF at `stop`, where a value has ended: -1 when more octets are needed, anything else raises."""
        if _is_cut(data, stop, end):
            return -1
        name = text(data, start, name_end)
        raise InvalidHeader(f"{name} holds an octet that is not allowed in a field, {data[stop]:#04x}")

    def _folded(self, data: bytes, position: int, end: int) -> int:
        """A line that begins with white space goes on with the field before it (RFC 9112 section 5.2)."""
        request = self.request
        if request is None:
            raise ValueError("no request was begun")
        if not self.table.limits.permit_obsolete_folding or self.count == 0:
            raise ObsoleteFolding(text(data, position, min(end, position + SHOWN)))
        stop = value_end(data, position, end)
        if _is_cut(data, stop, end):
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
            self._interpret_all(request)
        if request.host is None and request.version_minor >= 1 and not self.table.limits.permit_missing_host:
            raise InvalidHost("missing; set permit_missing_host to serve health checks that send none")
        if self.codings is not None:
            _chunked(request, self.codings, self.has_length)
        elif request.content_length:
            self.check_length(request)
        if request.version_minor == 0:
            _heed_old_version(request, self.keep_alive)
        if request.method == "CONNECT":
            # What follows a successful CONNECT is a tunnel, not a request.
            request.close = True
        return request

    def _interpret_all(self, request: Request) -> None:
        """Where lines may be folded: now that none can follow. Raises `HTTPError`."""
        for field, value in request.fields:
            if field.kind != ORDINARY:
                self._interpret(request, field, value)

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


def _behind_blanks(data: bytes, start: int, end: int) -> int:
    """The position behind the spaces and tabs at `start`."""
    position = start
    while position < end and (data[position] == 32 or data[position] == 9):
        position += 1
    return position


def _before_blanks(data: bytes, start: int, end: int) -> int:
    """The position of the spaces and tabs in front of `end`."""
    position = end
    while position > start and (data[position - 1] == 32 or data[position - 1] == 9):
        position -= 1
    return position


def _is_cut(data: bytes, stop: int, end: int) -> bool:
    """Whether more octets are needed to know what stands at `stop`, where a line should end."""
    return stop == end or (stop + 1 == end and data[stop] == 13)


def tokens(value: str) -> list[str]:
    """The members of a comma-separated list in lower case; empty ones do not count (RFC 9110 section 5.6.1.2)."""
    return [member for part in value.split(",") if (member := part.strip(" \t").lower())]


def _heed_old_version(request: Request, keep_alive: bool) -> None:
    """A client of HTTP/1.0 asks for a second request (RFC 9112 section 9.3), and knows no interim response (RFC 9110
    section 10.1.1)."""
    request.expect_continue = False
    if request.version_major == 1 and not keep_alive:
        request.close = True


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
