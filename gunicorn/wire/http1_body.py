"""Body framing (RFC 9112 sections 6 and 7): which octets behind a head belong to its body."""

from __future__ import annotations

import re

from gunicorn.http._octets import text
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkExtension, InvalidChunkSize, LimitRequestBody
from gunicorn.http.fields import ORDINARY, FieldTable
from gunicorn.http.request import Request

from .http1_head import HeadParser, check_part

# A chunk line may carry extensions; nobody needs this much of them.
LONGEST_CHUNK_LINE = 4096
SIZE_DIGITS = 15
LONGEST_SHOWN = 40

_SIZE = re.compile(rb"[0-9A-Fa-f]+").match
_EXTENSIONS = re.compile(
    rb"(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
    rb"(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
    rb"|\"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*\"))?)*"
).fullmatch
# A chunk line so far, judged before its end has come.
_LINE_SO_FAR = re.compile(rb"[0-9A-Fa-f]*(?:[ \t;][\t\x20-\x7e\x80-\xff]*)?\r?").fullmatch

SIZE = 0
PAYLOAD = 1
PAYLOAD_END = 2
TRAILERS = 3


class BodyDecoder:
    """Takes the octets of one body out of what comes. `piece` is what the last `decode` found of the content."""

    __slots__ = ("complete", "piece", "taken")

    def __init__(self) -> None:
        self.piece: bytes = b""
        self.complete = False
        self.taken = 0

    def decode(self, data: bytes, start: int, end: int) -> int:
        """Take from `data[start:end]`; the position behind what was taken.

        Raises `HTTPError`, and `ValueError` for bounds that are none.
        """
        raise NotImplementedError


class LengthBody(BodyDecoder):
    """Content-Length octets (RFC 9112 section 6.2)."""

    __slots__ = ("length",)

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def decode(self, data: bytes, start: int, end: int) -> int:
        check_part(data, start, end)
        stop = min(end, start + self.length - self.taken)
        self.piece = data if start == 0 and stop == len(data) else data[start:stop]
        self.taken += stop - start
        self.complete = self.taken == self.length
        return stop


class ChunkedBody(BodyDecoder):
    """The chunked coding (RFC 9112 section 7.1), its extensions checked and ignored, its trailers kept."""

    __slots__ = ("limit", "remaining", "request", "state", "trailer_parser")

    def __init__(self, request: Request, table: FieldTable, trusted: bool) -> None:
        super().__init__()
        self.request = request
        self.limit = table.body_limit
        self.state = SIZE
        self.remaining = 0
        self.trailer_parser = HeadParser(table, trusted)
        self.trailer_parser.interprets = False

    def decode(self, data: bytes, start: int, end: int) -> int:
        check_part(data, start, end)
        pieces: list[bytes] = []
        position = start
        while not self.complete:
            state = self.state
            if state == SIZE:
                following = self._size_line(data, position, end)
            elif state == PAYLOAD:
                following = min(end, position + self.remaining)
                if following > position:
                    pieces.append(data[position:following])
                self.remaining -= following - position
                if self.remaining == 0:
                    self.state = PAYLOAD_END
            elif state == PAYLOAD_END:
                following = self._payload_end(data, position, end)
            else:
                following = self._trailers(data, position, end)
            if following == position and self.state == state:
                break
            position = following
        self.piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return position

    def _size_line(self, data: bytes, start: int, end: int) -> int:
        """chunk-size [ chunk-ext ] CRLF; takes nothing while the line is not whole."""
        stop = data.find(b"\n", start, min(end, start + LONGEST_CHUNK_LINE))
        if stop < 0:
            if end - start >= LONGEST_CHUNK_LINE or _LINE_SO_FAR(data, start, end) is None:
                raise InvalidChunkSize(_shown(data, start, end))
            return start
        digits = _SIZE(data, start, stop)
        if digits is None or data[stop - 1] != 13:
            raise InvalidChunkSize(_shown(data, start, stop))
        if _EXTENSIONS(data, digits.end(), stop - 1) is None:
            fault = InvalidChunkExtension if data[digits.end()] in b";\t " else InvalidChunkSize
            raise fault(_shown(data, start, stop))
        if digits.end() - start > SIZE_DIGITS and int(digits[0], 16) >> (4 * SIZE_DIGITS):
            raise LimitRequestBody(_shown(data, start, stop))
        self._begin_chunk(int(digits[0], 16))
        return stop + 1

    def _begin_chunk(self, size: int) -> None:
        """The last one has no octets (RFC 9112 section 7.1)."""
        self.remaining = size
        self.taken += self.remaining
        if self.limit and self.taken > self.limit:
            raise LimitRequestBody(self.taken)
        self.state = PAYLOAD if self.remaining else TRAILERS

    def _payload_end(self, data: bytes, start: int, end: int) -> int:
        if (start < end and data[start] != 13) or (start + 1 < end and data[start + 1] != 10):
            raise ChunkMissingTerminator(text(data, start, min(end, start + 2)))
        if start + 1 >= end:
            return start
        self.state = SIZE
        return start + 2

    def _trailers(self, data: bytes, start: int, end: int) -> int:
        """The trailer section (RFC 9112 section 7.1.2): fields that steer framing or routing are no trailers."""
        parser = self.trailer_parser
        if parser.request is None:
            parser.begin_section()
        position = parser.parse_fields(data, start, end)
        section = parser.request
        if parser.complete and section is not None:
            self.complete = True
            fields = section.fields
            self.request.trailers = [(field.name, value) for field, value in fields if field.kind == ORDINARY]
        return position


def _shown(data: bytes, start: int, end: int) -> str:
    """A chunk line, or as much of it as an error says."""
    return text(data, start, min(end, start + LONGEST_SHOWN))


def body_of(request: Request, table: FieldTable, trusted: bool) -> BodyDecoder:
    """The decoder of a request's body; only for a request that has one."""
    if request.chunked:
        return ChunkedBody(request, table, trusted)
    return LengthBody(request.content_length)
