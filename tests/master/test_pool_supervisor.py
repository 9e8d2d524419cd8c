"""Which task process has which application, which can be spared, and what becomes of one with a call that hangs."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

from gunicorn.instrument import scoreboard
from gunicorn.master.decisions import (
    Exit,
    Gone,
    Kill,
    Log,
    Policy,
    Reconfigured,
    Reload,
    ReloadDone,
    Resized,
    Spawn,
    Spawned,
    Stuck,
    Worn,
)
from gunicorn.master.pool_supervisor import PoolSupervisor

READY = SimpleNamespace(
    state=scoreboard.READY, heartbeat=0.0, started=0.0, wants_recycling=False, breaks_requests=False
)


class Pool:
    """A supervisor, and the processes that it has had started; PIDs count from 1."""

    def __init__(self, workers: int, **limits: int | None) -> None:
        self.books = PoolSupervisor(self.policy(workers), limits)
        self.paths = list(limits)
        self.now = 0.0
        self.pid = 0
        self.ranks: dict[int, dict[str, int]] = {}
        self.said: list[object] = []

    def policy(self, workers: int) -> Policy:
        return Policy(workers, 0.0, 30.0, 300.0)

    def step(self, *reports: Any, signals: tuple[int, ...] = (), exits: tuple[Exit, ...] = ()) -> list[object]:
        """What is decided; what is to be started is started, and ready at once."""
        self.now += 1.0
        decided: list[object] = []
        more: list[Any] = list(reports)
        while True:
            board = dict.fromkeys(self.books.members, READY)
            actions = self.books.step(self.now, signals, board, exits, more).actions
            signals, exits, more = (), (), []
            decided += actions
            for action in actions:
                if isinstance(action, Spawn):
                    self.pid += 1
                    self.ranks[self.pid] = self.books.ranks_for_next(action.generation, self.paths)
                    self.books.note(self.pid, action.generation, self.ranks[self.pid])
                    more.append(Spawned(self.pid, self.pid, action.generation, self.now))
            if not actions:
                return decided

    def end(self, pid: int, status: int = 0) -> list[object]:
        self.books.forget(pid)
        return self.step(exits=(Exit(pid, status),))


def test_each_has_the_lowest_rank_that_is_free() -> None:
    pool = Pool(3, a=None, b=2, c=1)
    pool.step()
    assert pool.ranks == {1: {"a": 0, "b": 0, "c": 0}, 2: {"a": 1, "b": 1}, 3: {"a": 2}}
    pool.end(1, signal.SIGKILL)
    # The one in its place takes over what it had.
    assert pool.ranks[4] == {"a": 0, "b": 0, "c": 0}


def test_who_is_to_be_replaced_has_given_up_its_rank() -> None:
    pool = Pool(1, a=1)
    pool.step()
    decided = pool.step(Worn(frozenset([1])))
    assert Spawn(1) in decided
    assert pool.ranks[2] == {"a": 0}
    assert Kill(1, signal.SIGTERM) in pool.step()


def test_who_can_be_spared_goes_first() -> None:
    pool = Pool(3, a=None, b=1)
    pool.step()
    assert [pool.books.is_needed(pid) for pid in (1, 2, 3)] == [True, False, False]
    decided = pool.step(signals=(signal.SIGTTOU,))
    assert Resized(2, 3) in decided
    assert [action for action in decided if isinstance(action, Kill)] == [Kill(2, signal.SIGTERM)]


def test_who_cannot_be_spared_stays() -> None:
    pool = Pool(2, a=1, b=2)
    pool.step()
    (said,) = pool.step(signals=(signal.SIGTTOU,))
    assert isinstance(said, Log)
    assert "can be spared" in said.message
    assert pool.books.target == 2


def test_a_process_with_a_call_that_hangs() -> None:
    pool = Pool(1, a=None)
    pool.step()
    decided = pool.step(Stuck(1, "dirty_timeout", False))
    assert decided[:1] == [Kill(1, signal.SIGTERM)]
    assert Spawn(1) in decided
    assert pool.step(Stuck(1, "dirty_timeout", True)) == [Kill(1, signal.SIGKILL)]
    # Told again, it is not killed again.
    assert pool.step(Stuck(1, "dirty_timeout", True), Stuck(99, "dirty_timeout", True)) == []
    (log, _) = pool.end(1, signal.SIGKILL)
    assert isinstance(log, Log)
    assert "killed by the timeout" in log.message


def test_two_at_once_take_no_more_than_can_be_spared() -> None:
    pool = Pool(3, a=1, b=2)
    pool.step()
    decided = pool.step(signals=(signal.SIGTTOU, signal.SIGTTOU))
    assert [each for each in decided if isinstance(each, Resized)] == [Resized(2, 3)]
    assert pool.books.target == 2
    assert "No task process can be spared" in pool.books.take_reason()
    assert pool.books.take_reason() == ""


class Narrow(Pool):
    """There is no room for a new process beside the old ones."""

    def policy(self, workers: int) -> Policy:
        return super().policy(workers).replaced(reload_replaces=True)


def test_a_reload_without_room_ends_an_old_one_before_it_starts_a_new_one() -> None:
    pool = Narrow(2, a=1, b=None)
    pool.step()
    assert pool.step(signals=(signal.SIGHUP,)) == [Reload()]
    # Nothing is started before one is gone; and no second one goes meanwhile.
    assert pool.step(Reconfigured(pool.policy(2))) == [Kill(1, signal.SIGTERM)]
    assert pool.step() == []
    assert pool.end(1) == [Gone(1, "reload"), Spawn(2)]
    assert pool.step() == [Kill(2, signal.SIGTERM)]
    # The application that was in one process is in one again, of the new code.
    assert pool.ranks[3] == {"a": 0, "b": 0}
    assert pool.end(2) == [Gone(2, "reload"), Spawn(2)]
    assert pool.step() == [ReloadDone()]
    assert sorted(pool.books.members) == [3, 4]
