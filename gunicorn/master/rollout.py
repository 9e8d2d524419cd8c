"""How one generation of workers takes the place of another, at a reload.

Its workers are started beside the old ones, all at once or a batch at a time, and only when they are ready do as many
old ones retire. When one of the first batch cannot boot, the whole new generation goes instead.
"""

from __future__ import annotations

from .backoff import Backoff
from .crew import BOOTING, READY, Crew, Member
from .decisions import Policy, Reload, ReloadDone, ReloadFailed
from .obituary import boot_problem

__all__ = ["Rollout"]

RELOAD_LOSSES = 3
"""New workers killed from outside during a reload that are replaced before the reload is given up."""


class Rollout:
    """A reload, from the wish for it to its end. The generation that it has opened is `Crew.incoming`."""

    def __init__(self, crew: Crew, backoff: Backoff) -> None:
        self._crew = crew
        self._backoff = backoff
        self.is_under_way = False
        self._again = False
        self._last_generation = crew.generation
        self._losses = 0
        # Old workers have retired for new ones.
        self._exchanged = False

    # Its beginning.

    def ask(self) -> None:
        """Somebody wants a reload."""
        if self.is_under_way:
            # One more after this one: the code may have changed since its workers loaded it.
            self._again = True
        else:
            self._begin()

    def _begin(self) -> None:
        self.is_under_way = True
        self._crew.do(Reload())

    def open(self, policy: Policy) -> None:
        """Open a generation: the configuration was read again."""
        self._crew.policy = policy
        self._last_generation += 1
        self._crew.incoming = self._last_generation
        self._losses = 0
        self._exchanged = False
        self._backoff.begin_anew()

    def refuse(self) -> None:
        """All stays as it was: the configuration could not be read."""
        self.is_under_way = self._again = False

    # How many.

    def wanted(self) -> int:
        """How many new workers there are to be now: for the old ones that are gone, and a batch."""
        crew = self._crew
        batch, replaces = crew.policy.reload_batch, crew.policy.reload_replaces
        if not batch and not replaces:
            return crew.target
        # Those that are retiring still have their memory: they are waited for.
        old = len(crew.members) - sum(1 for _ in crew.of(crew.incoming))
        if replaces:
            return max(0, crew.target - old)
        size = max(1, int(batch if batch >= 1 else batch * crew.target))
        return min(crew.target, max(0, crew.target - old) + size)

    def is_failing(self) -> bool:
        """Whether a new worker has run into the limit of its boot: its end will be the end of the reload."""
        crew = self._crew
        return crew.incoming is not None and any(
            member.is_being_ended and not member.was_ready for member in crew.of(crew.incoming)
        )

    def settle(self, now: float) -> None:
        """Retire old workers for as many new ones that serve, a whole batch at a time."""
        crew = self._crew
        if crew.incoming is None:
            return
        fresh = [member for member in crew.of(crew.incoming) if member.counts]
        serving = sum(member.phase == READY for member in fresh)
        if serving >= crew.target:
            self._complete(crew.incoming, now)
        elif serving == len(fresh) and serving >= self.wanted():
            old = self._old()
            for member in old[:max(0, len(old) + serving - crew.target + self._room_to_make(old))]:
                crew.retire(member, now, "reload")
                self._exchanged = True

    def _old(self) -> list[Member]:
        """Workers that serve and are not of the incoming generation, oldest first."""
        crew = self._crew
        old = [member for member in crew.members.values() if member.generation != crew.incoming and member.counts]
        return sorted(old, key=lambda member: member.age)

    def _room_to_make(self, old: list[Member]) -> int:
        """How many old workers go before there is one in their place."""
        crew = self._crew
        going = len(crew.members) - len(old) - sum(1 for _ in crew.of(crew.incoming))
        return int(crew.policy.reload_replaces and not going)

    # Its end.

    def lost(self, member: Member, code: int | None, now: float) -> None:
        """A new worker has ended before it was ready: by an exit code, negative for a signal, None for the limit."""
        self._losses += 1
        if code is None or code >= 0 or self._losses > RELOAD_LOSSES:
            self._fail(member.generation, boot_problem(member.pid, code), now)

    def _complete(self, fresh: int, now: float) -> None:
        crew = self._crew
        crew.generation, crew.incoming = fresh, None
        for member in crew.members.values():
            if member.generation != fresh:
                crew.retire(member, now, "reload")
        self._finish(ReloadDone())

    def _fail(self, failed: int, reason: str, now: float) -> None:
        crew = self._crew
        crew.incoming = None
        for member in crew.of(failed):
            if member.phase == BOOTING or not self._exchanged:
                crew.retire(member, now, "reload")
        if self._exchanged:
            self._stay_halfway(failed, now)
        self._finish(ReloadFailed(reason, self._exchanged))

    def _stay_halfway(self, failed: int, now: float) -> None:
        """Old workers have gone for new ones that serve: what is left of both sets is the set from now on."""
        crew = self._crew
        crew.generation = failed
        for member in crew.members.values():
            member.generation = failed
        self._backoff.count(now)

    def _finish(self, result: ReloadDone | ReloadFailed) -> None:
        self._crew.do(result)
        again, self._again, self.is_under_way = self._again, False, False
        if again:
            self._begin()
