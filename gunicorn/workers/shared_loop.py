"""One engine for an event loop and for threads: the loop holds the engine's guard whenever it does not sleep.

So what runs in the loop needs no lock of its own, and a thread that touches what is shared has it for itself.
"""

from __future__ import annotations

import asyncio
import selectors
from operator import methodcaller
from threading import RLock, get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from typing import TypeVarTuple

    Ts = TypeVarTuple("Ts")

__all__ = ["LoopGuard", "SharedLoop"]

_is_owned: Callable[[object], bool] = methodcaller("_is_owned")


class LoopGuard:
    """A lock that its owner may take again, and nobody twice while another one waits: a loop that is never idle lets go
    of it for a moment only, in which no thread could wake up in time.

    Of two locks of which a signal's handler, in the midst of either, can take what its thread has.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        # Of the one who takes it next.
        self._turn = RLock()

    def __enter__(self) -> None:
        if _is_owned(self._lock):
            self._lock.acquire()
            return
        with self._turn:
            self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()


class _Selector(selectors.DefaultSelector):
    """Sleeps without the guard."""

    def __init__(self, guard: LoopGuard) -> None:
        super().__init__()
        self._guard = guard

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._guard.__exit__()
        try:
            return super().select(timeout)
        finally:
            self._guard.__enter__()


class SharedLoop(asyncio.SelectorEventLoop):
    """A loop of asyncio whose thread has `guard` from here on, but for when it sleeps.

    Who has it meanwhile, in another thread, can give the loop something to do as if it ran there.
    """

    def __init__(self) -> None:
        self.guard = LoopGuard()
        self.guard.__enter__()
        self._own_thread = get_ident()
        super().__init__(_Selector(self.guard))

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if get_ident() == self._own_thread:
            return super().call_soon(callback, *args, context=context)
        return self.call_soon_threadsafe(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        if get_ident() != self._own_thread:
            # It may sleep for longer than until then.
            self.call_soon_threadsafe(_nothing)
        return timer


def _nothing() -> None:
    """The loop looks at its timers whenever it turns."""
