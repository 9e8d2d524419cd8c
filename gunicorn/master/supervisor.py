"""What the master decides: a pure policy over the states of its workers.

`Supervisor.step()` is given the clock, the signals that came, the scoreboard, the children that ended and what else
has happened. It answers with actions and with the moment when it wants to be asked again; it forks nothing, kills
nothing and reads no clock, and nothing changes its books between two steps.

Here is what comes in, the order of a step, and how many workers there are. The other subjects are parts that are given
the same books (`crew.py`): `rollout.py`, `stopping.py`, `time_limits.py`, `memory_limits.py`, `backoff.py`,
`slow_boots.py`, `obituary.py`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping

from gunicorn.instrument import scoreboard

from . import slow_boots, time_limits
from .backoff import STABLE_AFTER, Backoff
from .crew import BOOTING, KILLED, READY, Crew, Member
from .decisions import (
    Adjusted,
    Decision,
    Dismissed,
    Exit,
    Gone,
    Halt,
    Kill,
    Measured,
    Policy,
    Reconfigured,
    Reexec,
    ReloadRefused,
    ReopenLogs,
    Report,
    Resize,
    Resized,
    Restored,
    Spawn,
    Spawned,
    SpawnFailed,
    Stuck,
    Worn,
)
from .memory_limits import MemoryLimits
from .obituary import HALT_REASONS, cause_of, obituary
from .rollout import Rollout
from .stopping import Stopping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .decisions import Vitals

__all__ = ["Supervisor"]

OVERSLEPT = 1.0
"""So late (seconds) means that the master itself was stopped, and the workers' heartbeats prove nothing."""


