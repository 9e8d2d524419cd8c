"""When a worker that died young is replaced: the first at once, the following ones at growing intervals."""

from __future__ import annotations

from collections.abc import Iterator

from .crew import READY, Crew, Member

__all__ = ["BACKOFF_LAST", "STABLE_AFTER", "Backoff"]

BACKOFF_FIRST, BACKOFF_LAST = 0.1, 10.0
"""Seconds to wait before the second worker in a row that died young is replaced, and the most ever waited."""

STABLE_AFTER = 3.0
"""A worker that was ready for so many seconds was a good one; earlier deaths count as a crash loop."""


class Backoff:
    """Counts the workers that died young, one after the other."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._failures = 0
        self._failed_at = 0.0
        self._not_before = 0.0

    @property
    def in_a_loop(self) -> bool:
        """Whether several have died young: they are replaced one at a time."""
        return self._failures > 1

    def holds(self, now: float) -> bool:
        """Whether it is too early to start another one."""
        return now < self._not_before

    def moments(self, now: float) -> Iterator[float]:
        """When it is not any more."""
        if self.holds(now):
            yield self._not_before

    def count(self, now: float) -> None:
        """A worker died young, or could not even be forked."""
        self._failures += 1
        self._failed_at = now
        if not self.in_a_loop:
            return
        wait = min(BACKOFF_FIRST * 2.0 ** min(self._failures - 2, 20), BACKOFF_LAST)
        self._not_before = now + wait
        if wait >= 1:
            self._crew.log("warning", "Workers keep dying young: the next one is started in %.0f seconds.", wait)

    def forgive(self, now: float) -> None:
        """Forget what was counted when a worker that was started since has proved to be a good one."""
        if self._failures and any(self._is_stable(member, now) for member in self._crew.members.values()):
            self._failures = 0

    def _is_stable(self, member: Member, now: float) -> bool:
        lately = member.spawned_at >= self._failed_at
        return member.phase == READY and lately and now - member.ready_at >= STABLE_AFTER

    def begin_anew(self) -> None:
        """There is new code, or another configuration: it may be good."""
        self._failures = 0
        self._not_before = 0.0
