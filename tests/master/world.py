"""A world for the supervisor without processes: a clock set by hand, workers that are pages of a dict."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from gunicorn.instrument import scoreboard
from gunicorn.master.decisions import (
    Action,
    Exit,
    Halt,
    Kill,
    Log,
    Policy,
    Reconfigured,
    Reload,
    ReloadRefused,
    Report,
    Resize,
    Spawn,
    Spawned,
)
from gunicorn.master.supervisor import Supervisor

POLICY = Policy(workers=2, timeout=30, graceful_timeout=10, boot_timeout=30)


class Page:
    """What the scoreboard says of one worker."""

    def __init__(self, now: float) -> None:
        self.state = scoreboard.BOOTING
        self.heartbeat = now
        self.wants_recycling = False
        self.breaks_requests = False
        self.started = 0.0


def exited(code: int) -> int:
    """The wait status of an exit, or with a negative ``code`` of an end by signal."""
    return code << 8 if code >= 0 else -code


class World:
    """Carries out what the supervisor decides. Workers do nothing by themselves."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.now = 1000.0
        self.supervisor = Supervisor(policy)
        self.board: dict[int, Page] = {}
        self.generation_of: dict[int, int] = {}
        self.history: list[Action] = []
        self.deadline: float | None = None
        self.next_policy = policy
        self.reload_works = True
        self._next_pid = 100
        self._exits: list[Exit] = []
        self._reports: list[Report] = []

    # -- time and input

    def step(self, *signals: int) -> list[Action]:
        """Step until nothing more is decided; the actions of all steps."""
        done: list[Action] = []
        queue: Iterable[int] = signals
        for _ in range(50):
            exits, self._exits = self._exits, []
            reports, self._reports = self._reports, []
            decision = self.supervisor.step(self.now, queue, self.board, exits, reports)
            queue = ()
            self.deadline = decision.deadline
            for action in decision.actions:
                self._execute(action)
            done.extend(decision.actions)
            if not decision.actions:
                break
        else:
            raise AssertionError("the supervisor never comes to rest")
        self.history.extend(done)
        return done

    def after(self, seconds: float) -> list[Action]:
        """Let time pass without a heartbeat, waking at each deadline as the master does."""
        end = self.now + seconds
        done: list[Action] = []
        while self.deadline is not None and self.deadline < end:
            self.now = max(self.deadline, self.now)
            done += self.step()
        self.now = end
        return done + self.step()

    def alive_after(self, seconds: float) -> list[Action]:
        """Let time pass while every worker beats."""
        done: list[Action] = []
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + 0.5, end)
            self.beat()
            done += self.step()
        return done

    def report(self, *reports: Report) -> None:
        """Have this said at the next step."""
        self._reports.extend(reports)

    def beat(self, *pids: int) -> None:
        for pid in pids or tuple(self.board):
            self.board[pid].heartbeat = self.now

    def ready(self, *pids: int) -> list[Action]:
        """These workers (by default all) have booted."""
        for pid in pids or tuple(self.board):
            self.board[pid].state = scoreboard.READY
            self.board[pid].heartbeat = self.now
        return self.step()

    def dies(self, pid: int, code: int) -> list[Action]:
        del self.board[pid]
        self._exits.append(Exit(pid, exited(code)))
        return self.step()

    # -- a look

    def started(self) -> World:
        """Both workers up and stable."""
        self.step()
        self.ready()
        self.alive_after(5)
        return self

    def pids(self, generation: int | None = None) -> list[int]:
        return [pid for pid in self.board if generation in (None, self.generation_of[pid])]

    # -- the executor

    def _execute(self, action: Action) -> None:
        if isinstance(action, Spawn):
            pid, self._next_pid = self._next_pid, self._next_pid + 1
            self.board[pid] = Page(self.now)
            self.generation_of[pid] = action.generation
            self.report(Spawned(pid, pid - 99, action.generation, self.now))
        elif isinstance(action, Reload):
            if self.reload_works:
                self.report(Resize(self.next_policy.workers), Reconfigured(self.next_policy))
            else:
                self.report(ReloadRefused())


def kills(actions: Iterable[Action], number: int | None = None) -> list[int]:
    """PIDs that got a signal (this one)."""
    return [a.pid for a in actions if isinstance(a, Kill) and number in (None, a.signal)]


def spawns(actions: Iterable[Action]) -> int:
    return sum(isinstance(action, Spawn) for action in actions)


def halt(actions: Iterable[Action]) -> Halt | None:
    return next((action for action in actions if isinstance(action, Halt)), None)


def lines(actions: Iterable[Action]) -> list[str]:
    """The text of what is logged."""
    return [action.message % action.args for action in actions if isinstance(action, Log)]


TERM, QUIT, KILL, ABRT = signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL, signal.SIGABRT
