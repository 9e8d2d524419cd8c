"""The parts of the master that need no process: its tables, its policy, its hooks, its looks at memory."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.errors import (
    AnotherWorkerType,
    AppExitError,
    AppImportError,
    AppModuleNotFoundError,
    ConfigError,
    HaltServer,
    WorkerExit,
)
from gunicorn.master import decisions, executors, hooks, memory, service_manager, supervisor
from gunicorn.master.exit_status import status_after
from gunicorn.master.history import History
from gunicorn.master.policy import policy_of
from gunicorn.master.reload import Reloads
from gunicorn.master.service_manager import ServiceManager
from gunicorn.unix import systemd


class Calls:
    """A part of a master; remembers what it is made to do."""

    def __init__(self, done: list[tuple[object, ...]]) -> None:
        self._done = done

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self._done.append((name, *args))


class Recorder:
    """A master, as far as its parts look at it; remembers what it is made to do."""

    def __init__(self, **attributes: Any) -> None:
        self.done: list[tuple[object, ...]] = []
        self.pid = 7
        self.log = logging.getLogger("gunicorn.test")
        self.reexec_pid = self.master_pid = self.spawning = 0
        self.halting = self.has_served = False
        self.num_workers = 2
        self.pool = Calls([])
        self.history = History()
        self.measures = self.faces = Calls(self.done)
        self.supervisor = SimpleNamespace(reloading=False, stopping=0, members={}, target=2, looks_at_memory=True)
        self.measures = SimpleNamespace(reloaded=lambda *args: self.done.append(("reloaded", *args)))
        self.__dict__.update(attributes)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.done.append((name, *args))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What systemd is told."""
    words: list[str] = []
    monkeypatch.setattr(systemd, "sd_notify", lambda state, log: words.append(state))
    return words


def executors_of(master: Any) -> executors.Executors:
    manager = ServiceManager(master)
    return executors.Executors(master, manager, Reloads(master, manager), master.reception)


