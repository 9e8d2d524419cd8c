"""The books of a master, with workers that are pages and clocks that are set by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gunicorn.instrument._board import Board
from gunicorn.instrument.scoreboard import READY, Scoreboard
from gunicorn.master.crew import BOOTING as BOOTS
from gunicorn.master.crew import READY as SERVES
from gunicorn.master.crew import RETIRING
from gunicorn.master.measures import MEMORY_SECONDS, MOST_LOOKS, Measures
from tests.support.task_board import busy_board


class House:
    """A master's measures, and what they look at."""

    def __init__(self) -> None:
        self.now = 100.0
        self.scoreboard = Scoreboard()
        self.looked: list[int] = []
        self.workers: dict[int, Any] = {}
        self.tasks: Any = None
        self.master: Any = SimpleNamespace(
            WORKERS=self.workers, LISTENERS=[], cfg=SimpleNamespace(metrics_buckets="powers"),
            parking=SimpleNamespace(count=0),
        )
        self.measures = Measures(self.master, lambda: self.now, lambda: self.now + 1e9, self.memory_of)

    def memory_of(self, pid: int) -> int | None:
        self.looked.append(pid)
        return None if pid == 9 else pid * 1000

    def spawn(self, pid: int, phase: str = SERVES) -> Board:
        slot = self.scoreboard.allocate(1, self.now)
        slot.state = READY
        slot.offer(2)
        self.workers[pid] = SimpleNamespace(pid=pid, age=pid, generation=1, phase=phase, slot=slot)
        return Board(slot)

    def ends(self, pid: int, cause: str) -> None:
        slot = self.workers.pop(pid).slot
        self.measures.worker_gone(slot, cause)
        self.scoreboard.release(slot)

    def read(self) -> Any:
        view: Any = SimpleNamespace(
            workers=list(self.workers.values()), not_ready="", target=2, counters=SimpleNamespace(spawned=3),
            tasks=self.tasks,
        )
        return self.measures.read(view)


def test_memory_is_looked_at_now_and_then() -> None:
    house = House()
    house.spawn(5)
    house.spawn(9)
    assert [worker.memory for worker in house.read().workers] == [5000, None]
    house.now += MEMORY_SECONDS - 1
    house.spawn(6)
    assert [worker.memory for worker in house.read().workers] == [5000, None, 6000]
    assert house.looked == [5, 9, 6]
    house.now += 1
    house.read()
    assert house.looked == [5, 9, 6, 5, 9]


def test_the_memory_of_task_processes_is_known_by_their_places() -> None:
    house = House()
    house.spawn(5)
    house.tasks = busy_board().read()
    read = house.read()
    assert (read.task_memory, [worker.memory for worker in read.workers]) == ({0: 21000, 1: 22000}, [5000])
    assert read.tasks is house.tasks
    # Elsewhere their numbers mean others.
    house.tasks = house.tasks.replaced(is_here=False)
    assert (house.read().task_memory, house.tasks.local_pids) == ({}, [])


def test_many_workers_are_looked_at_by_and_by() -> None:
    house = House()
    pids = list(range(100, 100 + 2 * MOST_LOOKS + 1))
    for pid in pids:
        house.spawn(pid)
    for known in (MOST_LOOKS, 2 * MOST_LOOKS, len(pids), len(pids)):
        assert sum(worker.memory is not None for worker in house.read().workers) == known
    assert house.looked == pids


def test_what_was_counted_stays_when_a_worker_ends() -> None:
    house = House()
    board = house.spawn(5)
    board.begin("GET", "/", 99.0, 11)
    board.end("GET", 200, 99.0, 100.0, 7)
    before = house.read().totals
    house.ends(5, "crash")
    house.spawn(6)
    after = house.read()
    assert after.totals.counts == before.counts
    assert after.totals.nanoseconds == before.nanoseconds == 10**9
    assert dict(after.restarts) == {"crash": 1}
    house.ends(6, "")
    assert dict(house.read().restarts) == {"crash": 1}, "the server stops: no restart"


def test_a_share_goes_on_over_the_end_of_a_worker() -> None:
    house = House()
    board = house.spawn(5)
    house.now = 110.0
    assert house.read().busy_ratio == 0.0
    board.begin("GET", "/", 110.0, 11)
    house.now = 120.0
    house.ends(5, "signal")
    house.spawn(6)
    assert house.read().busy_ratio == 0.5, "ten seconds of ten, in one of two places"
    house.now = 130.0
    assert house.read().busy_ratio == 0.0


def test_what_workers_are_doing() -> None:
    house = House()
    house.spawn(1).begin("GET", "/", 95.0, 11)
    house.spawn(2)
    house.spawn(3, RETIRING).begin("GET", "/", 98.0, 11)
    house.spawn(4, BOOTS)
    house.workers[4].slot.state = 1
    found = house.read()
    assert [worker.state for worker in found.workers] == ["busy", "ready", "draining", "booting"]
    assert (found.in_flight, found.oldest) == (2, 5.0)


def test_reloads() -> None:
    house = House()
    assert house.read().reloaded_at == 0.0
    for result in ("refused", "success", "success"):
        house.measures.reloaded(result)
    house.now += 50
    found = house.read()
    assert (dict(found.reloads), found.reloaded_at) == ({"refused": 1, "success": 2}, 1e9 + 100)
