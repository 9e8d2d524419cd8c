"""What `receive` and `send` return: awaitables that are done where they can be, and wake in place where they cannot.

An `async def` costs a coroutine a call, and a future costs a turn of the event loop a wake. Here a message that is
there is handed over without either, and one that arrives steps the task that waits for it from where it arrived.

All of these count as coroutines for `asyncio` (PEP 492; `collections.abc.Coroutine` asks for `send`, `throw` and
`close`), so `asyncio.create_task(receive())` and `asyncio.wait_for(receive(), 1)` work. `inspect.iscoroutine`, which
`anyio` asks, accepts only the interpreter's own type: they say that they are of it, and answer what it would.
"""

from __future__ import annotations

import asyncio
import inspect
from asyncio import CancelledError, InvalidStateError, current_task
from types import CoroutineType
from typing import Any

from ..errors import OwnSignal

PENDING = 0
DONE = 1
CANCELLED = 2


# What an awaitable that is done iterates over: an iterator that ends without the cost of an exception.
_EXHAUSTED: Any = iter(())


class Native:
    """Tells `inspect` that this is a coroutine."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return CoroutineType

    @property
    def cr_running(self) -> bool:
        """A step never ends in the middle."""
        return False

    @property
    def cr_suspended(self) -> bool:
        """Whether it waits."""
        return False

    @property
    def cr_frame(self) -> Any:
        """There is none."""
        return None

    @property
    def cr_await(self) -> Any:
        """There is none."""
        return None


class Ready(Native):
    """An awaitable that is done, with None as its result."""

    __slots__ = ()

    def __await__(self) -> Any:
        return _EXHAUSTED

    def __iter__(self) -> Ready:
        return self

    def __next__(self) -> Any:
        raise StopIteration

    def send(self, value: Any) -> Any:
        """The protocol of coroutines: end at once."""
        raise StopIteration

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        """The protocol of coroutines: raise what is thrown in."""
        raise thrown(kind, value)

    def close(self) -> None:
        """The protocol of coroutines: nothing is open."""


class Pause(Ready):
    """Done after one turn of the event loop, so that others get theirs."""

    __slots__ = ("yielded",)

    def __init__(self) -> None:
        self.yielded = False

    def __await__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        """The protocol of coroutines."""
        if self.yielded:
            raise StopIteration
        self.yielded = True


class Waiter:
    """A future that one task waits for, and that steps this task in place when it is woken.

    Cancelling goes through the loop, as a future's does: the task that cancels must not be stepped inside.
    """

    __slots__ = ("_asyncio_future_blocking", "callback", "context", "loop", "message", "state")

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.callback: Any = None
        self.context: Any = None
        self.message: Any = None
        self.state = PENDING
        self._asyncio_future_blocking = False

    def get_loop(self) -> Any:
        """The event loop it belongs to."""
        return self.loop

    def add_done_callback(self, callback: Any, *, context: Any = None) -> None:
        """`callback` is called with this object, in `context`."""
        if self.state != PENDING:
            self.loop.call_soon(callback, self, context=context)
        elif self.callback is not None:
            raise RuntimeError("one task at a time waits here")
        else:
            self.callback = callback
            self.context = context

    def remove_done_callback(self, callback: Any) -> int:
        """Take a callback back; how many there were."""
        if self.callback is None or self.callback != callback:
            return 0
        self.callback = self.context = None
        return 1

    def cancel(self, msg: Any = None) -> bool:
        """The task that waits is being cancelled."""
        if self.state != PENDING:
            return False
        self.state = CANCELLED
        self.message = msg
        callback, self.callback = self.callback, None
        if callback is not None:
            self.loop.call_soon(callback, self, context=self.context)
        return True

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.state == CANCELLED

    def done(self) -> bool:
        """Whether it was woken or cancelled."""
        return self.state != PENDING

    def exception(self) -> Any:
        """None when it was woken. Raises CancelledError, InvalidStateError as a future does."""
        return self.result()

    def result(self) -> None:
        """None when it was woken. Raises CancelledError, InvalidStateError as a future does."""
        if self.state == CANCELLED:
            raise CancelledError() if self.message is None else CancelledError(self.message)
        if self.state == PENDING:
            raise InvalidStateError("Result is not set.")

    def wake(self) -> None:
        """Let the task go on: here and now, unless another one is running."""
        if self.state != PENDING:
            return
        self.state = DONE
        callback, self.callback = self.callback, None
        if callback is None:
            return
        if current_task(self.loop) is None and self.context is not None:
            try:
                self.context.run(callback, self)
            except OwnSignal:
                raise
            except (KeyboardInterrupt, SystemExit):
                # The task that has raised it has noted it, too, and will tell those who wait for its end.
                return
        else:
            self.loop.call_soon(callback, self, context=self.context)


def thrown(kind: Any, value: Any) -> BaseException:
    if isinstance(kind, BaseException):
        return kind
    if isinstance(value, BaseException):
        return value
    made: BaseException = kind() if value is None else kind(value)
    return made


def mark_as_coroutine_function(function: Any) -> None:
    """Let `inspect.iscoroutinefunction`, before Python 3.12 `asyncio.iscoroutinefunction`, know what it returns."""
    if hasattr(inspect, "markcoroutinefunction"):
        inspect.markcoroutinefunction(function)
    else:
        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined, unused-ignore]
