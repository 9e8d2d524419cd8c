"""What an application awaits: `receive` and `send` of ASGI, and who waits there for the client."""

from __future__ import annotations

from types import CoroutineType

from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.gateway.response import Response

from .awaitables import Waiter, mark_as_coroutine_function, thrown
from .gateway_state import ASGIGatewayState
from .messages import Disconnected, Misuse, as_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What `receive` and `send` return is for: the next message; one that is to be sent, then room for more; a turn for
# others; nothing any more.
RECEIVE = 0
SEND = 1
DRAIN = 2
PAUSE = 3
OVER = 4

# So many messages in a row may be sent without others getting a turn.
UNINTERRUPTED = 64

UNMADE = "only a gateway makes these"

# The result of a `send`.
DONE: Any = (None,)


class Wait:
    """What `receive` and `send` return: a coroutine that acts when it is awaited, and not when it is made.

    It asks its `cycle` again whenever it is woken; nothing is taken before it is given.
    """

    __slots__ = ("cycle", "kind", "message", "waiter")

    cycle: Waiting
    kind: int
    message: Any
    waiter: Waiter | None

    # What `inspect` and `asyncio` ask of coroutines.

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return CoroutineType

    @property
    def cr_running(self) -> bool:
        """A step never ends in the middle."""
        return False

    @property
    def cr_frame(self) -> Any:
        """There is none."""
        return None

    @property
    def cr_await(self) -> Any:
        """There is none."""
        return None

    @property
    def cr_suspended(self) -> bool:
        """Whether it waits."""
        return self.waiter is not None or self.kind == PAUSE

    @property
    def cr_state(self) -> str:
        """As Python 3.15 has it: one of the words of `inspect.getcoroutinestate`."""
        if self.cr_suspended:
            return "CORO_SUSPENDED"
        return "CORO_CLOSED" if self.kind == OVER else "CORO_CREATED"

    def __await__(self) -> Wait:
        return self

    def __iter__(self) -> Wait:
        return self

    def __next__(self) -> Any:
        found = self._step()
        if found is DONE:
            # Without a value, in the compiled form, it costs no exception.
            raise StopIteration
        if type(found) is tuple:
            raise StopIteration(found[0])
        return found

    def send(self, value: Any) -> Any:
        """The protocol of coroutines."""
        found = self._step()
        if type(found) is tuple:
            raise StopIteration(found[0])
        return found

    def _step(self) -> Any:
        """The result in a tuple of one, or what the task waits for. (In the compiled form every function that an
        exception passes through costs as much as a small one of them does.)"""
        cycle = self.cycle
        kind = self.kind
        if cycle is None:
            # Compiled it may be: whoever has one can make another by its type.
            raise RuntimeError("only receive() and send() make these")
        # Whatever is raised from here on, it is over.
        self.kind = OVER
        waiter = self.waiter
        if kind == SEND:
            kind = cycle.act(self.message)
            if kind == OVER:
                return DONE
            if kind == PAUSE:
                self.kind = PAUSE
                return None
        elif waiter is not None:
            self.waiter = None
            cycle.leave(waiter)
        elif kind == PAUSE:
            return DONE
        elif kind == OVER:
            raise RuntimeError("what receive() or send() returned was awaited before")
        elif cycle.must_yield():
            self.kind = kind
            return None
        found = cycle.next_message() if kind == RECEIVE else cycle.drained()
        if found is not None:
            return found
        cycle.streak = 0
        waiter = self.waiter = Waiter(cycle.loop)
        waiter._asyncio_future_blocking = True
        cycle.wait_with(waiter)
        self.kind = kind
        return waiter

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        """The protocol of coroutines: stop waiting and raise what is thrown in."""
        self.close()
        raise thrown(kind, value)

    def close(self) -> None:
        """The protocol of coroutines: stop waiting, or never begin."""
        self.kind = OVER
        self.message = None
        waiter, self.waiter = self.waiter, None
        if waiter is not None:
            self.cycle.leave(waiter)