@pytest.mark.parametrize(
    ("error", "unready", "ready"),
    [
        (HaltServer("enough", 7), 7, 7),
        (WorkerExit(5), 5, 5),
        (AnotherWorkerType("asgi"), 255, 255),
        (SystemExit(6), 3, 6),
        (SystemExit(None), 3, 0),
        (KeyboardInterrupt(), 3, 0),
        (AppExitError("the application has left"), 3, 3),
        (AppModuleNotFoundError("no such module"), 3, 3),
        (AppImportError("no such name"), 4, 4),
        (ConfigError("wrong"), 3, 3),
        (LookupError("on purpose"), 3, 255),
        (GeneratorExit(), 3, 255),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_the_status_after_an_exception(error: BaseException, unready: int, ready: int) -> None:
    """Of a worker whose application is not loaded yet, and of one that serves."""
    master: Any = SimpleNamespace(log=logging.getLogger("test"), WORKER_BOOT_ERROR=3, APP_LOAD_ERROR=4)
    workers: list[Any] = [SimpleNamespace(booted=booted, pid=1) for booted in (False, True)]
    assert [status_after(error, master, worker) for worker in workers] == [unready, ready]


def test_every_action_has_an_executor_and_every_report_a_rule() -> None:
    assert set(executors._EXECUTORS) == set(decisions.Action.__subclasses__())
    assert set(supervisor._REPORT_RULES) == set(decisions.Report.__subclasses__())


@pytest.mark.parametrize(
    ("action", "done"),
    [
        (decisions.Spawn(3), ("spawn_worker",)),
        (decisions.Kill(8, 15), ("kill_worker", 8, 15)),
        (decisions.Resized(3, 2), ("note_resize", 2, 3)),
        (decisions.Reload(), ("reload",)),
        (decisions.Reexec(), ("reexec",)),
    ],
)
def test_what_a_subclass_may_replace_is_called_by_its_name(action: decisions.Action, done: tuple[object, ...]) -> None:
    master = Recorder()
    executors_of(master).execute(action)
    assert master.done == [done]


def test_a_worker_that_cannot_be_forked_is_told_of() -> None:
    import os

    def fail() -> None:
        assert master.spawning == 3
        raise OSError("no more processes")

    master = Recorder(spawn_worker=fail, pid=os.getpid())
    executors_of(master).execute(decisions.Spawn(3))
    assert master.done == [("tell_supervisor", decisions.SpawnFailed())]
    assert master.spawning == 0


def test_a_stop_that_is_under_way_is_not_begun_again() -> None:
    with pytest.raises(HaltServer):
        executors_of(Recorder()).execute(decisions.Halt("why", 3))
    executors_of(Recorder(halting=True)).execute(decisions.Halt("why", 3))


@pytest.mark.parametrize(
    ("strategy", "batch"),
    [("all", 0.0), ("rolling", 1.0), ("rolling:3", 3.0), ("rolling:25%", 0.25), ("rolling:100%", 0.0)],
)
def test_reload_strategy_as_a_batch(strategy: str, batch: float) -> None:
    cfg = SimpleNamespace(
        workers=2, timeout=30, graceful_timeout=30, boot_timeout=None, request_timeout=0, max_worker_lifetime=0,
        max_worker_memory=0, max_worker_memory_hard=0, shutdown_delay=0, reload_strategy=strategy,
    )
    policy = policy_of(cfg, object())  # type: ignore[arg-type]
    assert (policy.reload_batch, policy.boot_timeout) == (batch, 30)


class TestHooks:
    @pytest.mark.parametrize(
        ("error", "has_served", "raised"),
        [
            (ValueError("x"), False, ValueError), (SystemExit(1), False, RuntimeError),
            (ValueError("x"), True, None), (SystemExit(1), True, None),
        ],
    )
    def test_one_that_fails(self, error: BaseException, has_served: bool, raised: type[Exception] | None) -> None:
        def hook(master: object) -> None:
            raise error

        master: Any = Recorder(cfg=SimpleNamespace(on_reload=hook), has_served=has_served)
        if raised is None:
            hooks.call(master, "on_reload")
        else:
            with pytest.raises(raised):
                hooks.call(master, "on_reload")

    def test_the_last_one_ends_nothing_but_itself(self, caplog: pytest.LogCaptureFixture) -> None:
        def hook(master: object) -> None:
            raise SystemExit(1)

        master: Any = Recorder(cfg=SimpleNamespace(on_exit=hook))
        hooks.call_the_last(master)
        assert caplog.messages == ["The hook on_exit failed"]


class TestMemory:
    def test_by_the_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory.resources, "proportional_memory", {1: 100, 2: None}.get)
        books: Any = Recorder().supervisor
        watch = memory.MemoryWatch()
        assert watch.look(10.0, books, (1, 2)) == {1: 100}
        assert watch.look(11.9, books, (1, 2)) == {}
        assert watch.due == 12.0
        assert watch.look(12.0, books, (1, 2)) == {1: 100}

    @pytest.mark.parametrize(("wanted", "stopping"), [(False, 0), (True, 1)])
    def test_not_when_nobody_wants_it(self, wanted: bool, stopping: int) -> None:
        books: Any = SimpleNamespace(looks_at_memory=wanted, stopping=stopping)
        watch = memory.MemoryWatch()
        watch.due = 10.0
        assert watch.look(20.0, books, (1,)) == {}
        assert watch.due is None


class TestServiceManager:
    def report(self, manager: ServiceManager, reload_runs: bool = False) -> None:
        manager.report(1.0, {}, reload_runs)

    def test_ready_is_told_once_and_then_the_count(self, told: list[str]) -> None:
        master: Any = Recorder()
        manager = ServiceManager(master)
        ready = SimpleNamespace(phase=service_manager.READY)
        master.supervisor.members = {1: ready}
        self.report(manager)
        assert told == []
        master.supervisor.members = {1: ready, 2: ready}
        self.report(manager)
        self.report(manager)
        assert told == ["READY=1\nMAINPID=7\nSTATUS=2 workers ready"]
        master.supervisor.members = {1: ready}
        self.report(manager, reload_runs=True)
        assert len(told) == 1
        self.report(manager)
        assert told[1:] == ["STATUS=1 of 2 workers ready"]

    @pytest.mark.parametrize(
        ("successor", "word"),
        [(0, "STOPPING=1\nSTATUS=Shutting down"), (9, "MAINPID=9\nSTATUS=Handed over to 9")],
    )
    def test_the_end(self, successor: int, word: str, told: list[str]) -> None:
        master: Any = Recorder(reexec_pid=successor)
        ServiceManager(master).stopping()
        assert told == [word]

    @pytest.mark.parametrize(("reloading", "count"), [(False, 1), (True, 0)])
    def test_only_the_last_of_several_reloads_is_told(self, reloading: bool, count: int, told: list[str]) -> None:
        master: Any = Recorder()
        master.supervisor.reloading = reloading
        Reloads(master, ServiceManager(master)).done()
        assert master.done == [("reloaded", "success")]
        assert told == ["READY=1\nSTATUS=Reloaded"] * count
