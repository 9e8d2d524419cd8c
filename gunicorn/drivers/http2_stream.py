"""One stream of a connection of HTTP/2 as an exchange: what a gateway asks of it, and the answer on its way.

An object serves one request after the other, as the connections of HTTP/1 do: what the gateway has made for its client
is made once. In a worker with threads all that touches the connection holds the engine's `guard`.
"""

from __future__ import annotations

import os
from _thread import get_native_id

from gunicorn.engine.buffers import SPILL_FACTOR, BodyStore, BodyStream, OutputBuffer, Spill
from gunicorn.engine.driver import Driver
from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.multiplexer import Multiplexer
from gunicorn.http.errors import HTTPError, LimitRequestBody
from gunicorn.http.request import Request
from gunicorn.http.response import LENGTH, NO_BODY, FieldLine
from gunicorn.http.response_head import Page, ResponseHead
from gunicorn.wire.http2 import HTTP2
from gunicorn.wire.http2_frames import HEAD_SIZE, INTERNAL_ERROR
from gunicorn.wire.http2_response import block_of, block_of_fields, block_of_status, settle
from gunicorn.wire.http2_streams import Stream
from gunicorn.wire.priority import URGENCY, parse_priority

from .bell import Bell
from .http1 import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Octets

# A file is read, and content sent, in pieces of this size: with the head of its frame, each is one record of TLS.
PIECE = 16384 - HEAD_SIZE
# So much of a response must go in `send_timeout`, or the rest of it.
PROGRESS = 16384
# And so much of a body come in `body_timeout`.
BODY_PROGRESS = 1024
# A body that is stored may have so much under way.
STORED_WINDOW = 1 << 20
# What bodies and answers may have in memory the streams of a connection share; each may have so much in any case.
LEAST_SHARE = 32768

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(PIECE=PIECE, PROGRESS=PROGRESS)


class MultiplexedConnection(Multiplexer):
    """A connection that many streams share. `inside`: its octets are being looked at just now, and what is gathered is
    sent at the end of that. `size`: octets that were gathered. `moved_at`: when the client last took content as fast as
    it must, of whichever stream."""

    __slots__ = ("bodies", "connection", "inside", "moved_at", "protocol", "size")

    #: Bodies that are being stored, or have been for a request that runs.
    bodies: int
    connection: Connection
    inside: bool
    moved_at: float
    protocol: HTTP2
    size: int

    def pump(self) -> None:
        """Send what was gathered, and what is queued as far as windows and the kernel take it."""
        raise NotImplementedError

    def gathered(self, ended: bool) -> None:
        """Frames of a stream are to be sent; `ended`: they make its answer complete, and may wait for others."""
        raise NotImplementedError

    def has_room(self, size: int) -> bool:
        """Whether so many octets of content may be framed now."""
        raise NotImplementedError

    def serve(self, exchange: StreamExchange) -> None:
        """Hand the request of a stream to the gateway."""
        raise NotImplementedError

    def look(self) -> None:
        """Take in and send what can be now, for somebody who waits for it."""
        raise NotImplementedError

    def interest(self) -> int:
        """What somebody who waits for this connection has the kernel tell, as flags of poll(2)."""
        raise NotImplementedError

    def queues(self) -> int:
        """How many streams have content that waits for windows."""
        raise NotImplementedError

    def wait_for(self, exchange: StreamExchange) -> None:
        """A stream has content that waits for windows."""
        raise NotImplementedError

    def wait_no_more(self, exchange: StreamExchange) -> None:
        """It has none any more."""
        raise NotImplementedError

    def spill(self) -> Spill:
        """The file of this connection for answers beyond their bounds. Raises `OSError`."""
        raise NotImplementedError

    def attend_soon(self, exchange: StreamExchange) -> None:
        """Have `go_on` of a stream called when all octets of now were looked at."""
        raise NotImplementedError

    def reset(self, exchange: StreamExchange, code: int) -> None:
        """End a stream in the middle."""
        raise NotImplementedError

    def time_is_up(self, exchange: StreamExchange) -> None:
        """A body has not come in its time."""
        raise NotImplementedError

    def finished(self, exchange: StreamExchange, keep: bool) -> None:
        """The gateway is done with a stream."""
        raise NotImplementedError


