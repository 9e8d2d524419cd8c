"""What `receive` and `send` are made of: futures that wake in place, and what passes for a coroutine.

An `async def` costs a coroutine a call, and a future costs a turn of the event loop a wake. Here a message that is
there is handed over without either, and one that arrives steps the task that waits for it from where it arrived.

What they return (`cycle.Wait`) counts as a coroutine for `asyncio` (PEP 492; `collections.abc.Coroutine` asks for
`send`, `throw` and `close`), so `asyncio.create_task(send(message))` and `asyncio.wait_for(receive(), 1)` work.
`inspect.iscoroutine`, which `anyio` asks, accepts only the interpreter's own type: it says that it is of it, and
answers what it would.
"""

from __future__ import annotations

import asyncio
import inspect
from _thread import get_ident
from asyncio import CancelledError, InvalidStateError, current_task
from sys import exception as handled_exception

from gunicorn.errors import OwnSignal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from contextvars import Context
    from typing import Any

PENDING = 0
DONE = 1
CANCELLED = 2

# Where threads share the engine with the loop, which of them is the loop's; None where there is no other.
_LOOP_THREAD: int | None = None


def wake_by_the_loop(thread: int | None) -> None:
    """What is woken in another thread than this one is stepped by the loop, which takes that from any of them. None:
    there are no others."""
    global _LOOP_THREAD
    _LOOP_THREAD = thread


class Waiter:
    """A future that one task waits for, and that steps this task in place when it is woken.

    Cancelling goes through the loop, as a future's does: the task that cancels must not be stepped inside.
    """

    __slots__ = ("_asyncio_future_blocking", "callback", "context", "loop", "message", "state")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.callback: Callable[[Waiter], object] | None = None
        self.context: Context | None = None
        self.message: object = None
        self.state = PENDING
        self._asyncio_future_blocking = False

    def get_loop(self) -> AbstractEventLoop:
        """The event loop it belongs to."""
        return self.loop

    def add_done_callback(self, callback: Callable[[Waiter], object], *, context: Context | None = None) -> None:
        """`callback` is called with this object, in `context`."""
        if self.state != PENDING:
            self.loop.call_soon(callback, self, context=context)
        elif self.callback is not None:
            raise RuntimeError("only one task at a time can wait here")
        else:
            self.callback = callback
            self.context = context

    def remove_done_callback(self, callback: Callable[[Waiter], object]) -> int:
        """Take a callback back; how many there were."""
        if self.callback is None or self.callback != callback:
            return 0
        self.callback = self.context = None
        return 1

    def cancel(self, msg: object = None) -> bool:
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

    def exception(self) -> None:
        """None when it was woken. Raises CancelledError, InvalidStateError as a future does."""
        return self.result()

    def result(self) -> None:
        """None when it was woken. Raises CancelledError, InvalidStateError as a future does."""
        if self.state == CANCELLED:
            raise CancelledError() if self.message is None else CancelledError(self.message)
        if self.state == PENDING:
            raise InvalidStateError("Result is not set.")

    def wake(self) -> None:
        """Let the task go on: here and now, unless another one is running, or the loop in another thread, or an
        exception is being handled here: it would become the context of what the application raises."""
        if self.state != PENDING:
            return
        self.state = DONE
        callback, self.callback = self.callback, None
        if callback is None:
            return
        elsewhere = _LOOP_THREAD is not None and get_ident() != _LOOP_THREAD
        is_free = not elsewhere and handled_exception() is None
        if is_free and current_task(self.loop) is None and self.context is not None:
            try:
                self.context.run(callback, self)
            except OwnSignal:
                raise
            except (KeyboardInterrupt, SystemExit):
                # The task that has raised it has noted it, too, and will tell those who wait for its end.
                return
        else:
            self.loop.call_soon(callback, self, context=self.context)


def thrown(kind: BaseException | type[BaseException], value: object) -> BaseException:
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