def make_wait(cycle: Waiting, kind: int, message: Any) -> Wait:
    if cycle.owner is None:
        # Compiled it may be; see `Waiting.must_be_made`.
        raise RuntimeError(UNMADE)
    # A plain allocation when compiled.
    wait = Wait.__new__(Wait)
    wait.cycle = cycle
    wait.kind = kind
    wait.message = message
    wait.waiter = None
    return wait


class Waiting(Response):
    """A response whose application waits for messages, and for the client to take what it has sent."""

    __slots__ = ("concluded", "loop", "owner", "streak", "waiting")

    def begin_waiting(self, owner: ASGIGatewayState) -> None:
        """This part of what `__init__` would do; `owner` is the gateway."""
        self.owner = owner
        self.loop: Any = owner.loop
        # Few ever wait: the list is made for the first one.
        self.waiting: list[Waiter] | None = None
        # The response is complete, or will never be; the connection has gone on without this cycle.
        self.concluded = False
        # Messages since others had a turn.
        self.streak = 0

    def must_be_made(self) -> None:
        """Raises RuntimeError for a cycle that Python has allocated by `__new__`, in the compiled form: it has no
        owner, and no exchange to write to. What Python can call asks this before it looks at either."""
        if self.owner is None:
            raise RuntimeError(UNMADE)

    # What the application gets.

    def receive(self) -> Any:
        """The `receive` of ASGI: an awaitable of the next message."""
        return make_wait(self, RECEIVE, None)

    def send(self, message: Any) -> Any:
        """The `send` of ASGI: an awaitable that acts on the message. That raises `Misuse`, and `Disconnected` when the
        client is gone."""
        return make_wait(self, SEND, message)

    def act(self, message: Any) -> int:
        """What awaiting `send` does first, and how it goes on: OVER, PAUSE or DRAIN."""
        try:
            self.take(message if type(message) is dict else as_dict(message))
        except ClientDisconnected:
            self.lost()
            raise Disconnected("the client has left") from None
        except Misuse as error:
            self.owner.log.error("ASGI: %s: %s", self.request.uri, error)
            raise
        if not self.concluded and self.exchange.queued() > self.owner.high_water:
            return DRAIN
        return PAUSE if self.must_yield() else OVER

    def must_yield(self) -> bool:
        """Count a message; whether so many have gone to and fro without a pause that others get their turn now."""
        self.streak += 1
        if self.streak < UNINTERRUPTED:
            return False
        self.streak = 0
        return True

    # What subclasses say.

    def take(self, message: dict[str, Any]) -> None:
        """Act on a message of the application."""
        raise NotImplementedError

    def next_message(self) -> Any:
        """The next message for the application in a tuple of one; None when there is none yet."""
        raise NotImplementedError

    def lost(self) -> None:
        """The client is gone."""
        raise NotImplementedError

    # Who waits.

    def drained(self) -> Any:
        """`(None,)` as soon as the client has taken enough. Raises `Disconnected`."""
        exchange = self.exchange
        if self.concluded:
            return (None,)
        if exchange.is_lost():
            self.lost()
            raise Disconnected("the client has left")
        return (None,) if exchange.queued() <= self.owner.high_water else None

    def wait_with(self, waiter: Waiter) -> None:
        """To be woken when something changes."""
        if self.waiting is None:
            self.waiting = [waiter]
        else:
            self.waiting.append(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Not to be woken any more."""
        waiting = self.waiting
        if waiting is not None and waiter in waiting:
            waiting.remove(waiter)

    def wake(self) -> None:
        """Something has changed: whoever waits looks again."""
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            for waiter in waiting:
                waiter.wake()

    def heard(self) -> None:
        """The client has taken something of what waits for it."""
        self.wake()

    def notice(self) -> None:
        """`wake`, as something to be bound."""
        self.wake()


# Frameworks ask of what they are given whether it is to be awaited.
for _function in (Waiting.receive, Waiting.send):
    mark_as_coroutine_function(_function)
