"""One client's connection, from accept to close: what the poller says of it, what is read, and who waits for it.

    Transport            a descriptor: octets to the kernel
    Answers              how answers are written
    Ending               what is known of it, its states, and how it ends
    RequestSequence      requests, their bodies, and the time between two
    Connection           here

Interest in the descriptor is edge-triggered: `readable` remembers that the kernel may have octets for us until a
read comes back short. While a request runs nothing is read, so a client that sends ahead fills its own window and not
our memory.

In a worker with threads the engine touches a connection only under its `guard`, and so does a thread that ends a
request.
"""

from __future__ import annotations

from gunicorn.engine._leaf import HANGUP, READABLE, RECEIVE_SIZE, WRITABLE, peek, receive
from gunicorn.engine.buffers import BodyStore
from gunicorn.engine.driver import Driver
from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.listener import Listener
from gunicorn.engine.multiplexer import Multiplexer
from gunicorn.engine.state import EngineState
from gunicorn.http.errors import HTTPError, LateBody
from gunicorn.http.request import Request
from gunicorn.unix.unpatched import select
from gunicorn.wire.protocol import NEED_DATA, Protocol

from .http1_answers import Answers
from .http1_ending import CLOSED, LINGERING, MULTIPLEXED, READING, RUNNING, TURNS
from .http1_requests import DIRECT, RequestSequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Peer


