"""The thread that samples, in a worker that serves: when it looks, and how it gets to look without being in the way."""

from __future__ import annotations

import sys
import time

from .profiles import HERTZ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Clock

    from .profiles import Sampler

__all__ = ["Turns", "watch"]

COST_SHARE = 0.01
"""The share of a core that a profile may take in a worker, what it writes included; it looks less often before it takes
more."""

WRITE_SECONDS = 1.0

LONGEST_WAIT = 0.5
"""So long at most nobody asks whether the profile is still wanted."""

ALONE_SECONDS, SHARED_SECONDS = 0.0002, 0.0005
"""So long the thread that looks waits for the interpreter's lock, where one other thread may have it, and where several
may."""

FEW_SHARE, FEW_OTHERS = 0.3, 0.05
"""Shares of a core: of all threads, where two seldom want the lock at once; of all but the main one, where none does.
"""

MEASURE_SECONDS = 0.1


def watch(
    sampler: Sampler, follow: Callable[[float, int], object], go_on: Callable[[float], bool],
    write: Callable[[bool], None], clock: Clock, wait: Callable[[float], object], spent: Clock = time.thread_time,
) -> None:
    """Sample for as long as that is wanted, at its rate or, where it would cost too much, less often. `follow` is told
    of each sample, `write` called once a second and at the end; `spent`: seconds of a core that this thread has used.
    """
    began = now = look_at = clock()
    spent_before = spent()
    write_at = now + WRITE_SECONDS
    while go_on(now):
        if now >= look_at:
            sampler.sample(now)
            follow(now, sampler.threads)
            if now >= write_at:
                write(False)
                write_at = now + WRITE_SECONDS
            affordable = began + (spent() - spent_before) / COST_SHARE
            look_at = max(began + (sampler.ticks + 1) / HERTZ, affordable)
        wait(min(look_at - clock(), LONGEST_WAIT))
        now = clock()
    sampler.sample(now)
    write(True)


class Turns:
    """How soon a thread gives up the interpreter's lock for another one (`sys.setswitchinterval`), for as long as a
    profile is taken.

    With the usual 5 ms a thread that looks gets the lock mostly when that is given up to wait for something, and hardly
    ever sees what runs for a shorter time. But where several threads have much to do, changing from one to the other
    ten times as often would cost them a fifth; there the usual time stays, and the lock is hardly ever given up
    early. `used`, `main`: seconds of a core that the process has used, and its main thread.
    """

    def __init__(
        self, now: float, main: Clock, used: Clock = time.process_time,
        get: Callable[[], float] = sys.getswitchinterval, choose: Callable[[float], object] = sys.setswitchinterval,
    ) -> None:
        self._main, self._used, self._get, self._choose = main, used, get, choose
        self._usual = self._ours = get()
        self._before = now, main(), used()

    def follow(self, now: float, threads: int) -> None:
        """See whether threads are in each other's way; so many there are, the main one among them, that look at none.
        """
        before, main_before, used_before = self._before
        passed = now - before
        if passed < MEASURE_SECONDS:
            return
        self._before = now, self._main(), self._used()
        whole = (self._before[2] - used_before) / passed
        others = whole - (self._before[1] - main_before) / passed
        if threads <= 1 or others < FEW_OTHERS:
            self._set(ALONE_SECONDS)
        else:
            self._set(SHARED_SECONDS if whole < FEW_SHARE else self._usual)

    def end(self) -> None:
        """As it was, unless the application has chosen another time meanwhile."""
        self._set(self._usual)

    def _set(self, seconds: float) -> None:
        if self._get() == self._ours:
            self._choose(min(seconds, self._usual))
            # It is kept in whole microseconds.
            self._ours = self._get()
