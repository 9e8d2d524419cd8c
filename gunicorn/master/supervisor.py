"""What the master decides: a pure policy over the states of its workers.

`Supervisor.step()` is given the clock, the signals that came, the scoreboard, the children that ended and what else
has happened. It answers with actions and with the moment when it wants to be asked again; it forks nothing, kills
nothing and reads no clock, and nothing changes its books between two steps. The life of a worker, as the master
sees it::

    booting -> ready -> retiring -> (gone)
       \\         \\________/__ aborting -> killed -> (gone)

A worker is of a generation; a reload opens the next one. Its workers are started beside the old ones, all at
once or a batch at a time, and only when they are ready do as many old ones retire. When one of the first batch
cannot boot, the whole new generation goes instead.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping

from gunicorn.instrument import scoreboard

from .decisions import (
    Action,
    Adjusted,
    Decision,
    Dismissed,
    Exit,
    Gone,
    Halt,
    Kill,
    Leaving,
    Log,
    Measured,
    Policy,
    Reconfigured,
    Reexec,
    Reload,
    ReloadDone,
    ReloadFailed,
    ReloadRefused,
    ReopenLogs,
    Report,
    Resize,
    Resized,
    Restored,
    Spawn,
    Spawned,
    SpawnFailed,
    StopListening,
    Stuck,
    TimedOut,
    Worn,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .decisions import Vitals

__all__ = ["Member", "Supervisor"]

ABORT_GRACE = 1.0
"""Seconds between SIGABRT and SIGKILL for a worker that stopped to answer."""

STOP_GRACE = 0.5
"""So long (seconds) past `graceful_timeout` a worker may take to leave: it cuts off what is left itself."""

BACKOFF_FIRST, BACKOFF_LAST = 0.1, 10.0
"""Seconds to wait before the second worker in a row that died young is replaced, and the most ever waited."""

STABLE_AFTER = 3.0
"""A worker that was ready for so many seconds was a good one; earlier deaths count as a crash loop."""

OVERSLEPT = 1.0
"""So late (seconds) means that the master itself was stopped, and the workers' heartbeats prove nothing."""

SAME_WISH = 0.25
"""A second TERM within so many seconds is the first one once more (timeout(1) and shells signal process and
group)."""

SLOW_BOOT = 5.0
"""After so many seconds of a boot somebody who watches wonders, and is told what the server waits for."""

RELOAD_LOSSES = 3
"""New workers killed from outside during a reload that are replaced before the reload is given up."""

MEMORY_LOOKS = 3
"""A worker is too large when so many looks in a row have found it so: one may fall into a passing need."""

MEMORY_AT_ONCE = 1.5
"""A worker that is so many times as large as its limit does not come back from there: one look is enough."""

REQUEST_GRACE = 1.0
"""So long (seconds) past its limit a worker may take to break off a request itself."""

WORKER_BOOT_ERROR, APP_LOAD_ERROR = 3, 4

BOOTING, READY, RETIRING, ABORTING, KILLED = "booting", "ready", "retiring", "aborting", "killed"


class Member:
    """One worker in the books of the master."""

    __slots__ = (
        "age", "cause", "expires_at", "generation", "is_told", "kill_at", "looks", "phase", "pid", "ready_at",
        "recycling", "spawned_at", "timed_out",
    )

    def __init__(self, pid: int, age: int, generation: int, now: float, expires_at: float | None = None) -> None:
        self.pid = pid
        self.age = age
        self.generation = generation
        self.phase = BOOTING
        self.spawned_at = now
        self.ready_at = 0.0
        # Whether it was said that its boot takes long.
        self.is_told = False
        self.kill_at: float | None = None
        self.recycling = False
        self.expires_at = expires_at
        # How many looks in a row have found too much memory.
        self.looks = 0
        # The name of the limit it has run into.
        self.timed_out = ""
        # Why it is to be replaced, or was told to go.
        self.cause = ""

    @property
    def counts(self) -> bool:
        """True while it serves or will."""
        return self.phase in (BOOTING, READY)

    def replace_for(self, cause: str) -> None:
        """It is to go when there is another one."""
        self.recycling = True
        self.cause = self.cause or cause


