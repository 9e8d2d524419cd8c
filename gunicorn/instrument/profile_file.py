"""Profiles of workers that serve: how their master has them taken, and what they write.

A worker is told by its page of the scoreboard until when, and by a signal of its own that there is something to read
there. It starts a thread that samples, writes what it has counted into a memory file once a second, and ends at the
moment on the page. The master puts that off by a little again and again while somebody waits for the profile: when that
one is gone, or the master, nothing has to be called off.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import time

from gunicorn._record import Record
from gunicorn.unix import unpatched

from .profile_thread import Turns, watch
from .profiles import HERTZ, Sampler, add_up, collapsed, counted, heaviest
from .stacks import listens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType, FunctionType

    from gunicorn._types import Clock

    from .scoreboard import Slot

__all__ = ["Profile", "ProfileFile", "ProfileInUse", "Profiled", "Share", "Taken"]

SIGNAL: int = getattr(signal, "SIGRTMIN", -8) + 7
"""The signal that starts a profile; below 0 where the system has none to spare."""

LEASE_SECONDS = 2.0
"""So long a worker goes on without a word of its master."""

GRACE_SECONDS = 1.0
"""So long a worker may take to write what it has, at the end."""

LOOK_SECONDS = 0.1

# The room of a worker in the file: a head, and two texts, of which one is complete whenever the worker is killed.
TEXT_ROOM = 128 * 1024
_HEAD_ROOM = 4096
_ROOM = _HEAD_ROOM + 2 * TEXT_ROOM
MERGED_OCTETS = 256 * 1024


class ProfileInUse(Exception):
    """One profile is being taken, and there is room for no other."""


class Taken(Record):
    """What a worker has written last."""

    _HEAD = struct.Struct("=8Q")

    number: int
    pid: int
    writes: int
    length: int
    ticks: int
    idle: int
    done: int

    def packed(self) -> bytes:
        """As it is in the file; the number of writes stands at both ends."""
        return self._HEAD.pack(
            self.number, self.pid, self.writes, self.length, self.ticks, self.idle, self.done, self.writes
        )

    @classmethod
    def unpacked(cls, data: bytes) -> Taken | None:
        """None where nobody has written, or somebody is writing."""
        if len(data) < cls._HEAD.size:
            return None
        *values, writes = cls._HEAD.unpack_from(data)
        return cls(*values) if values[2] == writes > 0 else None

    @property
    def text_at(self) -> int:
        """Where the text is, from the begin of the room on."""
        return _HEAD_ROOM + self.writes % 2 * TEXT_ROOM


class ProfileFile:
    """The memory file of all workers, made by the master and inherited by them. `outermost`: the function in which the
    life of a worker begins."""

    def __init__(self, outermost: FunctionType, clock: Clock = time.monotonic) -> None:
        self._outermost = outermost.__code__
        self._clock = clock
        # Which profile was the last one, and until when the file is its.
        self.number = 0
        self._kept_until = 0.0
        self._fd = -1
        # The one that this process has taken part in.
        self._heard = 0
        # While its thread is looking.
        self._turns: Turns | None = None
        if SIGNAL > 0 and hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("profiles")

    # In the master.

    def begin(self, pages: Mapping[int, Slot], seconds: float) -> Profile:
        """Have these workers profiled. Raises ProfileInUse."""
        now = self._clock()
        if now < self._kept_until:
            raise ProfileInUse("A profile is being taken; one at a time")
        self.number += 1
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
        profile = Profile(self, self.number, pages, now, seconds, self._clock)
        self.keep(now)
        for pid in pages:
            self._call(pid)
        return profile

    def keep(self, now: float) -> None:
        """The profile is still wanted."""
        self._kept_until = now + LEASE_SECONDS

    def let_go(self) -> None:
        """It has been read."""
        self._kept_until = 0.0
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)

    def _call(self, pid: int) -> None:
        # One that does not listen would be ended.
        if self._fd >= 0 and listens(pid, SIGNAL):
            try:
                os.kill(pid, SIGNAL)
            except ProcessLookupError:
                return

    def head(self, index: int) -> Taken | None:
        """What the worker with this page has written last."""
        return Taken.unpacked(os.pread(self._fd, _HEAD_ROOM, index * _ROOM)) if self._fd >= 0 else None

    def text(self, index: int, head: Taken) -> str:
        """And its counts, as collapsed stacks."""
        length = min(head.length, TEXT_ROOM)
        return os.pread(self._fd, length, index * _ROOM + head.text_at).decode("utf-8", "replace")

    # In a worker.

    def listen(self, page: Slot) -> None:
        """Heed what the master writes on this page from now on."""
        if self._fd < 0:
            return
        pid, main = os.getpid(), unpatched.get_ident()

        def heard(sig: int, frame: FrameType | None) -> None:
            number = page.profile
            # A child of the application's has this handler as well.
            if number != self._heard and os.getpid() == pid and self._clock() < page.profile_until:
                self._heard = number
                unpatched.start_new_thread(self._take, (page, number, pid, main))

        os.register_at_fork(after_in_child=self.forked)
        unpatched.set_handler(SIGNAL, heard)
        signal.siginterrupt(SIGNAL, False)

    def forked(self) -> None:
        """In a child of the application's: no thread looks there."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.end()

    def _take(self, page: Slot, number: int, pid: int, main: int) -> None:
        # Signals are for the main thread, which they have to wake.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        cpu_clock, now = time.pthread_getcpuclockid(main), self._clock()

        def cpu() -> float:
            return time.clock_gettime(cpu_clock)

        sampler = Sampler(sys._current_frames, cpu, now, unpatched.get_ident(), main, self._outermost)
        turns = self._turns = Turns(now, cpu)
        writes = 0

        def write(done: bool) -> None:
            nonlocal writes
            writes += 1
            text = collapsed(heaviest(sampler.counts(), TEXT_ROOM)).encode()
            head = Taken(number, pid, writes, len(text), sampler.ticks, sampler.idle, int(done))
            os.pwrite(self._fd, text, page.index * _ROOM + head.text_at)
            os.pwrite(self._fd, head.packed(), page.index * _ROOM)

        try:
            watch(
                sampler, turns.follow, lambda now: page.profile == number and now < page.profile_until, write,
                self._clock, _wait,
            )
        except OSError:
            # No memory for the file: what was written is what there is.
            return
        finally:
            self._turns = None
            turns.end()


