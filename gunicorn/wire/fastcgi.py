"""FastCGI (the specification of 1996, version 1.0): records, of one request after the other on a connection.

A record is eight octets (version, type, request id, length of its content and of its padding) and content. A request
begins with BEGIN_REQUEST, its variables come in PARAMS and its content in STDIN, each ended by an empty record.
Requests may be mixed by the specification; no server does so, and a second one beside the first is told that it may
not. A request without content is told of when its STDIN has ended: nothing of it is to be read any more.
"""

from __future__ import annotations

from gunicorn.http.errors import HTTPError, InvalidHeader, InvalidVariables, LimitRequestBody, LimitRequestHeaders
from gunicorn.http.request import Request
from gunicorn.http.variables import VariableReader, VariableTable

from .looks import FASTCGI
from .packet import ITS_OWN, NOT_AT_ALL, CGIProtocol
from .protocol import BODY, COMPLETE, DATA, END, HEAD, NEED_DATA, REPLY, REQUEST, Protocol

VERSION = 1
HEADER = 8

# Types of records.
BEGIN_REQUEST = 1
ABORT_REQUEST = 2
END_REQUEST = 3
PARAMS = 4
STDIN = 5
STDOUT = 6
GET_VALUES = 9
GET_VALUES_RESULT = 10
UNKNOWN_TYPE = 11

RESPONDER = 1
KEEP_CONNECTION = 1

# What END_REQUEST says.
REQUEST_COMPLETE = 0
CANNOT_MULTIPLEX = 1
UNKNOWN_ROLE = 3

# The longest content of a record, in whole units of eight octets.
MOST_CONTENT = 65528
# So many octets of variables.
MOST_OCTETS = 1 << 20
# So many questions of the server itself, and other requests, on one connection, each of so many octets. Their answers
# cost a call each.
MOST_QUESTIONS = 16
LONGEST_QUESTION = 1024

# Ends of answers by the ids of their requests: servers use few of these, most of them one.
_ENDS: dict[int, bytes] = {}
MOST_ENDS = 64

# What a server may ask (section 4.1), and what it is told: one request after the other.
_VALUES = {b"FCGI_MPXS_CONNS": b"0"}

# Where the content of a record goes.
NOWHERE = 0
QUESTION = 1
VARIABLES = 2
CONTENT = 3

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(STDOUT=STDOUT, MOST_CONTENT=MOST_CONTENT)


