"""The event loop of a task process, in a thread of its own, and how other threads have it step their coroutines.

Task processes are forked from a master in which gevent or eventlet may have put greenlets in the place of threads. The
threads here are real ones, so whoever waits in them waits by the interpreter's own means, and so does the loop.
"""

from __future__ import annotations

import selectors
from _queue import SimpleQueue

from gunicorn.unix import unpatched
from gunicorn.unix.interest import BROKEN, READ, WRITE, Interest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Coroutine, Mapping
    from selectors import SelectorKey

    from _typeshed import FileDescriptorLike

    from gunicorn._types import Value

__all__ = ["LoopThread", "Pending"]


class LoopThread:
    """The event loop of a process, in a thread of its own; started when it is needed."""

    def __init__(self) -> None:
        self._lock = unpatched.allocate_lock()
        self._loop: AbstractEventLoop | None = None

    def submit(self, coroutine: Coroutine[object, object, object]) -> Pending:
        """Have the loop step `coroutine`, in the context of the caller."""
        import asyncio

        with self._lock:
            if self._loop is None:
                self._loop = _plain_loop() if _is_patched() else asyncio.new_event_loop()
                unpatched.start_new_thread(self._loop.run_forever, ())
        return Pending(coroutine, self._loop)


class Pending:
    """A coroutine that the loop steps, and the thread that waits for it.

    The two meet at a queue of the interpreter's own: where a library has put greenlets in the place of threads, what
    waits in the ordinary ways waits for greenlets of its own thread.
    """

    def __init__(self, coroutine: Coroutine[object, object, object], loop: AbstractEventLoop) -> None:
        self._coroutine = coroutine
        self._loop = loop
        self._task: Task[object] | None = None
        self._done: SimpleQueue[Task[object]] = SimpleQueue()
        loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._coroutine)
        self._task.add_done_callback(self._done.put)

    def cancel(self) -> None:
        """Let the coroutine end. From any thread."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def wait(self) -> object:
        """What it returns. Raises what it raises."""
        return self._done.get().result()


def _is_patched() -> bool:
    """Whether a library has put a selector of its own in the place of the standard one: it waits for greenlets."""
    return selectors.DefaultSelector.__module__ != "selectors"


def _plain_loop() -> AbstractEventLoop:
    import asyncio

    return asyncio.SelectorEventLoop(_PlainSelector())


class _PlainSelector(selectors.BaseSelector):
    """Asks the kernel itself, whoever has patched what."""

    def __init__(self) -> None:
        self._interest = Interest()
        self._keys: dict[int, SelectorKey] = {}

    def register(self, fileobj: FileDescriptorLike, events: int, data: Value = None) -> SelectorKey:
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} is registered already")
        key = self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        wanted = (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)
        self._interest.watch(fd, wanted)
        return key

    def unregister(self, fileobj: FileDescriptorLike) -> SelectorKey:
        key = self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())
        self._interest.forget(key.fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        found = []
        for fd, why in self._interest.wait(None if timeout is None else max(timeout, 0.0)):
            events = selectors.EVENT_READ if why & (READ | BROKEN) else 0
            events |= selectors.EVENT_WRITE if why & (WRITE | BROKEN) else 0
            key = self._keys.get(fd)
            if key is not None and events & key.events:
                found.append((key, events & key.events))
        return found

    def get_map(self) -> Mapping[FileDescriptorLike, SelectorKey]:
        return {fd: key for fd, key in self._keys.items()}  # noqa: C416  # of any kind of descriptor

    def get_key(self, fileobj: FileDescriptorLike) -> SelectorKey:
        return self._keys[fileobj if isinstance(fileobj, int) else fileobj.fileno()]
