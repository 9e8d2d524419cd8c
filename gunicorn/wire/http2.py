"""The server's side of a connection of HTTP/2 without its socket: octets in, calls and octets out (RFC 9113).

    protocol.receive(octets, now)        # calls the recipient: head, content, end, reset ...
    protocol.send_head(stream, block, ended); protocol.send_data(stream, octets, ended)
    octets = protocol.take()             # what is to be sent

A stream that was not answered keeps its place among those that may run at once until its recipient has said `release`:
a client that opens and resets streams as fast as it can never has more work done for it than one that waits. What a
client does besides, and need not, is counted in budgets; one that has spent them is told to calm down, and left.

Two things make this side reset a stream whose request is running: content that is longer or shorter than it said, and
a window above the largest there is. What breaks the rules of a stream that has ended ends the connection.

A response may be complete before its request is. Then the rest of that is judged like all content and thrown away, if
it is small and comes soon: a client that is in the middle of sending it need not hear of an end it does not expect.

A recipient may send, inside its calls too; what it must not do there is hand in octets.
"""

from __future__ import annotations

from gunicorn.http.errors import HTTPError

from .budget import Budget
from .hpack import TABLE_SIZE, CompressionError, Decoder, Static
from .http2_fields import Field
from .http2_frames import (
    ACK,
    COMPRESSION_ERROR,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    HAS_PRIORITY,
    HEAD_SIZE,
    HEADERS,
    LARGEST_WINDOW,
    NO_ERROR,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PRIORITY_UPDATE,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    RST_STREAM,
    RULES,
    SETTINGS,
    SETTINGS_ACK,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    FatalError,
    HTTP2Settings,
    ping_frame,
    reset_frame,
)
from .http2_head import HeadReader, Malformed, trailers_of
from .http2_sending import Sender
from .http2_streams import FINISHED, RESET_BY_PEER, RESET_BY_US, UNKNOWN, Recipient, Stream

# A field section comes in one frame and so many more.
MOST_CONTINUATIONS = 8
# A SETTINGS frame has so many values, of which nine mean anything.
MOST_SETTINGS = 32
# DATA frames below so many octets, but for the last, cost more than they bring.
SMALL = 16
LARGEST_LIST = 1 << 20