class FastCGI(CGIProtocol):
    """The receiving side of a connection of FastCGI.

    `id` is that of the request under way, 0 without one; `kept`: the connection is to be kept behind it. `reply` is
    what a REPLY event has to say; `over`: behind that the connection ends.
    """

    __slots__ = (
        "goes", "id", "kept", "kind", "left", "number", "over", "padding", "params", "questions", "reply", "taken",
    )

    name = FASTCGI

    def begin(self, variables: VariableTable) -> None:
        CGIProtocol.begin(self, variables)
        self.id = 0
        self.kept = False
        # Of the record under way: its type and id, what is still to come of it, and where that goes.
        self.kind = self.number = 0
        self.left = self.padding = 0
        self.goes = NOWHERE
        self.questions = 0
        self.reply = b""
        self.over = False
        self._forget_request()

    def _forget_request(self) -> None:
        self.id = 0
        # Without an id there is no form for an answer.
        self.manner = NOT_AT_ALL
        # The variables, as long as they come.
        self.params: bytearray | None = None
        # Octets of the body so far.
        self.taken = 0

    def next_event(self) -> int:
        event = NEED_DATA
        while event == NEED_DATA and self.state != COMPLETE:
            end = len(self.buffer)
            if self.left:
                if end == self.position or (self.goes == QUESTION and end - self.position < self.left):
                    break
                event = self._take_content(end)
            elif self.padding:
                if not self._skip_padding(end):
                    break
            elif end - self.position >= HEADER:
                event = self._begin_record()
            else:
                if end > self.position and self.buffer[self.position] != VERSION:
                    raise self._no_record()
                break
        return event

    def _skip_padding(self, end: int) -> bool:
        """Whether some of it has come."""
        skipped = min(self.padding, end - self.position)
        self.position += skipped
        self.padding -= skipped
        return skipped > 0

    def _no_record(self) -> HTTPError:
        """What has come where a record should begin is none."""
        octet = self.buffer[self.position]
        if self.id or self.questions or self.number:
            return InvalidVariables(f"a record of version {octet}")
        return self.another(self.first_octets())

    # Records.

    def _begin_record(self) -> int:
        """The head of a record; an event, if it is whole with that."""
        data, position = self.buffer, self.position
        if data[position] != VERSION or data[position + 1] < BEGIN_REQUEST:
            raise self._no_record()
        self.kind = kind = data[position + 1]
        self.number = number = data[position + 2] << 8 | data[position + 3]
        self.left = data[position + 4] << 8 | data[position + 5]
        self.padding = data[position + 6]
        self.position = position + HEADER
        self.goes = NOWHERE
        if number == 0 or kind == BEGIN_REQUEST:
            return self._begin_question(kind)
        if number != self.id:
            # Of a request that is over, or was not taken on (section 4.3).
            return NEED_DATA
        if kind == PARAMS:
            return self._begin_variables()
        if kind == STDIN:
            return self._begin_content()
        if kind == ABORT_REQUEST:
            raise InvalidVariables("the request was aborted")
        raise InvalidVariables(f"a record of type {kind} within a request")

    def _take_content(self, end: int) -> int:
        """Content of a record has come, of a question all of it."""
        start = self.position
        stop = min(end, start + self.left)
        self.position = stop
        self.left -= stop - start
        goes = self.goes
        if goes == NOWHERE:
            return NEED_DATA
        data = self.buffer if start == 0 and stop == end else self.buffer[start:stop]
        if goes == CONTENT:
            return self._take_body(data)
        if goes == QUESTION:
            return self._answer(data)
        params = self.params
        if params is None:
            raise ValueError("no request was begun")
        params += data
        if len(params) > MOST_OCTETS:
            raise LimitRequestHeaders(f"over {MOST_OCTETS} bytes of variables")
        return NEED_DATA

    # The request.

    def _begin_request(self, data: bytes) -> int:
        role = data[0] << 8 | data[1]
        kept = bool(data[2] & KEEP_CONNECTION)
        if self.id:
            return self._reply(end_request(self.number, CANNOT_MULTIPLEX))
        if role != RESPONDER:
            self.over = not kept
            return self._reply(end_request(self.number, UNKNOWN_ROLE))
        self.id = self.number
        self.kept = kept
        self.manner = ITS_OWN
        self.params = bytearray()
        self.reader.begin_request()
        return NEED_DATA

    def _begin_variables(self) -> int:
        if self.params is None:
            raise InvalidVariables("PARAMS behind their end")
        if self.left:
            self.goes = VARIABLES
            return NEED_DATA
        data = bytes(self.params)
        self.params = None
        reader = self.reader
        read_pairs(data, reader)
        request = reader.finish(False)
        request.close = not self.kept
        self.request = request
        if not request.content_length:
            return NEED_DATA
        self.state = BODY
        return REQUEST

    def _begin_content(self) -> int:
        request = self.request
        if request is None:
            raise InvalidVariables("STDIN before the end of PARAMS")
        self.goes = CONTENT
        if self.state == BODY:
            return NEED_DATA if self.left else self._end_body(request)
        if not self.left:
            self.state = COMPLETE
        elif self.reader.has_length:
            raise InvalidHeader("CONTENT-LENGTH: more content than it says")
        else:
            # As much as comes. For an application it is as if it had come in chunks.
            request.content_length = -1
            request.chunked = True
            self.state = BODY
        return REQUEST

    def _take_body(self, data: bytes) -> int:
        request = self.request
        if request is None:
            raise ValueError("no request has come")
        self.taken += len(data)
        if 0 <= request.content_length < self.taken:
            raise InvalidHeader("CONTENT-LENGTH: more content than it says")
        limit = self.table.body_limit
        if limit and self.taken > limit:
            raise LimitRequestBody(self.taken)
        self.data = data
        return DATA

    def _end_body(self, request: Request) -> int:
        if request.content_length > self.taken:
            raise InvalidHeader("CONTENT-LENGTH: less content than it says")
        self.state = COMPLETE
        return END

    # What is asked besides.

    def _begin_question(self, kind: int) -> int:
        self.goes = QUESTION
        if self.left > LONGEST_QUESTION:
            raise InvalidVariables(f"a record of type {kind} with {self.left} bytes")
        return NEED_DATA if self.left else self._answer(b"")

    def _answer(self, data: bytes) -> int:
        """A record that begins a request, or belongs to none, is whole."""
        if self.kind == BEGIN_REQUEST:
            if len(data) != 8 or not self.number or self.number == self.id:
                raise InvalidVariables("a BEGIN_REQUEST that begins nothing")
            return self._begin_request(data)
        if self.kind == GET_VALUES:
            return self._reply(record(GET_VALUES_RESULT, 0, known_values(data)))
        return self._reply(record(UNKNOWN_TYPE, 0, bytes((self.kind, 0, 0, 0, 0, 0, 0, 0))))

    def _reply(self, octets: bytes) -> int:
        self.questions += 1
        if self.questions > MOST_QUESTIONS:
            raise InvalidVariables(f"over {MOST_QUESTIONS} questions on a connection")
        self.reply = octets
        return REPLY

    # What a connection asks.

    def next_request(self) -> None:
        self._forget_request()
        self.reader.forget()
        Protocol.next_request(self)

    def wanted(self) -> int:
        # There are heads of records within.
        return 0

    def outstanding(self) -> int:
        request = self.request
        if self.state != BODY or request is None:
            return 0
        return max(0, request.content_length - self.taken)

    def is_idle(self) -> bool:
        return self.state == HEAD and not self.id and not self.left and self.position >= len(self.buffer)