class StreamOutput(OutputBuffer):
    """What windows do not let through yet. The streams of a connection share what may be in memory, and the file for
    the rest, of which each may have as much as a connection of HTTP/1."""

    __slots__ = ("_most", "_session")

    def __init__(self, bound: int, most: int, directory: str | None, session: MultiplexedConnection) -> None:
        """`bound`: octets in memory; `most`: octets in all before the application has to wait."""
        super().__init__(bound, directory)
        self._most = most
        self._session = session

    def full(self) -> bool:
        """As that of the base class."""
        return self.size + self.spilled > (self.bound if self.no_file else self._most)

    def place(self) -> Spill:
        """As that of the base class."""
        before, spill = self.spill, self._session.spill()
        if spill is not before:
            spill.take()
            self.spill = spill
            if before is not None:
                before.let_go()
        return spill


class CreditedBody(BodyStream):
    """A body that its stream's window bounds: the client may send as much again as was taken."""

    __slots__ = ("_exchange", "_number")

    def __init__(self, bound: int, exchange: StreamExchange) -> None:
        super().__init__(bound)
        self._exchange = exchange
        self._number = exchange.number

    def take(self) -> bytes:
        """As that of the base class. The caller holds the guard."""
        data = super().take()
        if data:
            self._exchange.credit(self._number, len(data))
        return data

    def let_go(self) -> None:
        """The request is over: nobody takes anything any more."""
        self._number = -1
        if self.pieces:
            self.pieces.clear()
            self.size = 0
            self.end(True)


