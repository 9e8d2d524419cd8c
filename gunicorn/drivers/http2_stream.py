"""One stream of a connection of HTTP/2 as an exchange: its client, the body of its request, and whoever works for it.

An object serves one request after the other, as the connections of HTTP/1 do: what the gateway has made for its client
is made once. In a worker with threads all that touches the connection holds the engine's `guard`.
"""

from __future__ import annotations

from _thread import get_native_id

from gunicorn.engine.buffers import BodyStore, BodyStream
from gunicorn.engine.driver import Driver
from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.http.errors import HTTPError, LateBody, LimitRequestBody
from gunicorn.http.request import Request
from gunicorn.wire.http2_streams import Stream
from gunicorn.wire.priority import URGENCY

from .bell import Bell
from .http2_answers import LEAST_SHARE, MultiplexedConnection, StreamAnswers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Octets

# So much of a body must come in `body_timeout`, or the rest of it.
BODY_PROGRESS = 1024
# A body that is stored may have so much under way.
STORED_WINDOW = 1 << 20


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


class StreamExchange(StreamAnswers):
    """A request and its answer."""

    __slots__ = ("body", "driver", "early", "unheeded")

    def begin(self, session: MultiplexedConnection) -> None:
        """What `__init__` would do; `open` begins with each request."""
        connection = session.connection
        self.begin_exchange(connection.engine, connection.peer, connection.listener)
        self.session = session
        self.running = False
        self.bell = None
        self.body: BodyStore | None = None
        self.out = None
        self.begun = None
        self.held = None
        self.trailer_block = None
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
        self.sent = 0
        self.ending = False
        self.trailing = False
        self.trailer_block = None
        self.urgency = URGENCY
        self.incremental = True
        # Of another protocol: octets that its driver has and was too full to be given more.
        self.unheeded = 0
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
            self.ring()
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
            self._end_driver()
            return False
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.end(False)
            self.ring()
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

    def give_up_body(self, fault: HTTPError | None = None) -> None:
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.break_off(fault)
            self.ring()

    # Another protocol.

    def expect_driver(self) -> None:
        """The request asks for another protocol (RFC 8441): what comes from now on is kept until somebody speaks it.
        """
        self.early = []

    def become(self, driver: Driver) -> None:
        self.driver = driver
        if self.session.inside and (self.early or not self.state.receiving):
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
        if not self.state.receiving:
            self._end_driver()
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

    def _end_driver(self) -> None:
        """Tell of the end of the stream, behind all that came in front of it: what a full driver has not looked at yet
        counts first, and `go_on` comes again."""
        driver = self.driver
        if driver is not None and not driver.full():
            driver.ended()

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
            self.send_content(bytes(data), False)
            self.session.gathered(False)

    def write_two(self, head: bytes, body: Octets) -> None:
        self.write(head + bytes(body))

    # Threads that wait.

    def wait_readable(self, pulse: Callable[[], object]) -> None:
        self._wait(pulse, True)

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
                self.give_up_body(LateBody())

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
            self.send_end()
        self.close()
        self.session.finished(self, keep)

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

    def refuse(self, error: HTTPError) -> None:
        """Answer what cannot be served; the connection goes on."""
        handler = self.engine.handler
        if self.running:
            # Only a streamed body can be wrong now; the application has the request and sees a body that ends early.
            handler.body_is_wrong(self, error)
            self.give_up_body(error)
            return
        try:
            self.answer(handler.refused(self, error))
        except ClientDisconnected:
            pass
        self.close()
        self.session.finished(self, True)

    def drop(self) -> None:
        self.abort()
        self.finish(True)
