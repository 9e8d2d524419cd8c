"""One engine for an event loop and for threads: the loop holds the engine's guard whenever it does not sleep.

So what runs in the loop needs no lock of its own, and a thread that touches what is shared has it for itself.
"""

from __future__ import annotations

import selectors
from asyncio import SelectorEventLoop
from operator import methodcaller
from threading import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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


class SharedLoop(SelectorEventLoop):
    """A loop of asyncio whose thread has `guard` from here on, but for when it sleeps."""

    def __init__(self) -> None:
        self.guard = LoopGuard()
        self.guard.__enter__()
        super().__init__(_Selector(self.guard))
