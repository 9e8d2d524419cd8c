"""What connections see of their engine: the moment, the limits, and where to hand things."""

from __future__ import annotations

from _thread import get_native_id
from collections import deque

from gunicorn.http.errors import Overloaded

from . import _leaf
from ._leaf import Poller, monotonic
from .handler import Handler
from .manners import Manners
from .parking import NO_PARKING, Parking
from .settings import Settings
from .share import Share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

    from gunicorn._types import Clock
    from gunicorn.http.request import Request

# As something that can be compared: in the compiled form `monotonic` is called without one.
_MONOTONIC: Clock = _leaf.monotonic


class NoGuard:
    """The guard of an engine that one thread uses."""

    def __enter__(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None: ...


class EngineState:
    """The part of an engine that its connections share. Times in seconds of the engine's clock."""

    __slots__ = (
        "again", "body_timeout", "clock", "closing", "count", "delays", "guard", "handler", "header_timeout", "holds",
        "keepalive", "most_running", "now", "parking", "poller", "running", "send_timeout", "settings", "share",
        "stopped", "stray", "stream_bodies", "sweep_seconds", "thread", "threaded",
    )

    def __init__(
        self, handler: Handler | None, settings: Settings, poller: Poller, clock: Clock = monotonic,
        share: Share | None = None,
    ) -> None:
        # A worker has its engine before it has an application; nothing comes before `hand_to`.
        self.handler = Handler() if handler is None else handler
        self.share = Share() if share is None else share
        self.clock = clock
        self.settings = settings
        self.poller = poller
        # With `threaded` set, what touches a connection outside its running request holds `guard`.
        self.threaded = False
        # The operating system's number of the thread that made it, and runs it where `threaded` is not set.
        self.thread = get_native_id()
        self.guard: AbstractContextManager[object] = NoGuard()
        self.now = 0.0
        self.count = 0
        # Requests that the gateway has and has not finished, and how many there may be (0: any number).
        self.running = 0
        self.most_running = settings.most_running
        # Answers say `Connection: close`; and nobody is accepted any more.
        self.closing = False
        self.stopped = False
        # In a child that the application has forked: ends it, for there is nothing to be served there.
        self.stray: Callable[..., object] | None = None
        self.keepalive = settings.keepalive
        self.header_timeout = settings.header_timeout
        self.body_timeout = settings.body_timeout
        self.send_timeout = settings.send_timeout
        # How often deadlines are looked at.
        self.sweep_seconds = 1.0
        self.stream_bodies = not settings.buffer_request_body
        # See `delay`: whether that may be, and whether it is worth it at this time.
        self.delays = False
        self.holds = False
        # Where idle connections wait for whichever worker is free.
        self.parking: Parking = NO_PARKING
        # Connections that have had their share of a turn and want another.
        self.again: deque[Any] = deque()

    def hand_to(self, handler: Handler, manners: Manners | None = None, neighbours: bool = False) -> None:
        """Requests go to this handler from now on. `manners`: how it runs them, as far as the engine must know; with
        `neighbours` other processes accept from the same sockets."""
        if handler is None:
            raise TypeError("a handler is needed")
        self.handler = handler
        if manners is not None:
            self.share = manners.share(neighbours)
            self.stream_bodies = manners.streams or self.stream_bodies
            self.threaded = manners.threaded
            self.delays = manners.delays
            if manners.threaded:
                from threading import RLock

                self.guard = RLock()

    def streams(self, request: Request) -> bool:
        """Whether a request is handed on before its body is there. A client that waits until it is asked for its body
        (RFC 9110 section 10.1.1) is not asked where the head alone decides on the answer."""
        handler = self.handler
        if self.stream_bodies and handler.streams(request):
            return True
        return request.expect_continue and handler.answers(request)

    def refuse_beyond(self, request: Request) -> None:
        """As many requests as may run are there, or more. Raises `Overloaded`, unless this one is no more than that."""
        # A client that has its response may ask again before the thread that sent it has come to its end.
        running = self.running - self.handler.answered()
        if running >= self.most_running and not self.handler.answers(request):
            raise Overloaded(f"{running} requests are running")

    def deadline_of(self, seconds: float) -> float:
        """The moment `seconds` from now; 0.0 (never) for a limit of 0."""
        return self.now + seconds if seconds else 0.0

    def send_deadline(self) -> float:
        """The moment until which a slow client must have taken something.

        Asked of the clock: `now` is that of the last turn, and an application may have run for long since.
        """
        return self.clock() + self.send_timeout if self.send_timeout else 0.0

    def tick(self) -> float:
        """Look at the clock: the moment, which is `now` from here on."""
        clock = self.clock
        self.now = monotonic() if clock is _MONOTONIC else clock()
        return self.now

    def exchanges(self) -> list[Any]:
        """The requests that run."""
        raise NotImplementedError

    def others_wait(self) -> bool:
        """Whether clients wait for the request that is begun now, in this process or in the kernel."""
        raise NotImplementedError

    def delay(self, connection: object) -> bool:
        """Whether what this connection has to send goes at the end of the turn, with that of others; it is asked for it
        then (`Transport.send_delayed`)."""
        raise NotImplementedError

    def send_delayed(self) -> None:
        """Nobody waits any longer for the end of the turn: something in it takes its time."""
        raise NotImplementedError

    def attend(self, connection: Any) -> None:
        """Serve what has come on a connection; whatever goes wrong ends that connection and nothing else."""
        raise NotImplementedError

    def wake(self) -> None:
        """End a `poll` that waits in another thread."""
        raise NotImplementedError

    def forget(self, connection: Any, fd: int) -> None:
        """A connection is being closed."""
        raise NotImplementedError