def _wait(seconds: float) -> None:
    # The one of `time` is patched where greenlets are.
    unpatched.select.select((), (), (), max(seconds, 0.0))


class Share(Record):
    """What one worker had to do with a profile: seconds that it was looked at, hundredths of a second that threads have
    waited for something to do, and why that is not all; empty when it is."""

    pid: int
    seconds: float
    idle: int
    problem: str


class Profiled(Record):
    """A profile: `counts` by stack, of all workers together."""

    counts: Mapping[str, int]
    shares: tuple[Share, ...]


class Profile:
    """A profile that is being taken, and nobody waits: it may be complete at each look."""

    def __init__(
        self, file: ProfileFile, number: int, pages: Mapping[int, Slot], now: float, seconds: float, clock: Clock
    ) -> None:
        self._file = file
        self._number = number
        self._clock = clock
        self._seconds = seconds
        self._end = now + seconds
        self._give_up = self._end + GRACE_SECONDS
        # The pages are others' when their workers are gone; where they are written does not change.
        self._left = {pid: page.index for pid, page in pages.items()}
        self._counts: dict[str, int] = {}
        self._shares: list[Share] = []
        self.due = now
        self._put_off(now, pages)
        for page in pages.values():
            page.profile = number

    def look(self, pages: Mapping[int, Slot]) -> Profiled | None:
        """The profile when it is complete, or as complete as it gets; `pages` of the workers that there are. Raises
        ProfileInUse when nobody has looked for so long that another one was begun."""
        if self._file.number != self._number:
            raise ProfileInUse("Another profile was begun")
        now = self._clock()
        self._file.keep(now)
        if now < self._end:
            self._put_off(now, pages)
            self.due = min(now + LOOK_SECONDS, self._end)
            return None
        # One at each look: to add up takes its time, and others wait.
        pid = next((pid for pid in self._left if self._is_complete(pid, pid in pages, now)), None)
        self.due = now + LOOK_SECONDS / 10 if pid is None else now
        if pid is not None:
            self._collect(pid, self._left.pop(pid), pid in pages)
        if self._left:
            return None
        self._file.let_go()
        return Profiled(self._counts, tuple(self._shares))

    def _put_off(self, now: float, pages: Mapping[int, Slot]) -> None:
        until = min(self._end, now + LEASE_SECONDS)
        for pid in self._left:
            if pid in pages:
                pages[pid].profile_until = until

    def _head(self, pid: int, index: int) -> Taken | None:
        head = self._file.head(index)
        return head if head is not None and (head.number, head.pid) == (self._number, pid) else None

    def _is_complete(self, pid: int, lives: bool, now: float) -> bool:
        head = self._head(pid, self._left[pid])
        return not lives or now >= self._give_up or (head is not None and bool(head.done))

    def _collect(self, pid: int, index: int, lives: bool) -> None:
        head = self._head(pid, index)
        if head is None:
            self._shares.append(Share(pid, 0.0, 0, "it has not answered" if lives else "it has ended"))
            return
        add_up(self._counts, counted(self._file.text(index, head)).items())
        self._counts = heaviest(self._counts, MERGED_OCTETS)
        seconds = head.ticks / HERTZ
        self._shares.append(Share(pid, seconds, head.idle, self._problem(head, seconds, lives)))

    def _problem(self, head: Taken, seconds: float, lives: bool) -> str:
        # A worker that is busy hears of it a little late.
        if head.done and seconds >= 0.9 * self._seconds - LOOK_SECONDS:
            return ""
        return f"it has {'not been heard' if lives else 'ended'} after {seconds:.1f} s"
