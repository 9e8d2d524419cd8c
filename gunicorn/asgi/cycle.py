"""What HTTP requests and WebSocket connections have in common: an application's task, its response, and the end of
both."""

from __future__ import annotations

import sys
from asyncio import CancelledError, Task
from operator import methodcaller

from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.errors import OwnSignal
from gunicorn.gateway.response import status_number
from gunicorn.http.errors import HTTPError
from gunicorn.http.response import LENGTH, NO_BODY, REASONS

from .gateway_state import ASGIGatewayState
from .messages import Misuse, is_about_the_client
from .waiting import UNMADE, Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gunicorn._types import Message

# A task can be stepped at once, and is so (Python 3.12).
EAGER = sys.version_info >= (3, 12)
# In the compiled form a C integer, which other modules could not import by name.
globals().update(EAGER=EAGER)

# Pieces of a stream up to this size are kept until the loop turns, and then sent together, up to so much of them.
HELD_PIECE = 4096
MOST_HELD = 16384

# Where a gateway makes the tasks itself, their method is not looked for each time.
exception_of: Callable[[Task[None]], BaseException | None] = Task.exception if EAGER else methodcaller("exception")

STATUS_LINES: dict[int, str] = {code: f"{code} {REASONS[code]}" for code in REASONS}


class Cycle(Waiting):
    """One call of an application, with the response it makes."""

    __slots__ = ("counted", "dismissed", "gone", "grace", "held_size", "informed", "releases", "started", "task")

    # Subclasses call `Cycle.open(self, ...)` and the like: there is no `super()` in a C method. Since instances have a
    # `__dict__`, a method that Python may override is looked for in it at every call: what is called for every request
    # is C alone in the compiled form, and `notice` and `on_loop_turn` are there to be bound.

    def __init__(self) -> None:
        raise TypeError(UNMADE)

    def open(self, owner: ASGIGatewayState) -> None:
        """`owner` is the gateway."""
        self.begin_waiting(owner)
        self.started = owner.engine.now
        # The scoreboard has its status already.
        self.counted = False
        self.gone = False
        # The worker stops, and the response may be without an end of its own; the application knows of the end, and
        # what it does then may take as long as it likes.
        self.dismissed = False
        self.informed = False
        self.grace: Any = None
        self.task: Any = None
        # Octets of the content that are kept until the loop turns, and whether it has been asked to send them then.
        self.held_size = 0
        self.releases = False

    # What subclasses say.

    def make_scope(self) -> dict[str, Any]:
        """The first argument of the application."""
        raise NotImplementedError

    def unanswered(self) -> None:
        """The application has ended and left its client without a whole answer."""
        raise NotImplementedError

    def body_is_wrong(self, error: HTTPError) -> None:
        """The request's body breaks the rules of its framing."""

    def count(self) -> None:
        """Tell the scoreboard of the end."""

    def outcome(self) -> int:
        """The status for the scoreboard: of the response, or of what was answered in its place; -1: it is counted."""
        if self.counted:
            return -1
        prefix = self.prefix
        return prefix.code if prefix is not None and self.headers_sent else status_number(self.status)

    def detach(self) -> None:
        """Let go of what the connection has made for this cycle."""

    # What happens to the client.

    def lost(self) -> None:
        """The client is gone: the application hears of it, and has the grace period to end."""
        if self.gone or self.concluded:
            return
        self.gone = True
        if self.task is not None:
            self.expect_end()
        self.wake()

    def expect_end(self) -> None:
        """Cancel the task unless it ends by itself in time, or is told of the end."""
        self.must_be_made()
        if self.grace is None and not self.informed:
            self.grace = self.loop.call_later(self.owner.grace_seconds, self.cancel)

    def cancel(self) -> None:
        """Cancel the application's task; how it deals with that is its own affair."""
        self.grace = None
        if self.task is not None:
            self.task.cancel()

    # Responses.

    def begin_response(self, message: Message, status: int) -> None:
        """Check and remember status and headers of a start message. Raises `Misuse`."""
        line = STATUS_LINES.get(status)
        headers = message.get("headers", ())
        try:
            self._start(f"{status} " if line is None else line, headers)
        except (HTTPError, TypeError, ValueError) as error:
            # The application may answer with something else.
            self._restart()
            raise Misuse(f"'headers' of a {message['type']} message: {error}") from None

    def content(self, data: bytes, more: bool) -> None:
        """Send a part of the content, behind the head if it is the first. Raises `ClientDisconnected`, `Misuse`."""
        if not self.headers_sent:
            length = -1
            if not more and (data or self.request.method != "HEAD"):
                length = len(data)
            self._begin(length)
        framing = self.framing
        if more and len(data) <= HELD_PIECE and framing != LENGTH and framing != NO_BODY:
            self.hold(data)
            return
        self.held_size = 0
        excess = framing == LENGTH and len(data) > self.response_length - self.sent
        self._send(data, not more)
        if excess:
            raise Misuse(f"more content than the Content-Length of {self.response_length} bytes")
        if framing == LENGTH and not more and self.sent < self.response_length:
            raise Misuse(f"content of {self.sent} bytes, less than the Content-Length of {self.response_length}")

    def hold(self, data: bytes) -> None:
        """Keep a small piece behind what is kept already, or behind the head: what is sent at a stretch takes one
        segment. Raises `ClientDisconnected`.
        """
        self.exchange.hold(self, data)
        self.sent += len(data)
        self.held_size += len(data)
        if self.held_size > MOST_HELD:
            self.release()
        elif not self.releases:
            self.releases = True
            # Untyped in the compiled form, which can make a bound method of nothing else.
            cycle: Any = self
            self.loop.call_soon(cycle.on_loop_turn)

    def on_loop_turn(self) -> None:
        """The loop has turned."""
        self.must_be_made()
        self.releases = False
        if self.concluded:
            # The exchange may be another cycle's.
            return
        try:
            self.release()
        except ClientDisconnected:
            self.lost()

    def release(self) -> None:
        """Send what was kept. Raises `ClientDisconnected`."""
        self.held_size = 0
        self.exchange.push()

    # The end.

    def conclude(self) -> None:
        """The response is complete, or cannot be: log it, and let the connection go on."""
        if self.concluded:
            return
        self.concluded = True
        self.detach()
        if self.grace is not None:
            self.grace.cancel()
            self.grace = None
        owner = self.owner
        self.count()
        if owner.watches:
            owner.report(self)
        # Whoever was told of the stop ends for its sake: its client comes back, and not on this connection.
        keep = not (self.close or self.dismissed or self.request.forced_close)
        # A next request that waits already must not run inside this task.
        if self.exchange.conclude(keep):
            self.look_again()
        self.wake()

    def look_again(self) -> None:
        """Have the connection look soon at what its client has sent."""
        # Untyped in the compiled form, which can make a bound method of nothing else.
        engine: Any = self.owner.engine
        self.loop.call_soon(engine.attend, self.exchange)

    def ended(self, task: Any) -> None:
        """The task is done; called by it."""
        self.must_be_made()
        try:
            self.end(task)
        except OwnSignal:
            raise
        except BaseException as error:  # the boundary around one connection
            if self.concluded:
                # The connection is another request's by now.
                raise
            engine: Any = self.owner.engine
            engine.failed(self.exchange, error)

    def end(self, task: Any) -> None:
        """The task is done."""
        if self.task is not None:
            self.owner.tasks.discard(task)
            self.task = None
        if self.grace is not None:
            self.grace.cancel()
            self.grace = None
        try:
            error = exception_of(task)
        except CancelledError:
            error = None
        if error is not None:
            self.failed(error)
        elif not self.concluded:
            self.unanswered()

    def failed(self, error: BaseException) -> None:
        """The application, or a hook, has raised: the connection is let go of first, and the log told then."""
        self.must_be_made()
        expected = (self.gone or self.dismissed) and is_about_the_client(error)
        try:
            if not self.concluded and not (expected and self.ends_in_order()):
                self.give_up()
        finally:
            log = self.owner.log
            if expected:
                log.debug("The client left before its response was complete: %s", self.request.uri)
            else:
                log.error("Exception in ASGI application: %s", self.request.uri, exc_info=error)

    def ends_in_order(self) -> bool:
        """End a response of which the application was told that its worker stops; False where that cannot be."""
        return False

    def refuse(self, error: HTTPError) -> None:
        """Answer a request that cannot be served."""
        self.must_be_made()
        self.close = True
        # By whoever refuses it, who writes its line of the access log, too.
        self.counted = True
        try:
            self.exchange.answer(self.owner.refused(self.exchange, error))
        except ClientDisconnected:
            pass
        self.conclude()

    def break_off(self, error: HTTPError) -> None:
        """The application takes too long: answer with `error` if nothing was sent, and cancel its task."""
        if self.headers_sent:
            self.give_up()
        else:
            self.refuse(error)
        self.gone = True
        self.cancel()

    def give_up(self) -> None:
        """Answer 500, or break off what has begun, so that no client takes half for whole."""
        self.must_be_made()
        exchange = self.exchange
        if self.framing != LENGTH or not self.whole:
            self.close = True
        if exchange.is_running() and not exchange.broken:
            if self.headers_sent:
                self.on_loop_turn()
                if not self.whole:
                    exchange.break_off(self)
            else:
                self.status = "500 Internal Server Error"
                self.headers = []
                try:
                    exchange.answer(self.owner.page(self.request, 500, ""))
                except ClientDisconnected:
                    pass
        self.conclude()
