"""How much of what has taken long the system had taken from this process, to give it to others.

By the clock three calls are alike: one that has worked, one that has waited (for a disk, a database, another thread),
and one whose process merely stood still while its processor was another's. The last says nothing of the application,
and comes every few milliseconds on a busy machine, to neighbours as well. The system's accounts tell them apart: who
works has processor time for it, who waits has given the processor away by itself, and who was preempted has neither.

To ask for them costs a microsecond or two. So they are asked for where something has been long, and for a while after
it at the beginning of each turn, with which the next long one is compared; nobody pays who is always quick. Of the
first long one after a while nothing is known (`guesses`), and nothing is taken off.
"""

from __future__ import annotations

import resource
from time import thread_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # Seconds of processor time that this thread has had, and how often it has given the processor away by itself.
    Usage = tuple[float, int]

# Turns are looked at for so long after something that was not brief.
WATCHED_SECONDS = 1.0

_THREAD = getattr(resource, "RUSAGE_THREAD", None)


def usage_of_thread() -> Usage:
    """That of the thread that asks."""
    if _THREAD is None:
        # Where the system has no such account (it is Linux's), everybody has waited since.
        return 0.0, -1
    # In this order: the processor time is brought up to date when it is asked for, the other account is not.
    return thread_time(), resource.getrusage(_THREAD).ru_nvcsw


class Preemption:
    """What was taken from one thread in this turn of its loop. Moments and durations in seconds of the engine's clock.

    `usage`: what the system says of the thread that asks; a number of -1 where it does not say how often it has waited.
    """

    __slots__ = ("_began", "_known", "_ran", "_told", "_usage", "_waits", "_watched_until", "guesses")

    def __init__(self, usage: Callable[[], Usage] = usage_of_thread) -> None:
        self._usage = usage
        self._watched_until = 0.0
        # The last answer is no more than that it cannot be told.
        self.guesses = False
        # Whether the rest is of this turn: when it began, or somebody waited in it last, what had been used by then,
        # and how much of what was taken since has been counted to a call.
        self._known = False
        self._began = 0.0
        self._ran = 0.0
        self._waits = 0
        self._told = 0.0

    def turn(self, now: float, matters: bool) -> None:
        """A turn begins; `matters`: somebody may ask in it."""
        self._known = False
        if matters and now < self._watched_until:
            self._ran, self._waits = self._usage()
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._known = self._waits >= 0
        self._began = now
        self._told = 0.0

    def of_call(self, seconds: float, now: float) -> float:
        """How many of the last `seconds`, in which a call was made that ends now, were taken from it."""
        taken = self._taken(now)
        mine = min(seconds, taken - self._told)
        self._told = taken
        return mine

    def of_turn(self, seconds: float, now: float) -> float:
        """How many of the last `seconds` were taken, from whatever calls."""
        return min(seconds, self._taken(now))

    def _taken(self, now: float) -> float:
        """Since the beginning; 0.0 when somebody has waited, or nobody has looked then."""
        self._watched_until = now + WATCHED_SECONDS
        ran, waits = self._usage()
        self.guesses = not self._known
        if self._known and waits == self._waits:
            # Never less than before, which two clocks do not promise.
            return max(now - self._began - (ran - self._ran), self._told)
        self._ran, self._waits = ran, waits
        self._begin(now)
        return 0.0
