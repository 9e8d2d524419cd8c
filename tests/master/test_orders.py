"""What the control socket has the supervisor do: more and fewer workers, one ended, some replaced."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.instrument.scoreboard import Scoreboard
from gunicorn.instrument.totals import Ledger
from gunicorn.master.decisions import Adjusted, Dismissed, Policy, Resized, Worn
from gunicorn.master.history import KEPT, History
from gunicorn.master.orders import Orders
from gunicorn.master.overview import view_of
from gunicorn.unix.sockets import UnixSocket
from tests.master.world import TERM, World, kills, spawns

POLICY = Policy(workers=8, timeout=30, graceful_timeout=10, boot_timeout=30)


def told(world: World, *reports: Any) -> list[Any]:
    world.report(*reports)
    return world.step()


@pytest.mark.parametrize(("by", "target"), [(1, 3), (5, 7), (-1, 1), (-9, 1), (0, 2)])
def test_more_or_less_but_one_stays(by: int, target: int) -> None:
    world = World().started()
    actions = told(world, Adjusted(by))
    assert world.supervisor.target == target
    assert [action for action in actions if isinstance(action, Resized)] == [Resized(target, 2)] * (target != 2)
    assert spawns(actions) == max(0, target - 2)
    assert len(kills(actions, TERM)) == max(0, 2 - target)


def test_where_none_is_wanted_there_are_not_less() -> None:
    world = World().started()
    world.step(signal.SIGWINCH)
    assert (told(world, Adjusted(-1)), world.supervisor.target) == ([], 0)
    assert spawns(told(world, Adjusted(2))) == 2


def test_one_that_is_ended_is_replaced() -> None:
    world = World().started()
    actions = told(world, Dismissed(100))
    assert (kills(actions), spawns(actions)) == ([100], 1)
    assert told(world, Dismissed(100), Dismissed(999)) == []
    assert spawns(world.dies(100, 0)) == 0


def test_one_that_does_not_end_is_killed() -> None:
    world = World().started()
    told(world, Dismissed(100))
    assert kills(world.alive_after(11), signal.SIGKILL) == [100]


@pytest.mark.parametrize("report", [Adjusted(3), Dismissed(100)])
def test_a_stop_is_not_disturbed(report: Any) -> None:
    world = World().started()
    world.step(TERM)
    assert told(world, report) == []


def test_a_restart_has_the_new_one_first() -> None:
    world = World(POLICY).started()
    everybody = frozenset(world.pids())
    actions = told(world, Worn(everybody))
    assert (spawns(actions), kills(actions)) == (2, []), "a quarter at a time"
    gone: set[int] = set()
    for _ in range(20):
        serving = [pid for pid in world.pids() if pid not in gone]
        assert len(serving) >= 8
        gone |= set(kills(world.ready(), TERM))
        for pid in sorted(gone & set(world.pids())):
            world.dies(pid, 0)
    assert gone == everybody
    assert len(world.pids()) == 8


def test_a_restart_of_one() -> None:
    world = World(POLICY).started()
    assert spawns(told(world, Worn(frozenset([103])))) == 1
    assert kills(world.ready(), TERM) == [103]
    world.dies(103, 0)
    assert world.ready() == []


def master_of(world: World, **attributes: Any) -> Any:
    board = Scoreboard()
    workers = {}
    for pid, page in world.board.items():
        slot = board.allocate(1, page.heartbeat)
        slot.state = page.state
        workers[pid] = SimpleNamespace(tmp=SimpleNamespace(slot=slot))
    listener = object.__new__(UnixSocket)
    listener.sock, listener.path, listener.cfg_addr = SimpleNamespace(fileno=lambda: 9), "/s", "/s"  # type: ignore[assignment]
    listener.conf, listener.setting = SimpleNamespace(is_ssl=False), None  # type: ignore[assignment]
    return SimpleNamespace(
        supervisor=world.supervisor, WORKERS=workers, pid=7, history=History(lambda: 5.0), LISTENERS=[listener],
        cfg=SimpleNamespace(ready_workers=1), log=SimpleNamespace(info=lambda *args: None), reexec_pid=0, told=[],
        measures=SimpleNamespace(sums=Ledger().sums, restarts={}),
        pool=SimpleNamespace(read=lambda: None, order=lambda number, times: (number, times)), **attributes,
    )


class TestView:
    """`time.monotonic` of the view is the real one, and the world's pages are of long ago: heartbeats are late."""

    def reason(self, world: World, draining: bool = False, well: bool = True) -> str:
        master = master_of(world)
        for worker in master.WORKERS.values():
            worker.tmp.slot.heartbeat = 1e12 if well else -1e6
        for member in world.supervisor.members.values():
            member.spawned_at = -1e6
        return view_of(master, 0.0, draining).not_ready

    def test_who_may_have_clients(self) -> None:
        assert self.reason(World().started()) == ""
        assert self.reason(World().started(), draining=True) == "drained by a command"
        assert self.reason(World().started(), well=False) == "no worker is well"
        world = World()
        world.step()
        assert self.reason(world) == "no worker is ready yet"
        world.ready()
        assert self.reason(world) == ""
        world.step(signal.SIGWINCH)
        assert self.reason(world) == "no workers are wanted"

    @pytest.mark.parametrize("policy", [POLICY, POLICY.replaced(shutdown_delay=30.0)])
    def test_a_stop_is_told_from_its_first_moment(self, policy: Policy) -> None:
        world = World(policy).started()
        world.step(TERM)
        assert self.reason(world) == "the server is about to stop"

    def test_workers_and_listeners(self) -> None:
        world = World().started()
        view = view_of(master_of(world), 0.0, False)
        assert [(each.pid, each.age, each.phase) for each in view.workers] == [(100, 1, "ready"), (101, 2, "ready")]
        assert [(each.address, each.fd, each.kind) for each in view.listeners] == [("unix:/s", 9, "unix")]
        assert (view.worker(100), view.worker(5)) == (view.workers[0], None)


def test_orders_are_queued() -> None:
    master = master_of(World().started(), tell_supervisor=lambda report: master.told.append(report))
    orders = Orders(master, lambda: view_of(master, 0.0, False))
    orders.resize(-2)
    assert [orders.resize_tasks(by) for by in (3, -2)] == [(signal.SIGTTIN, 3), (signal.SIGTTOU, 2)]
    orders.dismiss(100)
    orders.renew([100, 101])
    orders.signal(signal.SIGHUP)
    assert master.told == [Adjusted(-2), Dismissed(100), Worn(frozenset([100, 101]))]
    assert (orders.take_signals(), orders.take_signals()) == ([signal.SIGHUP], [])
    orders.drain(True)
    orders.drain(True)
    assert [event.text for event in master.history.events] == ["Drained by a command"]
    assert orders.set_log_level(10) is False, "this logger has no level"


def test_the_last_events_are_kept() -> None:
    history = History(lambda: 5.0)
    for number in range(KEPT + 10):
        history.note(f"{number}\nmore")
    assert [event.text for event in history.events] == [str(number) for number in range(10, KEPT + 10)]
    history.count(spawned=2)
    history.count(spawned=1, killed=0)
    assert (history.counters.spawned, history.counters.killed) == (3, 0)
