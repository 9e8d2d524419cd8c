"""The stop of the server, from the first TERM to the last worker: it may be delayed, and hastened."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from .crew import RETIRING, STOP_GRACE, Crew
from .decisions import Halt, Kill, Leaving, StopListening

__all__ = ["Stopping"]

SAME_WISH = 0.25
"""A second TERM within so many seconds is the first one once more (timeout(1) and shells signal process and
group)."""

# What the workers are sent at each level; at the last they are killed.
_SIGNALS = {1: signal.SIGTERM, 2: signal.SIGQUIT}
LAST_LEVEL = 3


class Stopping:
    """How far the stop has come; its level is `Crew.stopping`."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        # Until then the server serves on after TERM.
        self._begin_at: float | None = None
        self._end_by: float | None = None
        self._hastened_at = 0.0
        self._halted = False

    @property
    def is_decided(self) -> bool:
        """Whether the server stops, be it that it serves on for a while."""
        return bool(self._crew.stopping) or self._begin_at is not None

    def on_term(self, now: float) -> None:
        """Let requests end; after `shutdown_delay`, unless it comes a second time."""
        delay = self._crew.policy.shutdown_delay
        if delay and not self.is_decided:
            self._begin_at = now + delay
            self._hastened_at = now
            self._crew.log("info", "Stopping in %g seconds, serving until then", delay)
            self._crew.do(Leaving())
        elif self._begin_at is None or not self._is_same_wish(now):
            self._hasten(now, 1)

    def on_int(self, now: float) -> None:
        """Break requests off."""
        self._hasten(now, 2)

    def _is_same_wish(self, now: float) -> bool:
        return now - self._hastened_at < SAME_WISH

    def _hasten(self, now: float, level: int) -> None:
        """Begin to stop, or go one level further."""
        present = self._crew.stopping
        if level > present:
            self._go_to(level, now)
        elif not self._is_same_wish(now):
            self._go_to(min(present + 1, LAST_LEVEL), now)

    def _go_to(self, level: int, now: float) -> None:
        crew = self._crew
        if not crew.stopping:
            self._begin_at = None
            crew.do(StopListening())
            self._end_by = now + crew.policy.graceful_timeout + STOP_GRACE
        crew.stopping, self._hastened_at = level, now
        for member in crew.members.values():
            if level == LAST_LEVEL:
                crew.kill(member)
            elif member.counts or (level == 2 and member.phase == RETIRING):
                member.phase = RETIRING
                crew.do(Kill(member.pid, _SIGNALS[level]))

    def see_to_it(self, now: float) -> None:
        """Begin when the delay is over, kill who has not left in time, and halt when nobody is left."""
        if self._begin_at is not None and now >= self._begin_at:
            self._go_to(1, now)
        if not self._crew.stopping:
            return
        if not self._crew.members:
            self._halt()
        elif self._end_by is not None and now >= self._end_by:
            self._end_by = None
            for member in self._crew.members.values():
                self._crew.kill(member)

    def _halt(self) -> None:
        if not self._halted:
            self._halted = True
            self._crew.do(Halt(None, 0))

    def moments(self) -> Iterator[float]:
        """When the delay is over, and when nobody may be left."""
        if self._begin_at is not None:
            yield self._begin_at
        if self._end_by is not None:
            yield self._end_by