class StreamExchange(Exchange):
    """A request and its answer. `state` is the stream as the protocol knows it."""

    __slots__ = (
        "begun", "bell", "body", "deadline", "driver", "early", "ending", "held", "incremental", "out", "progress",
        "running", "sent", "session", "state", "trailer_block", "trailing", "unheeded", "urgency",
    )

    def begin(self, session: MultiplexedConnection) -> None:
        """What `__init__` would do; `open` begins with each request."""
        connection = session.connection
        self.begin_exchange(connection.engine, connection.peer, connection.listener)
        self.session = session
        self.running = False
        # Of a thread that waits.
        self.bell: Bell | None = None
        self.body: BodyStore | None = None
        self.out: OutputBuffer | None = None
        self.begun: ResponseHead | None = None
        self.held: list[bytes] | None = None
        self.trailer_block: bytes | None = None
        self.driver: Driver | None = None
        self.early: list[bytes] | None = None

    def open(self, state: Stream, request: Request) -> None:
        """A request has come."""
        self.state = state
        state.owner = self
        self.request = request
        request.peer = self.peer
        request.started = self.engine.now
        self.number += 1
        self.broken = False
        self.body_size = 0
        # Octets of the content that were sent or queued; whether END_STREAM follows what is queued, and whether it
        # waits for trailer fields.
        self.sent = 0
        self.ending = False
        self.trailing = False
        self.trailer_block = None
        self.urgency = URGENCY
        self.incremental = True
        # Of another protocol: octets that its driver has and was too full to be given more.
        self.unheeded = 0
        # Until when the client must have sent or taken something, and how much of that it has.
        self.deadline = 0.0
        self.progress = 0

    # The client.

    def is_running(self) -> bool:
        return self.running

    def is_lost(self) -> bool:
        return self.broken

    def is_over(self) -> bool:
        return not (self.running or self.state.sending)

    def disconnected(self) -> bool:
        if self.broken:
            return True
        engine, session = self.engine, self.session
        if not engine.threaded and get_native_id() != engine.thread:
            # A thread of the application's: what it read here would be missing where the engine reads.
            return self.has_left()
        with engine.guard:
            session.look()
        return self.broken

    def has_left(self) -> bool:
        return self.broken or self.session.connection.has_left()

    def watch_client(self) -> bool:
        return self.broken

    def is_secure(self) -> bool:
        return self.session.connection.is_secure()

    def facts(self) -> object:
        return self.session.connection.facts()

    def channel(self) -> object:
        return self.session.connection.channel()

    def may_reconnect(self) -> bool:
        # The connection is that of other streams, too.
        return False

    def partial_request(self) -> Request | None:
        return self.request

    def seconds_since_data(self) -> float:
        # Octets of other streams reset the kernel's clock.
        return 0.0

    def fileno(self) -> int:
        return -1

    def unread(self) -> bytes:
        return b""

    def is_attended(self) -> bool:
        return self.session.inside

    # The body of the request.

    def expect_body(self, request: Request) -> bool:
        """Make a place for the body that follows; whether the request is served while it comes."""
        engine = self.engine
        if engine.streams(request):
            self.stream = request.body = CreditedBody(engine.settings.body_buffer_size, self)
            return True
        self.session.bodies += 1
        bound = max(LEAST_SHARE, engine.settings.body_buffer_size // self.session.bodies)
        self.body = BodyStore(bound, engine.settings.upload_dir)
        if request.content_length < 0 or request.content_length > self.state.credit:
            self.session.protocol.widen(self.state, STORED_WINDOW)
        self.deadline = engine.deadline_of(engine.body_timeout)
        if request.expect_continue:
            self.send_continue()
        return False

    def feed(self, data: bytes) -> None:
        """A piece of the body has come. Raises `HTTPError`."""
        protocol = self.session.protocol
        # Of what waits for whoever reads it the stream's window is the bound: the connection's is for all others, too,
        # and one of them may have to come to its end first.
        protocol.give_back(len(data))
        if self.early is not None or self.driver is not None:
            self._feed_driver(data)
            return
        self.body_size += len(data)
        limit = protocol.table.body_limit
        if self.stream is not None:
            if limit and self.body_size > limit:
                raise LimitRequestBody(self.body_size)
            self.stream.feed(data)
            self._ring()
            return
        protocol.reopen(self.state, len(data))
        if self.body is None:
            return
        if limit and self.body_size > limit:
            raise LimitRequestBody(self.body_size)
        self.body.write(data)
        self.progress += len(data)
        if self.progress >= BODY_PROGRESS:
            self.progress = 0
            self.deadline = self.engine.deadline_of(self.engine.body_timeout)

    def end_body(self, trailers: list[tuple[str, str]] | None) -> bool:
        """The body is whole; whether its request is to be served now. Raises `HTTPError`."""
        request = self.request
        if request is None:
            return False
        request.trailers = trailers
        if self.driver is not None:
            self.driver.ended()
            return False
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.end(False)
            self._ring()
            return False
        if self.body is None:
            return False
        self.deadline = 0.0
        self.progress = 0
        self.body_size = self.body.size
        # As in HTTP/1, where a body whose length nobody has told comes in chunks.
        request.chunked = request.content_length < 0
        request.body = self.body.open()
        return True

    def credit(self, number: int, count: int) -> None:
        """So much of the streamed body of the request of that number was taken."""
        if number != self.number:
            return
        session = self.session
        session.protocol.reopen(self.state, count)
        if not session.inside:
            session.pump()

    def send_continue(self) -> None:
        request = self.request
        if request is not None and request.expect_continue:
            request.expect_continue = False
            if self.state.receiving and (self.response is None or not self.response.headers_sent):
                self.inform(100, [])

    def pull(self) -> None:
        with self.engine.guard:
            self.session.look()

    def await_body(self, waits: bool) -> None:
        if self.out is None:
            self.deadline = self.engine.deadline_of(self.engine.body_timeout) if waits else 0.0

    def give_up_body(self) -> None:
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.end(True)
            self._ring()

    def wait_readable(self, pulse: Callable[[], object]) -> None:
        self._wait(pulse, True)

    # Another protocol.

    def expect_driver(self) -> None:
        """The request asks for another protocol (RFC 8441): what comes from now on is kept until somebody speaks it.
        """
        self.early = []

    def become(self, driver: Driver) -> None:
        self.driver = driver
        if self.early and self.session.inside:
            self.session.attend_soon(self)

    def go_on(self) -> None:
        """Its request is to be served; or its driver has room again, or is there at last."""
        if not self.running:
            self.session.serve(self)
            return
        early, self.early = self.early, None
        if self.broken or self.driver is None:
            return
        if early:
            self._feed_driver(b"".join(early))
        unheeded, self.unheeded = self.unheeded, 0
        if unheeded and self.driver is not None:
            self._credit_driver(unheeded)
        if not self.session.inside:
            self.session.pump()

    def _feed_driver(self, data: bytes) -> None:
        # Held here, since it may be let go of inside the call.
        driver = self.driver
        if driver is None:
            if self.early is not None:
                self.early.append(data)
            return
        driver.receive(data)
        self._credit_driver(len(data))

    def _credit_driver(self, count: int) -> None:
        """Let the client send more, unless what it has sent is still to be used."""
        driver = self.driver
        if driver is not None and driver.full():
            self.unheeded += count
        else:
            self.session.protocol.reopen(self.state, count)

    def write(self, data: Octets) -> None:
        with self.engine.guard:
            if self.broken:
                raise ClientDisconnected()
            self._send_content(bytes(data), False)
            self.session.gathered(False)

    def write_two(self, head: bytes, body: Octets) -> None:
        self.write(head + bytes(body))

    # The answer.

    def start(self, head: ResponseHead) -> None:
        settle(head)
        self.begun = head

    def send(self, head: ResponseHead, data: bytes, last: bool) -> None:
        if self.engine.threaded:
            with self.engine.guard:
                self._send(head, data, last)
        else:
            self._send(head, data, last)

    def _send(self, head: ResponseHead, data: bytes, last: bool) -> None:
        if self.broken:
            raise ClientDisconnected()
        if head.framing == NO_BODY:
            if self.begun is not None:
                self._send_head(True)
                self.session.gathered(True)
            return
        held = self.held
        if held is not None:
            held.append(data)
            self.held = None
            data = b"".join(held)
        self.sent += len(data)
        # What is shorter than it says must not end as if it were whole: it is broken off by whoever has noticed.
        ended = (self.sent >= head.response_length if head.framing == LENGTH else last) and not self.trailing
        if self.begun is not None:
            self._send_head(ended and not data)
            if ended and not data:
                self.session.gathered(True)
                return
        self._send_content(data, ended)
        self.session.gathered(ended)

    def _send_head(self, ended: bool) -> None:
        head, self.begun = self.begun, None
        if head is not None:
            block = block_of(head)
            self.session.size += len(block)
            self.session.protocol.send_head(self.state, block, ended)

    def _send_content(self, data: bytes, ended: bool) -> None:
        """As far as nothing waits in front of it and the windows have room at once; what has none is queued whole."""
        size = len(data)
        session = self.session
        if self.out is None and not self.ending:
            if not size:
                if ended:
                    session.protocol.send_data(self.state, data, True)
                return
            if session.has_room(size) and size <= session.protocol.room(self.state):
                session.size += size
                session.protocol.send_data(self.state, data, ended)
                return
        self._queue(data)
        self.ending = self.ending or ended

    def _queue(self, data: bytes) -> None:
        out = self.out
        if out is None:
            settings, session = self.engine.settings, self.session
            size = settings.response_buffer_size
            bound = max(LEAST_SHARE, size // (1 + session.queues()))
            out = self.out = StreamOutput(bound, size * SPILL_FACTOR, settings.upload_dir, session)
            self.progress = 0
            self.deadline = self.engine.send_deadline()
            self._heed_response()
            self.session.wait_for(self)
        out.add(data)

    def _heed_response(self) -> None:
        """The application may know better how urgent its answer is (RFC 9218 section 8)."""
        response: ResponseHead | None = self.response
        if response is None or not response.fields:
            return
        for field in response.fields:
            if field.line[:9].lower() == b"priority:":
                priority = parse_priority(field.value, self.urgency, self.incremental)
                self.urgency, self.incremental = priority.urgency, priority.incremental

    def advance(self, most: int) -> int:
        """Cut up to so many octets of what is queued into frames; how many these were. With the last of them `out` is
        None, and the end of the stream on its way if it is known. Raises OSError where a file has become shorter."""
        out = self.out
        if out is None:
            return 0
        protocol = self.session.protocol
        data = out.take(min(most, protocol.room(self.state)))
        count = len(data)
        empty = not out.segments
        ended = empty and self.ending
        self.progress += count
        self._ring()
        if empty:
            out.close()
            self.out = None
            self.deadline = 0.0
        elif self.progress >= PROGRESS:
            self.progress = 0
            self.deadline = self.engine.send_deadline()
        protocol.send_data(self.state, data, ended and self.trailer_block is None)
        if ended and self.trailer_block is not None:
            protocol.send_head(self.state, self.trailer_block, True)
            # The next request of this object has its own.
            self.trailer_block = None
        return count

    def hold(self, head: ResponseHead, data: bytes) -> None:
        if self.broken:
            raise ClientDisconnected()
        if self.held is None:
            self.held = []
        if data:
            self.held.append(data)

    def push(self) -> None:
        if self.engine.threaded:
            with self.engine.guard:
                self._push()
        else:
            self._push()

    def _push(self) -> None:
        if self.broken:
            raise ClientDisconnected()
        head = self.begun
        held, self.held = self.held, None
        if head is not None:
            self._send_head(head.framing == NO_BODY)
        if held:
            data = b"".join(held)
            self.sent += len(data)
            self._send_content(data, False)
        if head is not None or held:
            self.session.gathered(False)

    def send_file(self, fd: int, offset: int, count: int) -> int:
        with self.engine.guard:
            self._push()
            if self.broken:
                # It was sent to nobody, and nobody would let go of what is queued now.
                raise ClientDisconnected()
            self._queue(b"")
            if self.out is not None and count:
                if os.fstat(fd).st_size < offset + count:
                    count = max(0, os.fstat(fd).st_size - offset)
                if count:
                    self.out.add_file(fd, offset, count)
            self.sent += count
            self.session.gathered(False)
        return count

    def read_file(self, fd: int, offset: int, count: int) -> int:
        # What is sent is read in any case.
        return self.send_file(fd, offset, count)

    def takes_trailers(self, head: ResponseHead) -> bool:
        if head.prefix is None:
            return False
        settle(head)
        self.trailing = head.framing != NO_BODY
        return self.trailing

    def send_trailers(self, head: ResponseHead, fields: list[FieldLine]) -> None:
        with self.engine.guard:
            self._push()
            self.trailing = False
            if fields and self.state.sending:
                self._send_trailers(block_of_fields(fields))
                self.session.gathered(True)

    def _send_trailers(self, block: bytes) -> None:
        if self.out is not None:
            self.trailer_block = block
            self.ending = True
        else:
            self.session.protocol.send_head(self.state, block, True)

    def promise_trailers(self) -> None:
        """Keep the end of the response for the trailer fields that `add_trailers` may bring until then."""
        self.trailing = True

    def add_trailers(self, fields: list[FieldLine]) -> None:
        """Fields that go behind the content when the gateway is done."""
        if self.trailing:
            self.trailer_block = (self.trailer_block or b"") + block_of_fields(fields)

    def inform(self, status: int, fields: list[FieldLine]) -> None:
        with self.engine.guard:
            if self.broken:
                raise ClientDisconnected()
            self.session.protocol.send_head(self.state, block_of_status(status, fields), False)
            self.session.gathered(False)

    def queued(self) -> int:
        out = self.out
        return 0 if out is None else out.size + out.spilled

    def is_flushed(self) -> bool:
        return self.out is None and self.session.connection.is_flushed()

    def must_wait(self) -> bool:
        # Asked without the guard: another thread may send the last of it meanwhile.
        out = self.out
        return out is not None and out.full()

    def wait_writable(self, pulse: Callable[[], object]) -> None:
        self._wait(pulse, False)

    def _lacks(self, body: bool) -> bool:
        """Whether what is waited for is not there: a piece of the body, or room for more of the answer."""
        if not body:
            return self.must_wait()
        stream = self.stream
        return stream is not None and not stream.pieces

    def _wait(self, pulse: Callable[[], object], body: bool) -> None:
        """Block for a piece of the body, or for room, as long as the client is there. Whatever comes on the connection
        is taken in by whoever waits there."""
        engine = self.engine
        # Not `deadline`, which may be that of what is queued.
        latest = engine.deadline_of(engine.body_timeout) if body else 0.0
        bell = Bell()
        try:
            # What has come since the last look needs no waiting.
            self._look(bell, latest)
            while self._lacks(body) and not self.broken:
                fd = self.session.connection.fd
                if fd < 0:
                    return
                bell.wait(fd, self.session.interest(), engine.sweep_seconds)
                pulse()
                engine.tick()
                self._look(bell, latest)
        finally:
            with engine.guard:
                self.bell = None
            bell.close()

    def _look(self, bell: Bell, latest: float) -> None:
        """Take in what has come, and look at the time; `latest`: until when a body may come."""
        engine = self.engine
        with engine.guard:
            self.bell = bell
            bell.answered()
            self.session.look()
            if self.deadline and self.deadline <= engine.now:
                self.expire()
            if latest and latest <= engine.now:
                self.give_up_body()

    def _ring(self) -> None:
        """Something has changed for whoever waits in another thread."""
        if self.bell is not None:
            self.bell.ring()

    # The end.

    def finish(self, keep: bool) -> None:
        if self.engine.threaded:
            with self.engine.guard:
                self._finish(keep)
        else:
            self._finish(keep)

    def conclude(self, keep: bool) -> bool:
        self.finish(keep)
        return False

    def _finish(self, keep: bool) -> None:
        if not self.running:
            if self.engine.stray is not None:
                self.engine.stray()
            return
        self.running = False
        self.engine.running -= 1
        if not self.broken:
            self._end()
        self.close()
        self.session.finished(self, keep)

    def _end(self) -> None:
        """See that the end of the stream follows what was sent."""
        head, held = self.begun, self.held
        if not self.state.sending or self.ending:
            return
        trailers, self.trailing = self.trailer_block, False
        self.held = None
        if head is not None:
            ended = head.framing == NO_BODY or not (held or trailers)
            self._send_head(ended)
            if ended:
                return
        data = b"".join(held) if held else b""
        self.sent += len(data)
        if trailers is None:
            self._send_content(data, True)
            return
        if data:
            self._send_content(data, False)
        self._send_trailers(trailers)

    def close(self) -> None:
        """Let go of the request; what is queued still goes."""
        if self.body is not None:
            self.session.bodies -= 1
            self.body.close()
            self.body = None
        self.give_up_body()
        self.driver = None
        self.early = None
        request = self.request
        if request is not None and isinstance(request.body, CreditedBody):
            request.body.let_go()
        self.request = None
        self.response = None
        self.begun = None
        self.held = None

    def lose(self) -> None:
        """Nothing reaches the client any more: whoever works for it hears of it."""
        self.broken = True
        self.deadline = 0.0
        self.drop_queue()
        self.give_up_body()
        self._ring()
        if self.running:
            handler = self.engine.handler
            handler.disconnected(self)
            handler.writable(self)
        else:
            self.close()

    def drop_queue(self) -> None:
        """Forget what waits for the client's windows."""
        out, self.out = self.out, None
        self.trailer_block = None
        if out is not None:
            out.close()
            self.session.wait_no_more(self)

    def expire(self) -> None:
        """The client has neither sent nor taken enough in its time."""
        others = self.session.moved_at + self.engine.send_timeout
        if self.out is not None and self.state.window > 0 and others > self.engine.now:
            # It took content of other streams, as we have chosen: it is not late with this one.
            self.deadline = others
            return
        self.deadline = 0.0
        if self.out is not None:
            self.session.reset(self, INTERNAL_ERROR)
        elif self.stream is not None:
            self.give_up_body()
        else:
            self.session.time_is_up(self)

    def refuse(self, error: HTTPError) -> None:
        """Answer what cannot be served; the connection goes on."""
        handler = self.engine.handler
        if self.running:
            # Only a streamed body can be wrong now; the application has the request and sees a body that ends early.
            handler.body_is_wrong(self, error)
            self.give_up_body()
            return
        try:
            self.answer(handler.refused(self, error))
        except ClientDisconnected:
            pass
        self.close()
        self.session.finished(self, True)

    def break_off(self, head: ResponseHead) -> None:
        self.abort()

    def abort(self) -> None:
        with self.engine.guard:
            self.session.reset(self, INTERNAL_ERROR)

    def drop(self) -> None:
        self.abort()
        self.finish(True)

    def cut(self, page: Page | None) -> None:
        """Beside the thread that runs the request, which sees `broken` and sends nothing more."""
        with self.engine.guard:
            self.begun = self.held = None
            if page is None or not self.state.sending:
                self.session.reset(self, INTERNAL_ERROR)
                return
            settle(page)
            protocol = self.session.protocol
            body = b"" if page.framing == NO_BODY or len(page.body) > protocol.room(self.state) else page.body
            protocol.send_head(self.state, block_of(page), not body)
            if body:
                protocol.send_data(self.state, body, True)
            self.session.gathered(False)
