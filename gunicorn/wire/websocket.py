"""WebSocket frames, seen from the server (RFC 6455), and their compression (RFC 7692): octets in, events out.

    frames.receive(octets)
    while (event := frames.next_event()) != NEED_DATA: ...

What comes of a frame is unmasked, inflated and decoded when it comes, so that invalid text is found at its first wrong
octet and a message larger than its limit before it is whole. A message in parts is one growing run of octets, so that
many small fragments take no more memory than one large one.
"""

from __future__ import annotations

import codecs
import zlib

from ._masking import unmask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Events.
NEED_DATA = 0
MESSAGE = 1
PING = 2
PONG = 3
CLOSE = 4

# Opcodes (RFC 6455 section 11.8).
OP_CONTINUATION = 0
OP_TEXT = 1
OP_BINARY = 2
OP_CLOSE = 8
OP_PING = 9
OP_PONG = 10

# Status codes (RFC 6455 section 7.4.1).
NORMAL = 1000
PROTOCOL_ERROR = 1002
NO_STATUS = 1005
ABNORMAL = 1006
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    NEED_DATA=NEED_DATA, MESSAGE=MESSAGE, PING=PING, PONG=PONG, CLOSE=CLOSE, OP_TEXT=OP_TEXT, OP_BINARY=OP_BINARY,
    OP_CLOSE=OP_CLOSE, OP_PING=OP_PING, OP_PONG=OP_PONG,
)

LONGEST_CONTROL = 125
# What RFC 7692 section 7.2.1 takes off the end of a message.
_TAIL = b"\x00\x00\xff\xff"
# Smaller ones only grow.
SMALLEST_COMPRESSED = 64
# 12 bits and level 5 of memory: 32 KiB a connection for what it sends, where zlib's defaults take 256.
WINDOW_BITS = 12
_MEMORY_LEVEL = 5
# A message may have so many fragments without content, and be so many compressed streams one behind the other (a block
# with BFINAL ends one): both cost work and come to nothing.
MOST_EMPTY_FRAGMENTS = 1024
MOST_STREAMS = 64
# Compressed, a message may be longer than its limit by an eighth and so many octets; nobody's compressor adds as much.
COMPRESSION_SLACK = 1024
_new_decoder = codecs.getincrementaldecoder("utf-8")