class Connection(RequestSequence):
    """A connection and the request on it. `engine` owns it; a gateway answers through it."""

    __slots__ = ()

    def begin(self, engine: EngineState, fd: int, peer: Peer, listener: Listener, protocol: Protocol) -> None:
        """What `__init__` would do: the opener makes the object by `__new__`, a plain allocation when compiled."""
        self.begin_exchange(engine, peer, listener)
        self.begin_transport(fd)
        # There the kernel holds nothing back.
        self.at_once = listener.is_unix
        self.begun = None
        self.held = None
        self.protocol = protocol
        self.state = READING
        self.readable = True
        self.hangup = False
        self.reading = False
        self.processing = False
        self.awaited = False
        self.keep = False
        self.driver = self.multiplexer = None
        self.skipping = False
        self.deadline = engine.deadline_of(engine.header_timeout)
        self.body = None

    # What the poller says.

    def on_event(self, flags: int) -> None:
        """The kernel says that something has changed."""
        if flags & HANGUP:
            self.hangup = True
            self.readable = True
        elif flags & READABLE:
            self.readable = True
        if flags & WRITABLE and self.out is not None:
            self.flush()
        if self.state == READING or self.stream is not None or self.driver is not None:
            self.process()
        elif self.state == LINGERING:
            self.discard()
        elif self.hangup and self.state == RUNNING:
            self.engine.handler.disconnected(self)

    def process(self) -> None:
        """Read and serve until the client must send more, or a request is running elsewhere."""
        # Where requests share the connection, one that waits for something reads on while others are being served.
        if (self.processing and self.multiplexer is None) or self.awaited:
            return
        self.processing = True
        self.reading = False
        try:
            self._serve()
        except HTTPError as error:
            self._refuse_or_change(error)
        except (ClientDisconnected, OSError):
            if not self.reading and self.state == RUNNING:
                # Not the client's doing: something that a gateway runs in here has failed.
                raise
            self.fail()
        finally:
            self.processing = False
        if self.state == READING:
            self.await_request()
        elif self.stream is not None or self.driver is not None:
            self.watch()

    def _serve(self) -> None:
        """Use what has come, and read on, as long as there is somebody to take it."""
        turns = 0
        while self.state == READING or self.stream is not None or self.driver is not None:
            if self.driver is not None:
                if not self._feed_driver():
                    return
            else:
                event = self.protocol.next_event()
                if event != NEED_DATA:
                    self.take(event)
                    continue
                if self.stream is not None and self.stream.full:
                    return
            if not self.readable:
                self.engine.poller.arm_read(self.fd)
                return
            if self.state == READING and self.out is not None:
                # Our part of the handshake, or of TLS itself, comes first: `flush` looks again.
                return
            turns += 1
            if turns > TURNS:
                self.take_turn()
                return
            self.reading = True
            if not self._read():
                return
            self.reading = False

    def _feed_driver(self) -> bool:
        """Give it what came behind the request that has led to it; whether it takes more."""
        driver = self.driver
        if driver is not None and self.protocol.is_pending():
            driver.receive(self.protocol.rest())
            driver = self.driver
        return driver is not None and not driver.full()

    def _refuse_or_change(self, error: HTTPError) -> None:
        """What has come is no request of HTTP/1. The first octets may be those of another protocol."""
        if self.state == READING and not self.number and self.body is None:
            told: HTTPError | None = self.opener.serves_preface(self, error)
            if told is None:
                return
            error = told
        self.refuse(error)

    def go_on(self) -> None:
        if self.out is not None:
            self.flush()
        if self.state == LINGERING:
            self.discard()
        elif self.state != CLOSED:
            self.process()

    # Reading.

    def pull(self) -> None:
        """Take in what has come of a streamed body, for a reader that asks before the poller tells."""
        turns = 0
        try:
            while self.stream is not None and turns < TURNS:
                event = self.protocol.next_event()
                if event != NEED_DATA:
                    self.take(event)
                    continue
                if self.stream.full or not self.readable:
                    return
                turns += 1
                if not self._read():
                    return
        except HTTPError as error:
            self.refuse(error)
        except (ClientDisconnected, OSError):
            self.fail()

    def _read(self) -> bool:
        """Move octets from the kernel to the protocol; whether there is something new to look at."""
        if self.body is not None and self.body.reserved is not None:
            wanted = self.protocol.wanted()
            if wanted >= DIRECT:
                return self._read_directly(self.body, wanted)
        data = receive(self.fd)
        if data is None:
            self.readable = False
            return True
        if not data:
            self.end_of_stream()
            return False
        # A short read means that the kernel has no more, unless it has an end of stream to tell.
        if len(data) < RECEIVE_SIZE:
            self.readable = self.hangup
        self.take_in(data)
        return True

    def _read_directly(self, body: BodyStore, wanted: int) -> bool:
        """Let the kernel put octets of a body of known length where the application will find them."""
        place = body.reserved
        if place is None:
            raise ValueError("no room was made for the body")
        count = place.receive(self.fd, wanted)
        if count < 0:
            self.readable = False
            return True
        if count == 0:
            self.end_of_stream()
            return False
        if count < wanted:
            self.readable = self.hangup
        body.size += count
        self.protocol.took(count)
        return True

    def take_in(self, data: bytes) -> None:
        """Octets have come: they are HTTP/1's, or those of what the connection has become."""
        # Held here, since it may be let go of inside the call: the compiled form takes no reference of its own for a
        # call on an attribute.
        driver = self.driver
        if driver is None:
            self.protocol.receive(data)
            return
        try:
            driver.receive(data)
        except OSError as error:
            # Not the client's doing: around a read it would be taken for that, and nobody be told.
            raise RuntimeError("what the connection has become has failed") from error

    # Waiting for the client on this very thread.

    def wait_writable(self, pulse: Callable[[], object]) -> None:
        engine = self.engine
        waiter = select.poll()
        waiter.register(self.fd, select.POLLOUT)
        while self.must_wait():
            waiter.poll(1000 * engine.sweep_seconds)
            pulse()
            engine.tick()
            with engine.guard:
                self.flush()
                if self.deadline and self.deadline <= engine.now:
                    self.expire()

    def wait_readable(self, pulse: Callable[[], object]) -> None:
        with self.engine.guard:
            # What has come behind the head, or since the last look, needs no waiting.
            self.pull()
            stream = self.stream
            if stream is None or stream.pieces:
                return
            # From here on nobody else reads: what another thread took in would be waited for in the kernel in vain.
            self.awaited = True
        try:
            self._wait_for_body(pulse)
        finally:
            with self.engine.guard:
                self.awaited = False
                self.readable = True
                # Not `process`, which may be what has called the application.
                self.pull()

    def _wait_for_body(self, pulse: Callable[[], object]) -> None:
        engine = self.engine
        waiter = select.poll()
        waiter.register(self.fd, select.POLLIN)
        deadline = engine.deadline_of(engine.body_timeout)
        while not waiter.poll(1000 * engine.sweep_seconds) and self.stream is not None:
            pulse()
            engine.tick()
            if deadline and engine.now >= deadline:
                with engine.guard:
                    self.give_up_body(LateBody())

    def await_body(self, waits: bool) -> None:
        # While something waits for the client, the limit is that on its taking it.
        if self.out is None:
            self.deadline = self.engine.deadline_of(self.engine.body_timeout) if waits else 0.0

    # Whether the client is there.

    def disconnected(self) -> bool:
        """Whether the client has left. A client that has only shut its sending side counts as gone."""
        if self.broken or self.state == CLOSED:
            return True
        if self.protocol.is_pending() or self.stream is not None:
            return False
        return self._has_ended()

    def _has_ended(self) -> bool:
        """Whether the client has said that nothing more comes: nothing that it has sent may be lost by asking."""
        return peek(self.fd) < 0

    def watch_client(self) -> bool:
        if self.state == CLOSED:
            return False
        self.watch()
        return self.hangup and self.stream is None and self.driver is None

    # What is known of it.

    def is_attended(self) -> bool:
        return self.processing

    def partial_request(self) -> Request | None:
        return self.protocol.partial()

    def unread(self) -> bytes:
        return self.protocol.rest()

    def exchanges(self) -> list[Exchange]:
        if self.multiplexer is not None:
            return self.multiplexer.exchanges()
        return [self] if self.state == RUNNING else []

    def give_body(self) -> BodyStore | None:
        """The body of its last request, which whoever asks closes."""
        body, self.body = self.body, None
        return body

    # What it becomes.

    def become(self, driver: Driver) -> None:
        self.driver = driver

    def multiplex(self, multiplexer: Multiplexer) -> None:
        """From now on this one has the connection: requests, answers, time limits and its end."""
        self.driver = self.multiplexer = multiplexer
        # It gathers what its streams have to send itself.
        self.at_once = True
        self.state = MULTIPLEXED
        self.keep = False
        self.deadline = self.engine.now

    def send_delayed(self) -> None:
        if self.delayed:
            Answers.send_delayed(self)
        if self.multiplexer is not None:
            self.multiplexer.send_delayed()

    def look(self) -> None:
        """Send what is queued and take in what has come, for somebody who waits for either."""
        self.flush()
        self.readable = True
        self.engine.attend(self)

    def part(self) -> None:
        """The multiplexer is done with it: end in good order, when all is sent."""
        self.driver = self.multiplexer = None
        self.end_when_sent()