def read_pairs(data: bytes, reader: VariableReader) -> None:
    """Names and values, each with its length in one octet or, with the highest bit set, in four. Raises `HTTPError`."""
    end = len(data)
    position = 0
    while position < end:
        name_size = size_at(data, position, end)
        position += 1 if data[position] < 128 else 4
        value_size = size_at(data, position, end)
        position += 1 if data[position] < 128 else 4
        name_end = position + name_size
        value_end = name_end + value_size
        if value_end > end:
            raise InvalidVariables("a name or a value that goes beyond the PARAMS")
        reader.take(data, position, name_end, name_end, value_end)
        position = value_end


def size_at(data: bytes, position: int, end: int) -> int:
    """The length of a name or a value that stands there, at most `end`: no sum of two of them is a large number."""
    if position >= end:
        raise InvalidVariables("a length that goes beyond the PARAMS")
    size = data[position]
    if size < 128:
        return size
    if position + 4 > end:
        raise InvalidVariables("a length that goes beyond the PARAMS")
    size = (size & 127) << 24 | data[position + 1] << 16 | data[position + 2] << 8 | data[position + 3]
    if size > end:
        raise InvalidVariables("a name or a value that goes beyond the PARAMS")
    return size


def known_values(data: bytes) -> bytes:
    """The answer to GET_VALUES: those that are known of what is asked. Raises `InvalidVariables`."""
    found = b""
    position, end = 0, len(data)
    while position < end:
        name_size = size_at(data, position, end)
        position += 1 if data[position] < 128 else 4
        value_size = size_at(data, position, end)
        position += 1 if data[position] < 128 else 4
        name = data[position:position + name_size]
        position += name_size + value_size
        value = _VALUES.get(name)
        if value is not None:
            found += bytes((len(name), len(value))) + name + value
    return found


def record(kind: int, number: int, content: bytes) -> bytes:
    """A record with this content, of at most MOST_CONTENT octets."""
    return record_head(kind, number, len(content)) + content


def record_head(kind: int, number: int, size: int) -> bytes:
    """What stands in front of content of this size."""
    return (VERSION << 56 | kind << 48 | number << 32 | size << 16).to_bytes(8, "big")


def end_request(number: int, status: int) -> bytes:
    """The end of a request."""
    return record(END_REQUEST, number, bytes((0, 0, 0, 0, status, 0, 0, 0)))


def end_of_answer(number: int) -> bytes:
    """The end of an answer and its request."""
    end = _ENDS.get(number)
    if end is None:
        end = record_head(STDOUT, number, 0) + end_request(number, REQUEST_COMPLETE)
        if len(_ENDS) < MOST_ENDS:
            _ENDS[number] = end
    return end
