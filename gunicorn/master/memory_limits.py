"""Which worker has too much memory: it is replaced, or with far too much stopped at once."""

from __future__ import annotations

from .crew import READY, Crew, Member
from .decisions import Measured

__all__ = ["MemoryLimits"]

MEMORY_LOOKS = 3
"""A worker is too large when so many looks in a row have found it so: one may fall into a passing need."""

MEMORY_AT_ONCE = 1.5
"""A worker that is so many times as large as its limit does not come back from there: one look is enough."""


class MemoryLimits:
    """Keeps to `max_worker_memory` and `max_worker_memory_hard`."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        # PIDs of workers over the hard limit.
        self._hard: list[int] = []

    def judge(self, report: Measured) -> None:
        """Hold against the limits what one worker uses."""
        member, hard = self._crew.members.get(report.pid), self._crew.policy.memory_hard
        if member is None or member.phase != READY:
            return
        if hard and report.used > hard:
            text = "Worker (pid:%s) has %d MiB of memory, the hard limit is %d MiB: it is stopped."
            self._crew.log("warning", text, report.pid, report.used >> 20, hard >> 20)
            member.replace_for("memory")
            self._hard.append(report.pid)
        elif self._is_too_large(member, report.used) and not member.recycling:
            text = "Worker (pid:%s) has %d MiB of memory, the limit is %d MiB: it is replaced."
            self._crew.log("info", text, report.pid, report.used >> 20, self._crew.policy.memory >> 20)
            member.replace_for("memory")

    def _is_too_large(self, member: Member, used: int) -> bool:
        limit = self._crew.policy.memory
        if not limit or used <= limit:
            member.looks = 0
            return False
        member.looks += 1
        return member.looks >= MEMORY_LOOKS or used > limit * MEMORY_AT_ONCE

    def retire_the_largest(self, now: float) -> None:
        """Workers over the hard limit go before there is a replacement."""
        large, self._hard = self._hard, []
        for pid in large:
            if pid in self._crew.members:
                self._crew.retire(self._crew.members[pid], now, "memory")