class WebSocketError(Exception):
    """The peer breaks the protocol or a limit: the connection is to be closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Deflate:
    """Agreed parameters of permessage-deflate (RFC 7692 section 7.1); `answer` is the field value that says so."""

    __slots__ = ("answer", "client_bits", "client_keeps", "server_bits", "server_keeps")

    def __init__(self, server_keeps: bool, client_keeps: bool, server_bits: int, client_bits: int, answer: str) -> None:
        self.server_keeps = server_keeps
        self.client_keeps = client_keeps
        self.server_bits = server_bits
        self.client_bits = client_bits
        self.answer = answer


class Frames:
    """The frames of one connection. `data`, `code` and `reason` belong to the last event.

    `data` is a str for a text message, bytes for everything else. `limit`: the most octets of a message, 0: any number.
    """

    __slots__ = (
        "_buffer", "_compressed", "_decoder", "_deflate", "_deflater", "_empty", "_final", "_in_frame", "_inflater",
        "_key", "_kind", "_opcode", "_parts", "_phase", "_position", "_received", "_remaining", "_size", "_streams",
        "code", "data", "limit", "reason",
    )

    def __init__(self, limit: int, deflate: Deflate | None = None) -> None:
        self.limit = limit
        self.data: Any = None
        self.code = 0
        self.reason = ""
        self._buffer: bytes = b""
        self._position = 0
        # The frame that is being read.
        self._in_frame = False
        self._final = False
        self._opcode = 0
        self._key: bytes = b""
        self._phase = 0
        self._remaining = 0
        # The message that is being read: its opcode (0: none), and what was made of it so far.
        self._kind = 0
        self._compressed = False
        self._parts: bytearray | None = None
        self._size = 0
        # Octets of its payload as they are sent, fragments without any, and compressed streams that have ended in it.
        self._received = 0
        self._empty = 0
        self._streams = 0
        # Finds text that is invalid before all of it has come.
        self._decoder: Any = None
        self._deflate = deflate
        # Made when first used: most connections never compress.
        self._inflater: Any = None
        self._deflater: Any = None

    def receive(self, data: bytes) -> None:
        """Take octets as they came from the peer."""
        if self._position < len(self._buffer):
            self._buffer = self._buffer[self._position:] + data
        else:
            self._buffer = data
        self._position = 0

    def is_pending(self) -> bool:
        """Whether octets are left that no event has covered."""
        return self._position < len(self._buffer)

    def next_event(self) -> int:
        """The next thing the octets say: NEED_DATA, MESSAGE, PING, PONG or CLOSE. Raises `WebSocketError`."""
        while True:
            if not self._in_frame and not self._header():
                return NEED_DATA
            available = len(self._buffer) - self._position
            if self._opcode >= OP_CLOSE:
                if available < self._remaining:
                    return NEED_DATA
                return self._control()
            if self._remaining and not available:
                return NEED_DATA
            if self._content(min(available, self._remaining)):
                return MESSAGE

    def _header(self) -> bool:
        """Read a frame's header if all of it is here (RFC 6455 section 5.2)."""
        data = self._buffer
        position = self._position
        available = len(data) - position
        if available < 2:
            return False
        first = data[position]
        length = data[position + 1] & 0x7F
        extended = 0 if length < 126 else 2 if length == 126 else 8
        self._check_header(first, data[position + 1], length)
        if available < 6 + extended:
            return False
        position += 2
        if extended:
            length = _extended_length(data[position:position + extended])
            position += extended
        self._key = data[position:position + 4]
        self._position = position + 4
        self._remaining = length
        self._phase = 0
        self._final = first & 0x80 != 0
        self._opcode = first & 0x0F
        self._in_frame = True
        if self._opcode < OP_CLOSE:
            self._begin_content(first)
        return True

    def _check_header(self, first: int, second: int, length: int) -> None:
        opcode = first & 0x0F
        if first & 0x30 or (first & 0x40 and (self._deflate is None or opcode not in (OP_TEXT, OP_BINARY))):
            raise WebSocketError(PROTOCOL_ERROR, "a reserved bit is set")
        if not second & 0x80:
            raise WebSocketError(PROTOCOL_ERROR, "the frame is not masked")
        if opcode >= OP_CLOSE:
            _check_control(opcode, first, length)
        elif opcode > OP_BINARY:
            raise WebSocketError(PROTOCOL_ERROR, "a reserved opcode")
        elif (opcode == OP_CONTINUATION) != (self._kind != 0):
            what = "a new message inside an unfinished one" if self._kind else "there is no message to continue"
            raise WebSocketError(PROTOCOL_ERROR, what)

    def _begin_content(self, first: int) -> None:
        if self._opcode != OP_CONTINUATION:
            self._kind = self._opcode
            self._compressed = first & 0x40 != 0
            self._size = self._received = 0
            self._empty = self._streams = 0
        if not (self._remaining or self._final):
            self._empty += 1
            if self._empty > MOST_EMPTY_FRAGMENTS:
                raise WebSocketError(POLICY_VIOLATION, "too many empty fragments")
        if not self.limit:
            return
        # Compressed octets count as they come: they may yield nothing and be work all the same.
        self._received += self._remaining
        if self._received > self.limit + ((self.limit >> 3) + COMPRESSION_SLACK if self._compressed else 0):
            raise WebSocketError(TOO_BIG, "the message is too big")

    def _take(self, count: int) -> bytes:
        """The next octets of the payload, unmasked."""
        start = self._position
        octets = unmask(self._buffer, start, start + count, self._key, self._phase)
        self._position = start + count
        self._phase = (self._phase + count) & 3
        self._remaining -= count
        return octets

    def _content(self, count: int) -> bool:
        """Take a part of a message; whether the message is whole."""
        octets = self._take(count)
        ended = self._remaining == 0
        whole = ended and self._final
        if ended:
            self._in_frame = False
        if self._compressed:
            octets = self._inflate(octets, whole)
        else:
            self._size += count
        if whole and self._parts is None:
            self.data = self._text(octets) if self._kind == OP_TEXT else octets
            self._kind = 0
            return True
        self._keep(octets, whole)
        return whole

    def _text(self, octets: bytes) -> str:
        try:
            return octets.decode()
        except UnicodeDecodeError:
            raise WebSocketError(INVALID_DATA, "the text is not valid UTF-8") from None

    def _keep(self, octets: bytes, whole: bool) -> None:
        """Add to a message that comes in parts; put it together when it is whole."""
        parts = self._parts
        if parts is None:
            parts = self._parts = bytearray()
            if self._kind == OP_TEXT:
                self._decoder = _new_decoder("strict")
        if self._decoder is not None:
            try:
                self._decoder.decode(octets, whole)
            except UnicodeDecodeError:
                raise WebSocketError(INVALID_DATA, "the text is not valid UTF-8") from None
        parts += octets
        if whole:
            self.data = bytes(parts) if self._decoder is None else parts.decode()
            self._parts = self._decoder = None
            self._kind = 0

    def _inflate(self, octets: bytes, whole: bool) -> bytes:
        """RFC 7692 section 7.2.2; never more than the limit at once."""
        deflate = self._deflate
        if deflate is None:
            raise ValueError("compression was not negotiated")
        pieces: list[bytes] = []
        self._inflate_part(octets, deflate.client_bits, pieces)
        if whole:
            self._inflate_part(_TAIL, deflate.client_bits, pieces)
            if not deflate.client_keeps:
                self._inflater = None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _inflate_part(self, part: bytes, window_bits: int, pieces: list[bytes]) -> None:
        """Add to `pieces` what is in a part of a message."""
        while part:
            if self._inflater is None:
                self._inflater = zlib.decompressobj(-window_bits)
            inflater = self._inflater
            pieces.append(self._piece(part))
            part = inflater.unconsumed_tail
            if inflater.eof:
                # A block with BFINAL ends zlib's stream but not ours (section 7.2.3.4).
                part = inflater.unused_data
                self._inflater = None
                self._streams += 1
                if self._streams > MOST_STREAMS:
                    raise WebSocketError(POLICY_VIOLATION, "too many compressed streams in one message")

    def _piece(self, part: bytes) -> bytes:
        """The beginning of what is in a part, as much as tells that the message is too big."""
        most = self.limit - self._size + 1 if self.limit else 0
        try:
            piece: bytes = self._inflater.decompress(part, most)
        except zlib.error:
            raise WebSocketError(PROTOCOL_ERROR, "invalid compressed data") from None
        self._size += len(piece)
        if self.limit and self._size > self.limit:
            raise WebSocketError(TOO_BIG, "the message is too big")
        return piece

    def _control(self) -> int:
        octets = self._take(self._remaining)
        self._in_frame = False
        self.data = octets
        if self._opcode == OP_PING:
            return PING
        if self._opcode == OP_PONG:
            return PONG
        if not octets:
            self.code, self.reason = NO_STATUS, ""
        elif len(octets) == 1:
            raise WebSocketError(PROTOCOL_ERROR, "a truncated status code")
        else:
            self.code = int.from_bytes(octets[:2])
            if not is_close_code(self.code):
                raise WebSocketError(PROTOCOL_ERROR, "an invalid status code")
            self.reason = self._text(octets[2:])
        return CLOSE

    def message(self, opcode: int, data: bytes) -> tuple[bytes, bytes]:
        """Header and payload of a message to be sent, compressed where that was agreed."""
        if self._deflate is None or len(data) < SMALLEST_COMPRESSED:
            return frame_header(opcode, len(data), 0), data
        deflate = self._deflate
        if self._deflater is None:
            self._deflater = zlib.compressobj(
                zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -deflate.server_bits, _MEMORY_LEVEL
            )
        octets = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        if not deflate.server_keeps:
            self._deflater = None
        octets = octets[:len(octets) - len(_TAIL)]
        return frame_header(opcode, len(octets), 0x40), octets


