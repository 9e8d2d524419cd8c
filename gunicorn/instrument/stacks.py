"""What a process is doing: the stacks of its threads, told by itself or asked from outside.

Asked from outside, it is the C code of `faulthandler` that answers, on a signal of its own: it needs neither the
interpreter's lock nor a thread that is free, interrupts no system call for good, and so also tells of a process that is
stuck in C code.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from types import FrameType, FunctionType
    from typing import Protocol

    class Greenlet(Protocol):
        """One of gevent's or eventlet's."""

        @property
        def gr_frame(self) -> FrameType | None: ...

__all__ = ["StackFile", "deafen", "of_greenlet", "of_task", "of_threads"]

SIGNAL: int = getattr(signal, "SIGRTMIN", 0) + 6 if hasattr(signal, "SIGRTMIN") else getattr(signal, "SIGINFO", 0)
"""The signal that asks; 0 where the system has none to spare."""

ANSWER_SECONDS = 0.2
"""So long an answer is waited for: a process that is stopped, or waits for a disk, gives none."""

_LOOK_SECONDS = 0.002
_LONGEST = 64 * 1024


def deafen() -> None:
    """In a child of a worker: the file is not its to write."""
    if SIGNAL:
        faulthandler.unregister(SIGNAL)


class StackFile:
    """The memory file into which workers write their stacks; made by the master, inherited by every worker.

    `outermost` is the function in which the life of a worker begins; what lies below it, how the worker was started, is
    nobody's question.
    """

    def __init__(self, outermost: FunctionType) -> None:
        code = outermost.__code__
        self._begin, self._end = f'  File "{code.co_filename}", line ', f" in {code.co_name}"
        self._fd = -1
        if SIGNAL and hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("stacks")

    def listen(self) -> None:
        """In a worker: answer from now on."""
        if self._fd >= 0:
            faulthandler.register(SIGNAL, file=self._fd, all_threads=True, chain=False)

    def ask(self, pid: int) -> str:
        """In the master: the stacks of a worker that listens, empty when it does not answer."""
        if self._fd < 0:
            return ""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        try:
            os.kill(pid, SIGNAL)
        except ProcessLookupError:
            return ""
        give_up = time.monotonic() + ANSWER_SECONDS
        size = 0
        while time.monotonic() < give_up:
            time.sleep(_LOOK_SECONDS)
            before, size = size, os.fstat(self._fd).st_size
            if size and size == before:
                break
        return self._inner(os.pread(self._fd, _LONGEST, 0).decode("utf-8", "replace"))

    def _inner(self, text: str) -> str:
        """Leave out the outermost frames of each thread."""
        kept: list[str] = []
        ours = False
        for line in text.splitlines():
            if not line.startswith("  File"):
                ours = False
            elif line.startswith(self._begin) and line.endswith(self._end):
                ours = True
            if not ours:
                kept.append(line)
        return "\n".join(kept).rstrip()


def of_threads() -> str:
    """The stacks of all threads of this process, the most recent call last."""
    # Whoever has no threads has not imported this either.
    threading = sys.modules.get("threading")
    names = {} if threading is None else {thread.ident: thread.name for thread in threading.enumerate()}
    parts: list[str] = []
    for ident, frame in sys._current_frames().items():
        parts.append(f"Thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}")
    return "".join(parts).rstrip()


# How coroutines, generators and asynchronous generators name their frame and what they wait for.
_AWAITING = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await"))


def of_task(task: Task[object]) -> str:
    """Where a task of asyncio waits: each coroutine that waits for the next one, down to the last."""
    parts = [f"{task!r:.300}\n"]
    waiting: object = task.get_coro()
    while waiting is not None:
        found = next((names for names in _AWAITING if hasattr(waiting, names[0])), None)
        if found is None:
            parts.append(f"  waiting for {waiting!r:.300}\n")
            break
        frame = getattr(waiting, found[0])
        if frame is not None:
            parts += traceback.format_stack(frame, 1)
        waiting = getattr(waiting, found[1])
    return "".join(parts).rstrip()


def of_greenlet(greenlet: Greenlet) -> str:
    """Where a greenlet waits."""
    return "".join(traceback.format_stack(greenlet.gr_frame)).rstrip() if greenlet.gr_frame else "nowhere yet"