class Supervisor:
    """The books of the master and the rules. `members` is keyed by PID."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.target = policy.workers
        self.members: dict[int, Member] = {}
        self.generation = 1
        self.incoming: int | None = None
        self.stopping = 0
        self.ever_ready = False
        self._last_generation = 1
        self._reloading = False
        self._reload_again = False
        self._losses = 0
        self._stop_by: float | None = None
        self._hastened_at = 0.0
        self._halted = False
        self._failures = 0
        self._failed_at = 0.0
        self._not_before = 0.0
        self._deadline: float | None = None
        self._actions: list[Action] = []
        # PIDs of workers over the hard limit of memory.
        self._hard: list[int] = []
        # Until then the server serves on after TERM.
        self._stop_at: float | None = None
        # The running reload has retired old workers for new ones.
        self._exchanged = False

    # What the master asks.

    @property
    def looks_at_memory(self) -> bool:
        """Whether `Measured` is to tell what the workers use."""
        return bool(self.policy.memory or self.policy.memory_hard)

    @property
    def reloading(self) -> bool:
        """Whether a reload is under way."""
        return self._reloading

    @property
    def leaving(self) -> bool:
        """Whether the stop is decided, be it that the server serves on for a while."""
        return bool(self.stopping) or self._stop_at is not None

    def is_well(self, now: float, board: Mapping[int, Vitals]) -> bool:
        """Whether some worker serves and beats, or none is wanted."""
        return self.target == 0 or self.well(now, board) > 0

    def well(self, now: float, board: Mapping[int, Vitals]) -> int:
        """How many workers serve and beat."""
        found = 0
        for pid, member in self.members.items():
            vitals = board.get(pid)
            if member.phase == READY and vitals is not None:
                late = self._late_at(member, vitals)
                found += late is None or now <= late[0]
        return found

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
            rule = _SIGNAL_RULES.get(number)
            if rule is not None:
                rule(self, now)
        if self._stop_at is not None and now >= self._stop_at:
            self._begin_stop(now, 1)
        if self.stopping:
            self._see_to_the_stop(now)
        else:
            self._retire_the_largest(now)
            self._settle_reload(now)
            self._recruit(now)
            self._dismiss(now)
            self._tell_of_slow_boots(now)
        if not late:
            self._enforce_heartbeats(now, board)
        self._enforce_kills(now)
        self._deadline = self._next_deadline(now, board)
        return Decision(self._actions, self._deadline)

    def _do(self, action: Action) -> None:
        self._actions.append(action)

    def _log(self, level: str, message: str, *args: object) -> None:
        self._do(Log(level, message, args))

    # What the master has done and found.

    def _on_spawned(self, report: Spawned, now: float) -> None:
        lifetime = self.policy.lifetime
        expires_at = report.at + lifetime + report.jitter if lifetime else None
        self.members[report.pid] = Member(report.pid, report.age, report.generation, report.at, expires_at)

    def _on_spawn_failed(self, report: SpawnFailed, now: float) -> None:
        """Try again later."""
        self._count_failure(now)

    def _on_measured(self, report: Measured, now: float) -> None:
        used, member, policy = report.used, self.members.get(report.pid), self.policy
        if member is None or member.phase != READY:
            return
        if policy.memory_hard and used > policy.memory_hard:
            text = "Worker (pid:%s) has %d MiB of memory, the hard limit is %d MiB: it is stopped."
            self._log("warning", text, report.pid, used >> 20, policy.memory_hard >> 20)
            member.replace_for("memory")
            self._hard.append(report.pid)
            return
        member.looks = member.looks + 1 if policy.memory and used > policy.memory else 0
        at_once = policy.memory and used > policy.memory * MEMORY_AT_ONCE
        if (at_once or member.looks >= MEMORY_LOOKS) and not member.recycling:
            text = "Worker (pid:%s) has %d MiB of memory, the limit is %d MiB: it is replaced."
            self._log("info", text, report.pid, used >> 20, policy.memory >> 20)
            member.replace_for("memory")

    def _on_resize(self, report: Resize, now: float) -> None:
        self.target = max(report.wanted, 0)

    def _on_adjusted(self, report: Adjusted, now: float) -> None:
        least = min(self.target, 1)
        self._change_target(max(report.by, least - self.target))

    def _on_dismissed(self, report: Dismissed, now: float) -> None:
        member = self.members.get(report.pid)
        if member is not None and member.counts and not self.stopping:
            self._log("info", "Worker (pid:%s) is ended by a command.", report.pid)
            self._retire(member, now)

    def _on_stuck(self, report: Stuck, now: float) -> None:
        member = self.members.get(report.pid)
        if member is None or member.phase == KILLED:
            return
        member.timed_out = report.limit
        self._retire(member, now, "timeout")
        if report.hopeless:
            self._kill(member)

    def _on_worn(self, report: Worn, now: float) -> None:
        for member in self.members.values():
            if member.pid in report.pids and member.counts:
                member.replace_for("asked")

    def _on_reconfigured(self, report: Reconfigured, now: float) -> None:
        """Open a generation."""
        self.policy = report.policy
        self._last_generation += 1
        self.incoming = self._last_generation
        self._losses = 0
        self._failures = 0
        self._exchanged = False
        self._not_before = 0.0

    def _on_reload_refused(self, report: ReloadRefused, now: float) -> None:
        """All stays as it was."""
        self._reloading = self._reload_again = False

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
                member.expires_at = None
                if not member.recycling:
                    self._log("info", "Worker (pid:%s) has reached its lifetime: it is replaced.", pid)
                member.replace_for("lifetime")
        if self._failures and any(self._is_stable(member, now) for member in self.members.values()):
            self._failures = 0

    def _is_stable(self, member: Member, now: float) -> bool:
        lately = member.spawned_at >= self._failed_at
        return member.phase == READY and lately and now - member.ready_at >= STABLE_AFTER

    def _bury(self, ended: Exit, now: float) -> None:
        member = self.members.pop(ended.pid, None)
        if member is None:
            # As PID 1 or with children from before an exec, unknown ones turn up: reaped, and no more.
            return
        code = os.waitstatus_to_exitcode(ended.status)
        self._obituary(member, code)
        self._do(Gone(ended.pid, "" if self.stopping else _cause(member, code)))
        if self.stopping or not member.counts:
            if member.phase in (ABORTING, KILLED) and member.ready_at == 0.0:
                self._died_in_boot(member, None, now)
            return
        if member.phase == BOOTING:
            self._died_in_boot(member, code, now)
        elif code != 0 and now - member.ready_at < STABLE_AFTER:
            self._count_failure(now)

    def _obituary(self, member: Member, code: int) -> None:
        pid = member.pid
        if code >= 0:
            if code and member.timed_out:
                self._log("error", "Worker (pid:%s) exited with code %s: killed by the timeout.", pid, code)
            elif code and member.phase not in (ABORTING, KILLED):
                self._log("error", "Worker (pid:%s) exited with code %s.", pid, code)
            return
        name = _signal_name(-code)
        if code == -signal.SIGKILL:
            if member.phase == KILLED and member.timed_out:
                self._log("error", "Worker (pid:%s) was sent %s by the master: killed by the timeout.", pid, name)
            elif member.phase == KILLED:
                text = "Worker (pid:%s) was sent %s by the master: it did not end in time."
                self._log("error", text, pid, name)
            else:
                self._log("error", "Worker (pid:%s) was sent %s! Perhaps out of memory?", pid, name)
        elif member.phase == RETIRING and code == -signal.SIGTERM:
            self._log("debug", "Worker (pid:%s) was ended by %s.", pid, name)
        else:
            self._log("error", "Worker (pid:%s) was sent %s!", pid, name)

    def _died_in_boot(self, member: Member, code: int | None, now: float) -> None:
        """`code`: exit code, negative for a signal, None when the master itself had to end it."""
        if self.stopping:
            return
        if member.generation == self.incoming:
            self._losses += 1
            if code is None or code >= 0 or self._losses > RELOAD_LOSSES:
                self._fail_reload(now, _boot_reason(member.pid, code))
            return
        if not self.ever_ready and code in (WORKER_BOOT_ERROR, APP_LOAD_ERROR):
            self._do(Halt(_HALT_REASONS[code], code))
            return
        if member.generation == self.generation:
            self._count_failure(now)

    def _count_failure(self, now: float) -> None:
        """A worker died young. The first is replaced at once, the following ones at growing intervals."""
        self._failures += 1
        self._failed_at = now
        if self._failures > 1:
            wait = min(BACKOFF_FIRST * 2.0 ** min(self._failures - 2, 20), BACKOFF_LAST)
            self._not_before = now + wait
            if wait >= 1:
                text = "Workers keep dying young: the next one is started in %.0f seconds."
                self._log("warning", text, wait)

    # Signals.

    def _on_term(self, now: float) -> None:
        if self.policy.shutdown_delay and not self.stopping and self._stop_at is None:
            self._stop_at = now + self.policy.shutdown_delay
            self._hastened_at = now
            self._log("info", "Stopping in %g seconds, serving until then", self.policy.shutdown_delay)
            self._do(Leaving())
        elif self._stop_at is None or now - self._hastened_at >= SAME_WISH:
            self._hasten(now, 1)

    def _on_int(self, now: float) -> None:
        self._hasten(now, 2)

    def _hasten(self, now: float, level: int) -> None:
        """Begin to stop, or go one level further: TERM the workers, QUIT them, KILL them."""
        if self.stopping and level <= self.stopping:
            if now - self._hastened_at < SAME_WISH:
                return
            level = min(self.stopping + 1, 3)
        self._begin_stop(now, level)

    def _begin_stop(self, now: float, level: int) -> None:
        if not self.stopping:
            self._stop_at = None
            self._do(StopListening())
            self._stop_by = now + self.policy.graceful_timeout + STOP_GRACE
        self.stopping, self._hastened_at = level, now
        for member in self.members.values():
            if level == 3:
                self._kill(member)
            elif member.counts or (level == 2 and member.phase == RETIRING):
                member.phase = RETIRING
                self._do(Kill(member.pid, signal.SIGTERM if level == 1 else signal.SIGQUIT))

    def _on_hup(self, now: float) -> None:
        if self.stopping or self._stop_at is not None:
            return
        if self._reloading:
            # One more after this one: the code may have changed since its workers loaded it.
            self._reload_again = True
            return
        self._ask_for_reload()

    def _on_ttin(self, now: float) -> None:
        self._change_target(1)

    def _on_ttou(self, now: float) -> None:
        if self.target > 1:
            self._change_target(-1)

    def _change_target(self, by: int) -> None:
        if self.stopping or not by:
            return
        old, self.target = self.target, self.target + by
        self._do(Resized(self.target, old))

    def _on_usr1(self, now: float) -> None:
        self._do(ReopenLogs())
        for pid in self.members:
            self._do(Kill(pid, signal.SIGUSR1))

    def _on_usr2(self, now: float) -> None:
        if not self.stopping:
            self._do(Reexec())

    def _on_winch(self, now: float) -> None:
        """The master stays, its workers go; HUP or TTIN brings workers back."""
        if self.stopping:
            return
        if self.target:
            old, self.target = self.target, 0
            self._do(Resized(0, old))
        for member in self.members.values():
            self._retire(member, now, "resize")

    # Reload.

    def _old(self) -> list[Member]:
        """Workers that serve and are not of the incoming generation, oldest first."""
        old = [member for member in self.members.values() if member.generation != self.incoming and member.counts]
        return sorted(old, key=lambda member: member.age)

    def _wanted_of_incoming(self) -> int:
        """How many new workers a reload wants now: for the old ones that are gone, and a batch."""
        batch, replaces = self.policy.reload_batch, self.policy.reload_replaces
        if not batch and not replaces:
            return self.target
        # Those that are retiring still have their memory: they are waited for.
        old = len(self.members) - sum(1 for _ in self._of(self.incoming))
        if replaces:
            return max(0, self.target - old)
        size = max(1, int(batch if batch >= 1 else batch * self.target))
        return min(self.target, max(0, self.target - old) + size)

    def _settle_reload(self, now: float) -> None:
        """Retire old workers for as many new ones that serve, a whole batch at a time."""
        if self.incoming is None:
            return
        fresh = [member for member in self._of(self.incoming) if member.counts]
        serving = sum(member.phase == READY for member in fresh)
        if serving >= self.target:
            self._complete_reload(now)
        elif serving == len(fresh) and serving >= self._wanted_of_incoming():
            old = self._old()
            for member in old[:max(0, len(old) + serving - self.target + self._room_to_make(old))]:
                self._retire(member, now, "reload")
                self._exchanged = True

    def _room_to_make(self, old: list[Member]) -> int:
        """How many old workers go before there is one in their place."""
        going = len(self.members) - len(old) - sum(1 for _ in self._of(self.incoming))
        return int(self.policy.reload_replaces and not going)

    def _complete_reload(self, now: float) -> None:
        assert self.incoming is not None
        self.generation, self.incoming = self.incoming, None
        for member in self.members.values():
            if member.generation != self.generation:
                self._retire(member, now, "reload")
        self._do(ReloadDone())
        self._maybe_reload_again()

    def _fail_reload(self, now: float, reason: str) -> None:
        failed, self.incoming = self.incoming, None
        assert failed is not None
        halfway = self._exchanged
        if halfway:
            self._stay_halfway(failed, now)
        else:
            for member in self._of(failed):
                self._retire(member, now, "reload")
        self._do(ReloadFailed(reason, halfway))
        self._maybe_reload_again()

    def _stay_halfway(self, failed: int, now: float) -> None:
        """Old workers have gone for new ones that serve: what is left of both sets is the set from now on."""
        for member in self._of(failed):
            if member.phase == BOOTING:
                self._retire(member, now, "reload")
        self.generation = failed
        for member in self.members.values():
            member.generation = failed
        self._count_failure(now)

    def _maybe_reload_again(self) -> None:
        again, self._reload_again, self._reloading = self._reload_again, False, False
        if again:
            self._ask_for_reload()

    def _ask_for_reload(self) -> None:
        self._reloading = True
        self._do(Reload())

    # How many.

    def _recruit(self, now: float) -> None:
        """Start what is missing: of the incoming generation during a reload, else of the present one."""
        if self.incoming is None:
            generation, wanted = self.generation, self.target
        else:
            generation, wanted = self.incoming, self._wanted_of_incoming()
        total = sum(member.counts for member in self._of(generation))
        leaving = sum(member.recycling and member.counts for member in self._of(generation))
        # Replacements for workers that ask for recycling come a share at a time.
        share = min(leaving, max(1, self.target // 4)) if self.target else 0
        missing = wanted + share - total
        if missing <= 0 or now < self._not_before or self._reload_is_failing():
            return
        for _ in range(missing if self._failures < 2 else 1):
            self._do(Spawn(generation))

    def _reload_is_failing(self) -> bool:
        """Whether a new worker has run into the limit of its boot: its end will be the end of the reload."""
        return self.incoming is not None and any(
            member.phase in (ABORTING, KILLED) and member.ready_at == 0.0 for member in self._of(self.incoming)
        )

    def _of(self, generation: int | None) -> Iterator[Member]:
        return (member for member in self.members.values() if member.generation == generation)

    def _dismiss(self, now: float) -> None:
        """Retire what is too many, those first that asked for it, then the oldest."""
        if self.incoming is not None:
            return
        ready = [member for member in self._of(self.generation) if member.phase == READY]
        surplus = len(ready) - self.target
        for _ in range(surplus):
            member = min(ready, key=self._dismissal_rank)
            ready.remove(member)
            self._retire(member, now, "asked" if member.recycling else "resize")

    def _dismissal_rank(self, member: Member) -> tuple[bool, bool, int]:
        """Who is too many: the lowest."""
        return not member.recycling, False, member.age

    def _retire_the_largest(self, now: float) -> None:
        """Workers over the hard limit of memory go before there is a replacement."""
        large, self._hard = self._hard, []
        for pid in large:
            if pid in self.members:
                self._retire(self.members[pid], now, "memory")

    def _retire(self, member: Member, now: float, cause: str = "asked") -> None:
        if not member.counts:
            return
        member.cause = member.cause or cause
        member.phase = RETIRING
        member.kill_at = now + self.policy.graceful_timeout + STOP_GRACE
        self._do(Kill(member.pid, signal.SIGTERM))

    def _tell_of_slow_boots(self, now: float) -> None:
        """Say once of each worker that it is still loading the application: nothing is wrong yet, only slow."""
        if not any(now >= member.spawned_at + SLOW_BOOT for member in self._untold()):
            return
        # Those that were forked just behind it are in the same line.
        slow = [member for member in self._untold() if now >= member.spawned_at + SLOW_BOOT - 1]
        for member in slow:
            member.is_told = True
        limit = self.policy.boot_timeout
        until = f"; boot_timeout ends that after {limit:g} s" if limit else ""
        which = ", ".join(str(member.pid) for member in slow)
        text = "Still loading the application after %d s (pid: %s)%s."
        self._log("info", text, now - min(member.spawned_at for member in slow), which, until)

    def _untold(self) -> Iterator[Member]:
        return (member for member in self.members.values() if member.phase == BOOTING and not member.is_told)

    # Time limits.

    def _late_at(self, member: Member, vitals: Vitals) -> tuple[float, str] | None:
        """The moment from which a worker counts as stuck, and the limit that says so; None for no limit."""
        policy = self.policy
        booting = member.ready_at == 0.0
        limit = policy.boot_timeout if booting else policy.timeout
        beat = max(vitals.heartbeat, member.spawned_at)
        moments = [(beat + limit, "boot_timeout" if booting else "timeout")] if limit else []
        started = vitals.started
        if policy.request_timeout and started and not booting:
            # A type that breaks requests off itself is stuck only when it does not even beat any more.
            breaks = policy.breaks_requests or vitals.breaks_requests
            late = max(started, beat) + REQUEST_GRACE if breaks else started
            moments.append((late + policy.request_timeout, "request_timeout"))
        return min(moments, default=None)

    def _enforce_heartbeats(self, now: float, board: Mapping[int, Vitals]) -> None:
        for pid, member in self.members.items():
            vitals = board.get(pid)
            if vitals is None or member.phase in (ABORTING, KILLED):
                continue
            late = self._late_at(member, vitals)
            if late is not None and now > late[0]:
                since = vitals.started if late[1] == "request_timeout" else max(vitals.heartbeat, member.spawned_at)
                self._do(TimedOut(pid, now - since, late[1]))
                self._do(Kill(pid, signal.SIGABRT))
                member.phase = ABORTING
                member.timed_out = late[1]
                member.kill_at = now + ABORT_GRACE

    def _enforce_kills(self, now: float) -> None:
        for member in self.members.values():
            if member.kill_at is not None and now >= member.kill_at and member.phase != KILLED:
                self._kill(member)

    def _kill(self, member: Member) -> None:
        member.phase = KILLED
        member.kill_at = None
        self._do(Kill(member.pid, signal.SIGKILL))

    def _see_to_the_stop(self, now: float) -> None:
        if not self.members:
            if not self._halted:
                self._halted = True
                self._do(Halt(None, 0))
            return
        if self._stop_by is not None and now >= self._stop_by:
            self._stop_by = None
            for member in self.members.values():
                self._kill(member)

    def _next_deadline(self, now: float, board: Mapping[int, Vitals]) -> float | None:
        moments: list[float] = []
        if self.stopping and self._stop_by is not None:
            moments.append(self._stop_by)
        if self._stop_at is not None:
            moments.append(self._stop_at)
        if not self.stopping and now < self._not_before:
            moments.append(self._not_before)
        if not self.stopping:
            moments += [member.spawned_at + SLOW_BOOT for member in self._untold()]
        for pid, member in self.members.items():
            if member.kill_at is not None:
                moments.append(member.kill_at)
            if member.expires_at is not None:
                moments.append(member.expires_at)
            vitals = board.get(pid)
            if vitals is None or member.phase in (ABORTING, KILLED):
                continue
            late = self._late_at(member, vitals)
            if late is not None:
                moments.append(late[0])
            if self.policy.request_timeout and not vitals.started:
                # A request that begins now is not seen before the next look.
                moments.append(now + self.policy.request_timeout)
        # Just past the moment, so that a comparison with it holds when the master wakes.
        return max(min(moments) + 0.001, now) if moments else None


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

_HALT_REASONS = {WORKER_BOOT_ERROR: "Worker failed to boot.", APP_LOAD_ERROR: "App failed to load."}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# Signals by which a process ends that has done something wrong itself.
_OWN_FAULTS = frozenset({signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV})


def _cause(member: Member, code: int) -> str:
    """Why a worker has ended, in one word: what has led to its end, or else how it has come."""
    if member.timed_out:
        return "boot" if member.ready_at == 0.0 else "timeout"
    if not member.counts:
        return member.cause
    if member.phase == BOOTING:
        return "boot"
    if code == 0:
        return "exit"
    return "signal" if code < 0 and -code not in _OWN_FAULTS else "crash"


def _boot_reason(pid: int, code: int | None) -> str:
    if code is None:
        return f"worker (pid:{pid}) was not ready in time"
    if code < 0:
        return f"worker (pid:{pid}) was ended by {_signal_name(-code)} before it was ready"
    known = {WORKER_BOOT_ERROR: "failed to boot", APP_LOAD_ERROR: "could not load the application"}
    return f"worker (pid:{pid}) {known.get(code, f'exited with code {code} before it was ready')}"
