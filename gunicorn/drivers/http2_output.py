"""What the streams of a connection send, in one line for the kernel: the most urgent first, each as its windows let it.

Answers that are complete go together, at the end of the octets that have asked for them; whatever is not complete goes
at once. A stream's content beyond its windows stays in the stream's own queue, and not in that of the connection, which
holds no more than AHEAD octets of it: a stream that nobody takes from holds up no other.
"""

from __future__ import annotations

from gunicorn.engine.buffers import Spill
from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.engine.state import EngineState
from gunicorn.unix.unpatched import select
from gunicorn.wire.http2_frames import HEAD_SIZE, INTERNAL_ERROR

from .http2_answers import PIECE, PROGRESS, MultiplexedConnection, StreamAnswers

# So many octets of content and its frames may wait for the kernel; and so many of anything before no more is read.
AHEAD = 65536
MOST_UNSENT = 131072
# The place of what was sent is not used again: a file of that size is left to those that are in it.
LARGEST_SPILL = 1 << 26


class SharedOutput(MultiplexedConnection):
    """The sending half of a session. `waiting`: streams with content that waits for windows, in the order in which they
    are served. `receiving`: the protocol looks at octets just now. `moved`: octets of content that have gone since
    `moved_at`."""

    __slots__ = ("engine", "moved", "receiving", "spilled", "waiting")

    engine: EngineState
    moved: int
    receiving: bool
    spilled: Spill | None
    waiting: list[StreamAnswers]

    # What the session says.

    def lost(self, exchange: StreamAnswers) -> None:
        """A stream has ended in the middle."""
        raise NotImplementedError

    def drained(self, exchange: StreamAnswers) -> None:
        """All of an answer is sent whose gateway was done with it before."""
        raise NotImplementedError

    def pumped(self) -> None:
        """All is sent that can be for now."""
        raise NotImplementedError

    # Reading from a client that takes nothing.

    def full(self) -> bool:
        # Of a client that sends and never reads: the kernel tells it to wait.
        return self.connection.queued() > MOST_UNSENT

    def interest(self) -> int:
        events: int = 0 if self.full() else select.POLLIN
        return events if self.connection.out is None else events | select.POLLOUT

    # Sending.

    def gathered(self, ended: bool) -> None:
        # While octets are looked at, a connection that fails would end behind the back of whoever looks.
        if not self.receiving and (not self.inside or not ended or self.size >= AHEAD):
            self.pump()

    def has_room(self, size: int) -> bool:
        return self.size + size <= AHEAD and self.connection.queued() < AHEAD

    def pump(self) -> None:
        connection = self.connection
        protocol = self.protocol
        if connection.multiplexer is not self:
            # It has ended, or is about to: its deadline is no affair of a request that ends only now.
            return
        try:
            while connection.fd >= 0:
                if self.waiting:
                    self._fill()
                if not protocol.out:
                    break
                self.size = 0
                connection.write(protocol.take())
                if connection.out is not None:
                    break
        except ClientDisconnected:
            connection.close()
            return
        # Looked at whenever the engine looks at deadlines: what the connection does with its own changes it.
        connection.deadline = self.engine.now
        self.pumped()

    def _fill(self) -> None:
        """Cut content that waits into frames."""
        place = 0
        waiting = self.waiting
        room = AHEAD - self.size - self.connection.queued()
        while room > HEAD_SIZE and place < len(waiting) and self.protocol.window > 0:
            exchange = waiting[place]
            if self.protocol.room(exchange.state) <= 0:
                place += 1
                continue
            try:
                count = exchange.advance(min(room - HEAD_SIZE, PIECE))
            except OSError:
                # Of a file that has become shorter: the client must not take what it has for all of it.
                self.reset(exchange, INTERNAL_ERROR)
                continue
            room -= count + HEAD_SIZE
            self.size += count + HEAD_SIZE
            self.moved += count
            if self.moved >= PROGRESS:
                self.moved, self.moved_at = 0, self.engine.now
            self._has_advanced(place, exchange)

    def _has_advanced(self, place: int, exchange: StreamAnswers) -> None:
        """A part of its content is on the way."""
        if exchange.out is None:
            self.waiting.pop(place)
            if not exchange.running:
                self.drained(exchange)
        elif exchange.incremental:
            self._give_turn(place, exchange)
        if exchange.running and not exchange.must_wait():
            self.engine.handler.writable(exchange)

    def _give_turn(self, place: int, exchange: StreamAnswers) -> None:
        """Put it behind those that are as urgent."""
        waiting = self.waiting
        end = place + 1
        while end < len(waiting):
            other = waiting[end]
            if other.urgency > exchange.urgency:
                break
            end += 1
        waiting.pop(place)
        waiting.insert(end - 1, exchange)

    def queues(self) -> int:
        return len(self.waiting)

    def spill(self) -> Spill:
        spilled = self.spilled
        if spilled is None or spilled.fd < 0 or spilled.end >= LARGEST_SPILL:
            spilled = self.spilled = Spill(self.engine.settings.upload_dir)
        return spilled

    def wait_for(self, exchange: StreamAnswers) -> None:
        self.waiting.insert(place_among(self.waiting, exchange.urgency), exchange)

    def wait_no_more(self, exchange: StreamAnswers) -> None:
        if exchange in self.waiting:
            self.waiting.remove(exchange)

    # A client that takes nothing.

    def look_at_queues(self, now: float) -> None:
        """Streams whose clients have not taken enough in their time."""
        for exchange in list(self.waiting):
            if exchange.deadline and exchange.deadline <= now:
                exchange.expire()


def place_among(queue: list[StreamAnswers], urgency: int) -> int:
    """Where one of this urgency stands in a queue: behind all that are as urgent."""
    place = len(queue)
    while place:
        other = queue[place - 1]
        if other.urgency <= urgency:
            break
        place -= 1
    return place