def _check_control(opcode: int, first: int, length: int) -> None:
    """Raises `WebSocketError` for what is no control frame (RFC 6455 section 5.5)."""
    if opcode > OP_PONG:
        raise WebSocketError(PROTOCOL_ERROR, "a reserved opcode")
    if not first & 0x80:
        raise WebSocketError(PROTOCOL_ERROR, "a fragmented control frame")
    if length > LONGEST_CONTROL:
        raise WebSocketError(PROTOCOL_ERROR, "the control frame is too long")


def _extended_length(octets: bytes) -> int:
    """A payload length of two or eight octets (RFC 6455 section 5.2)."""
    # The highest bit must be zero; the one below makes no difference to any message that can be.
    if len(octets) == 8 and octets[0] & 0xC0:
        raise WebSocketError(PROTOCOL_ERROR, "the payload length is out of range")
    length = int.from_bytes(octets)
    if length < (126 if len(octets) == 2 else 65536):
        raise WebSocketError(PROTOCOL_ERROR, "the payload length is not in its shortest form")
    return length


def frame_header(opcode: int, length: int, compressed: int) -> bytes:
    """The header of an unmasked, final frame (RFC 6455 section 5.2)."""
    first = 0x80 | compressed | opcode
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return bytes((first, 126, length >> 8, length & 0xFF))
    return bytes((first, 127)) + length.to_bytes(8)


def control_frame(opcode: int, data: bytes) -> bytes:
    """A ping or pong."""
    return frame_header(opcode, len(data), 0) + data


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; NO_STATUS makes an empty one, a reason that is too long is cut at a character."""
    if code == NO_STATUS:
        return control_frame(OP_CLOSE, b"")
    text = reason.encode("utf-8", "replace")[:LONGEST_CONTROL - 2].decode("utf-8", "ignore").encode()
    return control_frame(OP_CLOSE, code.to_bytes(2) + text)


def is_close_code(code: int) -> bool:
    """Whether a status code may stand in a close frame (RFC 6455 section 7.4, and the registry it made)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
