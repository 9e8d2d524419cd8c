"""What the master of task processes decides besides: which process an application cannot do without.

An application that is limited to N processes has a place in N of them. Each process is given a rank for each of its
applications, the lowest that none of the others has; those below the limit have the application.
"""

from __future__ import annotations

from collections.abc import Iterable

from .crew import Member
from .supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .decisions import Policy

__all__ = ["PoolSupervisor"]


class PoolSupervisor(Supervisor):
    """`limits`: in how many processes each application is to be; None: in all, or nobody knows yet."""

    def __init__(self, policy: Policy, limits: Mapping[str, int | None]) -> None:
        super().__init__(policy)
        self.limits = dict(limits)
        # By PID: generation of a process, and its rank for each application.
        self._ranks: dict[int, tuple[int, dict[str, int]]] = {}
        self._reason = ""

    @property
    def is_failing(self) -> bool:
        """Whether processes die young, one after the other."""
        return self._backoff.in_a_loop

    def ranks_for_next(self, generation: int, paths: Iterable[str]) -> dict[str, int]:
        """For each application that the next process of a generation is to load: its rank."""
        living = [ranks for pid, (age, ranks) in self._ranks.items() if age == generation and self._stays(pid)]
        ranks = {}
        for path in paths:
            taken = {each[path] for each in living if path in each}
            rank = lowest_free(taken)
            limit = self.limits.get(path)
            if limit is None or rank < limit:
                ranks[path] = rank
        return ranks

    def note(self, pid: int, generation: int, ranks: dict[str, int]) -> None:
        """A process was started with these."""
        self._ranks[pid] = generation, ranks

    def forget(self, pid: int) -> None:
        """A process has ended."""
        self._ranks.pop(pid, None)

    def _stays(self, pid: int) -> bool:
        member = self.members.get(pid)
        # One of this very step is not in the books yet.
        return member is None or (member.counts and not member.recycling)

    def is_needed(self, pid: int) -> bool:
        """Whether some application would be in fewer processes than it should, without this one."""
        _, ranks = self._ranks.get(pid, (0, {}))
        # A rank is below the limit, or no rank at all: but the limit that a class sets is not known at first.
        limits = ((self.limits.get(path), rank) for path, rank in ranks.items())
        return any(limit is not None and rank < limit for limit, rank in limits)

    def _change_target(self, by: int) -> None:
        if by < 0 and not self.stopping:
            living = [member for member in self.of(self.generation) if member.counts]
            spare = [member for member in living if not self.is_needed(member.pid)]
            # Some of them may be about to go already.
            if len(spare) - max(len(living) - self.target, 0) < -by:
                text = "No task process can be spared: each has an application that is in no other one."
                self._reason = text
                self.log("warning", text)
                return
        super()._change_target(by)

    def take_reason(self) -> str:
        """Why there are not less processes now, where somebody has wanted that and it cannot be; told once."""
        reason, self._reason = self._reason, ""
        return reason

    def _dismissal_rank(self, member: Member) -> tuple[bool, bool, int]:
        return not member.recycling, self.is_needed(member.pid), member.age


def lowest_free(taken: set[int]) -> int:
    """The first number from 0 on that is not taken."""
    return next(number for number in range(len(taken) + 1) if number not in taken)