class HTTP2(Sender):
    """One connection."""

    __slots__ = (
        "acknowledged", "block", "continuations", "decoder", "failed", "fault", "greeted", "head", "idle", "list_limit",
        "most_streams", "needed", "now", "open_block", "recipient", "resets", "rest", "small", "started", "table",
    )

    def __init__(self, static: Static, trusted: bool, settings: HTTP2Settings, recipient: Recipient) -> None:
        super().__init__(settings)
        self.table = static.table
        self.most_streams = settings.max_concurrent_streams
        self.recipient = recipient
        self.decoder = Decoder(static, TABLE_SIZE)
        self.list_limit = settings.max_header_list_size or LARGEST_LIST
        self.head = HeadReader(static.table, trusted, self.list_limit, settings.connect_protocol)
        # Ended, since the client has done this.
        self.failed = False
        self.fault = ""
        # Octets of a frame that is not whole yet, and how many it takes.
        self.rest = bytearray()
        self.needed = 0
        self.greeted = False
        self.started = False
        # Our SETTINGS are.
        self.acknowledged = False
        # The stream whose field section is under way, 0 for none; its octets, with the flags of its first frame.
        self.open_block = 0
        self.block = bytearray()
        self.continuations = 0
        self.now = 0.0
        self.resets = Budget(1000, 33)
        self.idle = Budget(1000, 100)
        self.small = Budget(2000, 200)

    def adopt(self) -> Stream:
        """The stream of a request that has come by HTTP/1, and is whole (RFC 7540 section 3.2)."""
        stream = self.streams[1] = Stream(1, self.opening_window, 0)
        self.highest = 1
        stream.receiving = False
        return stream

    def receive(self, data: bytes, now: float) -> None:
        """Take octets as they came. What the recipient raises is raised here, too; what the client does wrong is not:
        it is answered, and `failed` set."""
        if self.failed:
            return
        self.now = now
        if self.rest:
            self.rest += data
            if len(self.rest) < self.needed:
                return
            data = bytes(self.rest)
            self.rest.clear()
        try:
            position = self._take_in(data)
        except FatalError as error:
            self.fail(error.code, str(error))
            return
        if position < len(data):
            self.rest += data[position:]

    def _take_in(self, data: bytes) -> int:
        """Whole frames; the position behind them."""
        view = data
        position, end, limit = 0, len(data), self.settings.max_frame_size
        if not self.greeted:
            if not PREFACE.startswith(data[:len(PREFACE)]):
                raise FatalError(PROTOCOL_ERROR, "not the preface of HTTP/2")
            if end < len(PREFACE):
                self.needed = end + 1
                return 0
            self.greeted = True
            position = len(PREFACE)
        while end - position >= HEAD_SIZE:
            size = view[position] << 16 | view[position + 1] << 8 | view[position + 2]
            if size > limit:
                raise FatalError(FRAME_SIZE_ERROR, f"a frame of {size} octets")
            start = position + HEAD_SIZE
            self.needed = HEAD_SIZE + size
            if end - start < size:
                return position
            identifier = (
                (view[position + 5] & 127) << 24 | view[position + 6] << 16
                | view[position + 7] << 8 | view[position + 8]
            )
            self._frame(view[position + 3], view[position + 4], identifier, data, start, start + size)
            position = start + size
        self.needed = HEAD_SIZE
        return position

    def _frame(self, kind: int, flags: int, identifier: int, data: bytes, start: int, end: int) -> None:
        if self.open_block:
            if kind != CONTINUATION or identifier != self.open_block:
                raise FatalError(PROTOCOL_ERROR, "a frame within a field section")
            self._continuation(flags, data, start, end)
        elif not self.started and kind != SETTINGS:
            raise FatalError(PROTOCOL_ERROR, "no SETTINGS behind the preface")
        elif kind == HEADERS:
            self._headers(flags, identifier, data, start, end)
        elif kind == DATA:
            self._data(flags, identifier, data, start, end)
        elif kind == WINDOW_UPDATE:
            self._window_update(identifier, data, start, end)
        else:
            self._other(kind, flags, identifier, data[start:end])

    def _other(self, kind: int, flags: int, identifier: int, payload: bytes) -> None:
        if kind == RST_STREAM:
            self._rst_stream(identifier, payload)
            return
        self._spend(self.idle, "frames that bring nothing")
        rule = RULES.get(kind)
        if rule is None:
            # Of a type that nobody knows (RFC 9113 section 4.1).
            return
        rule.check(identifier, len(payload))
        if kind == PRIORITY:
            self._depends(identifier, payload, 0, len(payload))
        elif kind == SETTINGS:
            self._settings(flags, payload)
        elif kind == PING:
            self._ping(flags, payload)
        elif kind == PRIORITY_UPDATE:
            self.recipient.prioritize(int.from_bytes(payload[:4], "big") & LARGEST_WINDOW, payload[4:])

    def _spend(self, budget: Budget, what: str) -> None:
        if not budget.spend(self.now):
            raise FatalError(ENHANCE_YOUR_CALM, f"too many {what}")

    def _unpadded(self, flags: int, data: bytes, start: int, end: int) -> tuple[int, int]:
        """The part of a payload that is not padding."""
        if flags & PADDED:
            if start == end:
                raise FatalError(FRAME_SIZE_ERROR, "padding without its length")
            padding = data[start]
            start += 1
            if padding > end - start:
                raise FatalError(PROTOCOL_ERROR, "padding longer than its frame")
            end -= padding
        return start, end

    # Field sections.

    def _headers(self, flags: int, identifier: int, data: bytes, start: int, end: int) -> None:
        if flags & (PADDED | HAS_PRIORITY):
            start, end = self._unpadded(flags, data, start, end)
            if flags & HAS_PRIORITY:
                self._depends(identifier, data, start, end)
                start += 5
        self._admit(identifier, flags & END_STREAM)
        if flags & END_HEADERS:
            self._section(identifier, flags & END_STREAM, data, start, end)
            return
        self.open_block = identifier
        self.block = bytearray((flags & END_STREAM,))
        self.continuations = 0
        self._gather(data, start, end)

    def _continuation(self, flags: int, data: bytes, start: int, end: int) -> None:
        self.continuations += 1
        if self.continuations > MOST_CONTINUATIONS or (start == end and not flags & END_HEADERS):
            raise FatalError(ENHANCE_YOUR_CALM, "a field section in too many frames")
        self._gather(data, start, end)
        if flags & END_HEADERS:
            block, identifier, self.open_block = bytes(self.block), self.open_block, 0
            self.block = bytearray()
            self._section(identifier, block[0], block, 1, len(block))

    def _gather(self, data: bytes, start: int, end: int) -> None:
        self.block += data[start:end]
        if len(self.block) > self.list_limit + 1:
            raise FatalError(ENHANCE_YOUR_CALM, "a field section that is too large")

    def _admit(self, identifier: int, ended: int) -> None:
        """Raises `FatalError` for a field section that no stream can have now."""
        if not identifier & 1:
            raise FatalError(PROTOCOL_ERROR, "HEADERS on a stream that no client opens")
        if identifier > self.highest:
            return
        stream = self.streams.get(identifier)
        if stream is not None and stream.receiving:
            if not ended:
                raise FatalError(PROTOCOL_ERROR, "a second head")
            return
        how = self._how_ended(identifier, stream)
        if how != RESET_BY_US:
            raise FatalError(STREAM_CLOSED if how else PROTOCOL_ERROR, "HEADERS on a stream that has ended")

    def _how_ended(self, identifier: int, stream: Stream | None) -> int:
        """How a stream has that takes nothing any more; `UNKNOWN` where nobody remembers."""
        how = self.ends.of(identifier)
        return FINISHED if how == UNKNOWN and stream is not None else how

    def _section(self, identifier: int, ended: int, data: bytes, start: int, end: int) -> None:
        """A whole field section: a request, its trailers, or what nobody heeds any more."""
        if identifier > self.highest:
            self._open(identifier, ended, data, start, end)
            return
        stream = self.streams.get(identifier)
        fields = self._decode(data, start, end)
        if stream is None or not stream.receiving:
            return
        try:
            trailers = trailers_of(fields, self.decoder.total, self.table, self.list_limit)
        except HTTPError:
            self._break(stream, PROTOCOL_ERROR)
            return
        self._end(stream, trailers)

    def _open(self, identifier: int, ended: int, data: bytes, start: int, end: int) -> None:
        """A request begins."""
        self.highest = identifier
        fields = self._decode(data, start, end)
        if self._turns_away(identifier):
            return
        head = self.head
        stream = Stream.__new__(Stream)
        stream.begin(identifier, self.opening_window, self.first_credit)
        self.streams[identifier] = stream
        stream.receiving = not ended
        try:
            request = head.read(fields, self.decoder.total, not stream.receiving)
        except Malformed as error:
            stream.released = True
            self._spend(self.resets, "requests that are malformed")
            self.reset(stream, PROTOCOL_ERROR)
            self.recipient.malformed(head.request, error)
        except HTTPError as error:
            self._spend(self.resets, "requests that cannot be served")
            self.recipient.refused(stream, head.request, error)
        else:
            if request.upgrade is None:
                stream.expected = request.content_length
            self.recipient.head(stream, request)

    def _turns_away(self, identifier: int) -> bool:
        """Whether a stream is not served: we have said so (RFC 9113 section 6.8), or too many run already."""
        is_beyond = self.last >= 0 and identifier > self.last
        if not is_beyond:
            if not self._is_full():
                return False
            self._spend(self.resets, "streams")
        self.ends.remember(identifier, RESET_BY_US)
        if self.silent or not is_beyond:
            self.out.append(reset_frame(identifier, REFUSED_STREAM))
        return True

    def _is_full(self) -> bool:
        """Whether no further stream may run. One that is answered does not count for the client, nor here, as long as
        their applications come to an end."""
        there, most = len(self.streams), self.most_streams
        return there - self.answered >= most or there >= 2 * most

    def _decode(self, data: bytes, start: int, end: int) -> list[Field]:
        try:
            return self.decoder.decode(data, start, end, self.list_limit)
        except CompressionError as error:
            raise FatalError(COMPRESSION_ERROR, str(error)) from None

    # Content.

    def _data(self, flags: int, identifier: int, data: bytes, start: int, end: int) -> None:
        size = end - start
        stream = self.streams.get(identifier)
        if size > self.credit:
            raise FatalError(FLOW_CONTROL_ERROR, "more content than the connection's window")
        self.credit -= size
        if flags & PADDED:
            # Whatever becomes of the content: it is the connection that is wrong.
            start, end = self._unpadded(flags, data, start, end)
        if stream is None or not stream.receiving:
            self._stray(identifier, stream)
            self.give_back(size)
            return
        if size > stream.credit:
            raise FatalError(FLOW_CONTROL_ERROR, "more content than the stream's window")
        stream.credit -= size
        if end - start < SMALL and not flags & END_STREAM:
            self._spend(self.idle if start == end else self.small, "small pieces of content")
        if size > end - start:
            self.consumed(stream, size - (end - start))
        self._content(stream, data[start:end], flags & END_STREAM)

    def _content(self, stream: Stream, piece: bytes, ended: int) -> None:
        """What a stream takes, or took before it was answered."""
        size = len(piece)
        if stream.expected >= 0:
            stream.expected -= size
            if stream.expected < 0:
                self.give_back(size)
                self._break(stream, PROTOCOL_ERROR)
                return
        if not stream.sending:
            self.give_back(size)
            stream.left_over -= size
        elif size:
            self.recipient.content(stream, piece)
        if ended and stream.receiving:
            self._end(stream, None)
        elif not stream.sending and (stream.left_over < 0 or not stream.credit):
            self.reset(stream, NO_ERROR)

    def _stray(self, identifier: int, stream: Stream | None) -> None:
        """Content for a stream that takes none: it was on its way when we ended it, or it breaks the rules."""
        if not identifier & 1 or identifier > self.highest:
            raise FatalError(PROTOCOL_ERROR, "DATA on a stream that is not open")
        if self._how_ended(identifier, stream) != RESET_BY_US:
            raise FatalError(STREAM_CLOSED, "DATA on a stream that has ended")
        self._spend(self.small, "pieces of content that nobody takes")

    def _end(self, stream: Stream, trailers: list[tuple[str, str]] | None) -> None:
        if stream.expected > 0:
            self._break(stream, PROTOCOL_ERROR)
            return
        stream.receiving = False
        if stream.sending:
            self.recipient.end(stream, trailers)
        self.settle(stream, FINISHED)

    # All other frames.

    def _window_update(self, identifier: int, data: bytes, start: int, end: int) -> None:
        if end - start != 4:
            raise FatalError(FRAME_SIZE_ERROR, "a WINDOW_UPDATE of another size than 4")
        increment = int.from_bytes(data[start:end], "big") & LARGEST_WINDOW
        if not increment:
            raise FatalError(PROTOCOL_ERROR, "a WINDOW_UPDATE of 0")
        if not identifier:
            self.window += increment
            if self.window > LARGEST_WINDOW:
                raise FatalError(FLOW_CONTROL_ERROR, "a window of the connection that is too large")
            self.recipient.writable(None)
            return
        stream = self.streams.get(identifier)
        if stream is None:
            self._check_known(identifier, "WINDOW_UPDATE")
        elif stream.sending:
            stream.window += increment
            if stream.window > LARGEST_WINDOW:
                self._break(stream, FLOW_CONTROL_ERROR)
            else:
                self.recipient.writable(stream)

    def _check_known(self, identifier: int, what: str) -> None:
        if not identifier or not identifier & 1 or identifier > self.highest:
            raise FatalError(PROTOCOL_ERROR, f"{what} on a stream that is not open")
        self._spend(self.idle, "frames for streams that have ended")

    def _rst_stream(self, identifier: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise FatalError(FRAME_SIZE_ERROR, "a RST_STREAM of another size than 4")
        stream = self.streams.get(identifier)
        if stream is None or not (stream.receiving or stream.sending):
            self._check_known(identifier, "RST_STREAM")
            return
        if stream.sending:
            self._spend(self.resets, "streams that are reset")
        self._cut_off(stream, int.from_bytes(payload, "big"), RESET_BY_PEER)

    def _depends(self, identifier: int, data: bytes, start: int, end: int) -> None:
        """The priorities of RFC 7540 are read no further than to see that they are whole."""
        if end - start < 5:
            raise FatalError(FRAME_SIZE_ERROR, "a priority that is too short")
        if int.from_bytes(data[start:start + 4], "big") & LARGEST_WINDOW == identifier:
            raise FatalError(PROTOCOL_ERROR, "a stream that depends on itself")

    def _ping(self, flags: int, payload: bytes) -> None:
        if flags & ACK:
            self.recipient.pong(payload)
        else:
            self.out.append(ping_frame(payload, ACK))

    def _settings(self, flags: int, payload: bytes) -> None:
        self.started = True
        if flags & ACK:
            if payload:
                raise FatalError(FRAME_SIZE_ERROR, "an acknowledgement with content")
            self.acknowledged = True
            return
        if len(payload) % 6:
            raise FatalError(FRAME_SIZE_ERROR, "SETTINGS that are not whole")
        if len(payload) > 6 * MOST_SETTINGS:
            raise FatalError(ENHANCE_YOUR_CALM, "too many SETTINGS")
        before = self.opening_window
        self.apply(payload)
        # In front of what they allow: the client counts by them from here on.
        self.out.append(SETTINGS_ACK)
        if self.opening_window > before:
            self.recipient.writable(None)

    # What the client does wrong.

    def fail(self, code: int, what: str) -> None:
        """The end of the connection, for something that the client has done."""
        self.failed = True
        self.fault = what
        self.rest.clear()
        self.block = bytearray()
        self.goaway(self.highest, code, what.encode("ascii", "replace"))
        for stream in list(self.streams.values()):
            self._cut_off(stream, code, RESET_BY_US)

    def _break(self, stream: Stream, code: int) -> None:
        """The client has broken a stream (RFC 9113 section 5.4.2)."""
        self._spend(self.resets, "streams that are broken")
        answers = stream.sending
        self.reset(stream, code)
        if answers:
            self.recipient.reset(stream, code)

    def _cut_off(self, stream: Stream, code: int, how: int) -> None:
        """Nothing more comes on a stream, nor goes; its recipient hears of it where an answer was to go."""
        if not (stream.receiving or stream.sending):
            return
        answers = stream.sending
        stream.receiving = stream.sending = False
        if answers:
            self.recipient.reset(stream, code)
        self.settle(stream, how)
