"""What a process is doing: the stacks of its threads, told by itself or asked from outside.

Asked from outside, it is the C code of `faulthandler` that answers, on a signal of its own: it needs neither the
interpreter's lock nor a thread that is free, interrupts no system call for good, and so also tells of a process that is
stuck in C code.
"""

from __future__ import annotations

import faulthandler
import fcntl
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

    from gunicorn._types import Clock

    class Greenlet(Protocol):
        """One of gevent's or eventlet's."""

        @property
        def gr_frame(self) -> FrameType | None: ...

__all__ = ["SLOW_LINE", "StackFile", "StackQuestion", "deafen", "listens", "of_greenlet", "of_task", "of_threads"]

SIGNAL: int = getattr(signal, "SIGRTMIN", 0) + 6 if hasattr(signal, "SIGRTMIN") else getattr(signal, "SIGINFO", 0)
"""The signal that asks; 0 where the system has none to spare."""

ANSWER_SECONDS = 0.2
"""So long an answer is waited for: a process that is stopped, or waits for a disk, gives none."""

SLOW_LINE = "SLOW REQUEST (pid:%s) after %.1f s in: %s\nIt is here:\n%s"

_LOOK_SECONDS = 0.002
_QUIET_SECONDS = 0.02
"""An answer that has not grown for so long is complete: who writes it may have to wait for a processor meanwhile."""

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
        # How many questions there were.
        self.asked = 0
        # Until then (monotonic) it is the answer of one worker that is written here, and no other one is asked.
        self.taken_until = 0.0
        self._fd = -1
        if SIGNAL and hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("stacks")
            # What one still writes who is late stands behind what there is, wherever it was before.
            fcntl.fcntl(self._fd, fcntl.F_SETFL, fcntl.fcntl(self._fd, fcntl.F_GETFL) | os.O_APPEND)

    def listen(self) -> None:
        """In a worker: answer from now on."""
        if self._fd >= 0:
            faulthandler.register(SIGNAL, file=self._fd, all_threads=True, chain=False)

    def ask(self, pid: int) -> str:
        """In the master: the stacks of a worker that listens, empty when it does not answer. Waits for them."""
        question = StackQuestion(self, pid)
        while (answer := question.look()) is None:
            time.sleep(_LOOK_SECONDS)
        return answer

    def begin(self, pid: int) -> int:
        """In the master: ask a worker. The number of the question, 0 when it cannot be asked."""
        if self._fd < 0 or not listens(pid):
            return 0
        os.ftruncate(self._fd, 0)
        try:
            os.kill(pid, SIGNAL)
        except ProcessLookupError:
            return 0
        self.asked += 1
        return self.asked

    @property
    def size(self) -> int:
        """How much has been answered so far."""
        return os.fstat(self._fd).st_size

    def read(self) -> str:
        """What was answered."""
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


class StackQuestion:
    """A worker was asked for its stacks, and nobody waits: there may be an answer at each look."""

    def __init__(self, file: StackFile, pid: int, clock: Clock = time.monotonic) -> None:
        self._file = file
        self._pid = pid
        self._clock = clock
        # The number of the question; -1: it was not asked yet, 0: it cannot be.
        self._number = -1
        self._try(clock())

    def _try(self, now: float) -> None:
        """Ask, unless another worker is just writing its answer."""
        file = self._file
        if now < file.taken_until:
            return
        self._number = file.begin(self._pid)
        self._size = 0
        self._next_look = now + _LOOK_SECONDS
        self._quiet_at = self._give_up = now + ANSWER_SECONDS
        if self._number:
            file.taken_until = self._give_up

    def look(self) -> str | None:
        """The answer when it is complete; None before that, empty when there will be none."""
        file, now = self._file, self._clock()
        if self._number and self._number != file.asked:
            # Not asked yet, or nobody has looked for so long that it was another one's turn.
            self._try(now)
            return None
        if not self._number:
            return ""
        if now < self._next_look:
            return None
        self._next_look = now + _LOOK_SECONDS
        before, self._size = self._size, file.size
        if self._size != before:
            self._quiet_at = min(now + _QUIET_SECONDS, self._give_up)
        if now < self._quiet_at:
            return None
        file.taken_until = 0.0
        return file.read()


def listens(pid: int, number: int = SIGNAL) -> bool:
    """Whether a process has a handler for the question: a child that was just forked has none yet, and would be ended.
    """
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            caught = next((line for line in status if line.startswith(b"SigCgt:")), b"SigCgt: 0")
    except OSError:
        return False
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


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