class Supervisor(Crew):
    """The books of the master and the rules."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._deadline: float | None = None
        self._backoff = Backoff(self)
        self._rollout = Rollout(self, self._backoff)
        self._stopping = Stopping(self)
        self._memory = MemoryLimits(self)

    # What the master asks.

    @property
    def looks_at_memory(self) -> bool:
        """Whether `Measured` is to tell what the workers use."""
        return bool(self.policy.memory or self.policy.memory_hard)

    @property
    def reloading(self) -> bool:
        """Whether a reload is under way."""
        return self._rollout.is_under_way

    @property
    def leaving(self) -> bool:
        """Whether the stop is decided, be it that the server serves on for a while."""
        return self._stopping.is_decided

    def is_well(self, now: float, board: Mapping[int, Vitals]) -> bool:
        """Whether some worker serves and beats, or none is wanted."""
        return self.target == 0 or self.well(now, board) > 0

    def well(self, now: float, board: Mapping[int, Vitals]) -> int:
        """How many workers serve and beat."""
        serving = ((member, board.get(pid)) for pid, member in self.members.items() if member.phase == READY)
        return sum(
            vitals is not None and not time_limits.is_late(self.policy, member, vitals, now)
            for member, vitals in serving
        )

    # The step.

    def step(
        self,
        now: float,
        signals: Iterable[int],
        board: Mapping[int, Vitals],
        exits: Iterable[Exit],
        reports: Iterable[Report] = (),
    ) -> Decision:
        """Decide. `board` maps the PIDs of living workers to their pages; `reports` come in the order in which they
        happened."""
        self._actions = []
        for report in reports:
            _REPORT_RULES[type(report)](self, report, now)
        late = self._deadline is not None and now - self._deadline > OVERSLEPT
        self._watch(now, board)
        for ended in exits:
            self._bury(ended, now)
        for number in signals:
            if number in _SIGNAL_RULES:
                _SIGNAL_RULES[number](self, now)
        self._stopping.see_to_it(now)
        if not self.stopping:
            self._keep_up(now)
        if not late:
            time_limits.abort_late(self, now, board)
        time_limits.kill_overdue(self, now)
        # Just past the moment, so that a comparison with it holds when the master wakes.
        self._deadline = min((max(moment + 0.001, now) for moment in self._moments(now, board)), default=None)
        return Decision(self._actions, self._deadline)

    def _keep_up(self, now: float) -> None:
        """Have as many workers as there are to be, of the generation that is wanted."""
        self._memory.retire_the_largest(now)
        self._rollout.settle(now)
        self._recruit(now)
        self._dismiss(now)
        slow_boots.tell(self, now)

    def _moments(self, now: float, board: Mapping[int, Vitals]) -> Iterator[float]:
        """When there may be something to decide, if nothing happens until then."""
        yield from self._stopping.moments()
        if not self.stopping:
            yield from self._backoff.moments(now)
            yield from slow_boots.moments(self)
        yield from (member.expires_at for member in self.members.values() if member.expires_at is not None)
        yield from time_limits.moments(self, now, board)

    # What the master has done and found.

    def _on_spawned(self, report: Spawned, now: float) -> None:
        lifetime = self.policy.lifetime
        expires_at = report.at + lifetime + report.jitter if lifetime else None
        self.members[report.pid] = Member(report.pid, report.age, report.generation, report.at, expires_at)

    def _on_spawn_failed(self, report: SpawnFailed, now: float) -> None:
        """Try again later."""
        self._backoff.count(now)

    def _on_measured(self, report: Measured, now: float) -> None:
        self._memory.judge(report)

    def _on_resize(self, report: Resize, now: float) -> None:
        self.target = max(report.wanted, 0)

    def _on_adjusted(self, report: Adjusted, now: float) -> None:
        least = min(self.target, 1)
        self._change_target(max(report.by, least - self.target))

    def _on_dismissed(self, report: Dismissed, now: float) -> None:
        member = self.members.get(report.pid)
        if member is not None and member.counts and not self.stopping:
            self.log("info", "Worker (pid:%s) is ended by a command.", report.pid)
            self.retire(member, now)

    def _on_stuck(self, report: Stuck, now: float) -> None:
        member = self.members.get(report.pid)
        if member is None or member.phase == KILLED:
            return
        member.timed_out = report.limit
        self.retire(member, now, "timeout")
        if report.hopeless:
            self.kill(member)

    def _on_worn(self, report: Worn, now: float) -> None:
        for member in self.members.values():
            if member.pid in report.pids and member.counts:
                member.replace_for("asked")

    def _on_reconfigured(self, report: Reconfigured, now: float) -> None:
        self._rollout.open(report.policy)

    def _on_reload_refused(self, report: ReloadRefused, now: float) -> None:
        self._rollout.refuse()

    def _on_restored(self, report: Restored, now: float) -> None:
        self.policy = report.policy

    # What became of the workers.

    def _watch(self, now: float, board: Mapping[int, Vitals]) -> None:
        """Take over what the workers wrote: "I am ready", "replace me"."""
        for pid, member in self.members.items():
            vitals = board.get(pid)
            if vitals is None:
                continue
            if member.phase == BOOTING and vitals.state not in (scoreboard.BOOTING, scoreboard.FREE):
                member.phase = READY
                member.ready_at = now
                self.ever_ready = True
            if vitals.wants_recycling:
                member.replace_for("max_requests")
            if member.expires_at is not None and now >= member.expires_at and member.phase == READY:
                self._end_lifetime(member)
        self._backoff.forgive(now)

    def _end_lifetime(self, member: Member) -> None:
        member.expires_at = None
        if not member.recycling:
            self.log("info", "Worker (pid:%s) has reached its lifetime: it is replaced.", member.pid)
        member.replace_for("lifetime")

    def _bury(self, ended: Exit, now: float) -> None:
        member = self.members.pop(ended.pid, None)
        if member is None:
            # As PID 1 or with children from before an exec, unknown ones turn up: reaped, and no more.
            return
        code = os.waitstatus_to_exitcode(ended.status)
        line = obituary(member, code)
        if line is not None:
            self.do(line)
        self.do(Gone(ended.pid, "" if self.stopping else cause_of(member, code)))
        if not self.stopping:
            self._mourn(member, code, now)

    def _mourn(self, member: Member, code: int, now: float) -> None:
        """See what the end of a worker says of those to come."""
        if member.phase == BOOTING:
            self._died_in_boot(member, code, now)
        elif member.is_being_ended and not member.was_ready:
            self._died_in_boot(member, None, now)
        elif member.phase == READY and code != 0 and now - member.ready_at < STABLE_AFTER:
            self._backoff.count(now)

    def _died_in_boot(self, member: Member, code: int | None, now: float) -> None:
        """`code`: exit code, negative for a signal, None when the master itself had to end it."""
        if member.generation == self.incoming:
            self._rollout.lost(member, code, now)
        elif code in HALT_REASONS and not self.ever_ready:
            self.do(Halt(HALT_REASONS[code], code))
        elif member.generation == self.generation:
            self._backoff.count(now)

    # Signals.

    def _on_term(self, now: float) -> None:
        self._stopping.on_term(now)

    def _on_int(self, now: float) -> None:
        self._stopping.on_int(now)

    def _on_hup(self, now: float) -> None:
        if not self.leaving:
            self._rollout.ask()

    def _on_ttin(self, now: float) -> None:
        self._change_target(1)

    def _on_ttou(self, now: float) -> None:
        if self.target > 1:
            self._change_target(-1)

    def _on_usr1(self, now: float) -> None:
        self.do(ReopenLogs())
        for pid in self.members:
            self.do(Kill(pid, signal.SIGUSR1))

    def _on_usr2(self, now: float) -> None:
        if not self.stopping:
            self.do(Reexec())

    def _on_winch(self, now: float) -> None:
        """The master stays, its workers go; HUP or TTIN brings workers back."""
        if self.stopping:
            return
        if self.target:
            old, self.target = self.target, 0
            self.do(Resized(0, old))
        for member in self.members.values():
            self.retire(member, now, "resize")

    # How many.

    def _change_target(self, by: int) -> None:
        if self.stopping or not by:
            return
        old, self.target = self.target, self.target + by
        self.do(Resized(self.target, old))

    def _recruit(self, now: float) -> None:
        """Start what is missing, unless new workers die young."""
        generation, missing = self._missing()
        if missing <= 0 or self._backoff.holds(now) or self._rollout.is_failing():
            return
        for _ in range(1 if self._backoff.in_a_loop else missing):
            self.do(Spawn(generation))

    def _missing(self) -> tuple[int, int]:
        """Which generation is to grow, the incoming one during a reload, else the present one; and by how many."""
        if self.incoming is None:
            generation, wanted = self.generation, self.target
        else:
            generation, wanted = self.incoming, self._rollout.wanted()
        serving = [member for member in self.of(generation) if member.counts]
        leaving = sum(member.recycling for member in serving)
        # Replacements for workers that ask for recycling come a share at a time.
        share = min(leaving, max(1, self.target // 4)) if self.target else 0
        return generation, wanted + share - len(serving)

    def _dismiss(self, now: float) -> None:
        """Retire what is too many, those first that asked for it, then the oldest."""
        if self.incoming is not None:
            return
        ready = sorted((each for each in self.of(self.generation) if each.phase == READY), key=self._dismissal_rank)
        for member in ready[:max(0, len(ready) - self.target)]:
            self.retire(member, now, "asked" if member.recycling else "resize")

    def _dismissal_rank(self, member: Member) -> tuple[bool, bool, int]:
        """Who is too many: the lowest."""
        return not member.recycling, False, member.age


_REPORT_RULES: dict[type[Report], Callable[..., None]] = {
    Spawned: Supervisor._on_spawned,
    SpawnFailed: Supervisor._on_spawn_failed,
    Measured: Supervisor._on_measured,
    Resize: Supervisor._on_resize,
    Adjusted: Supervisor._on_adjusted,
    Dismissed: Supervisor._on_dismissed,
    Stuck: Supervisor._on_stuck,
    Worn: Supervisor._on_worn,
    Reconfigured: Supervisor._on_reconfigured,
    ReloadRefused: Supervisor._on_reload_refused,
    Restored: Supervisor._on_restored,
}

_SIGNAL_RULES: dict[int, Callable[[Supervisor, float], None]] = {
    signal.SIGTERM: Supervisor._on_term,
    signal.SIGINT: Supervisor._on_int,
    signal.SIGQUIT: Supervisor._on_int,
    signal.SIGHUP: Supervisor._on_hup,
    signal.SIGTTIN: Supervisor._on_ttin,
    signal.SIGTTOU: Supervisor._on_ttou,
    signal.SIGUSR1: Supervisor._on_usr1,
    signal.SIGUSR2: Supervisor._on_usr2,
    signal.SIGWINCH: Supervisor._on_winch,
}
