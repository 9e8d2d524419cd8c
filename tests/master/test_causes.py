"""Why each worker has ended, as the supervisor says it with its end."""

from __future__ import annotations

import signal

import pytest

from gunicorn.instrument.metrics import CAUSES
from gunicorn.master.decisions import Action, Gone, Measured
from tests.master.world import POLICY, World


def causes(actions: list[Action]) -> list[str]:
    return [action.cause for action in actions if isinstance(action, Gone)]


@pytest.mark.parametrize(("code", "cause"), [
    (0, "exit"), (1, "crash"), (255, "crash"), (-signal.SIGSEGV, "crash"), (-signal.SIGABRT, "crash"),
    (-signal.SIGKILL, "signal"), (-signal.SIGTERM, "signal"),
])
def test_a_worker_that_ends_by_itself(code: int, cause: str) -> None:
    assert causes(World().started().dies(100, code)) == [cause]


def test_one_that_has_not_been_ready() -> None:
    world = World().started()
    world.dies(100, 1)
    assert causes(world.dies(102, 1)) == ["boot"]


def test_one_that_is_stuck() -> None:
    world = World().started()
    world.after(POLICY.timeout + 1)
    assert causes(world.dies(100, 1)) == ["timeout"]


def test_one_that_does_not_boot_in_time() -> None:
    world = World()
    world.step()
    world.after(POLICY.boot_timeout + 1)
    assert causes(world.dies(100, -signal.SIGABRT)) == ["boot"]


def test_one_that_has_served_enough() -> None:
    world = World().started()
    world.board[100].wants_recycling = True
    world.step()
    world.ready()
    assert causes(world.dies(100, 0)) == ["max_requests"]


def test_one_that_is_old_enough() -> None:
    world = World(POLICY.replaced(lifetime=100.0)).started()
    world.alive_after(100)
    world.ready()
    assert causes(world.dies(100, 0)) == ["lifetime"]


@pytest.mark.parametrize("limit", ["memory", "memory_hard"])
def test_one_that_is_too_large(limit: str) -> None:
    world = World(POLICY.replaced(**{limit: 1000})).started()
    world.report(Measured(100, 5000))
    world.step()
    world.ready()
    assert causes(world.dies(100, 0)) == ["memory"]


def test_those_of_before_a_reload() -> None:
    world = World().started()
    world.step(signal.SIGHUP)
    world.ready()
    assert causes([*world.dies(100, 0), *world.dies(101, -signal.SIGKILL)]) == ["reload", "reload"]


def test_those_that_are_too_many() -> None:
    world = World().started()
    world.step(signal.SIGTTOU)
    assert causes(world.dies(100, 0)) == ["resize"]


def test_none_where_the_server_stops() -> None:
    world = World().started()
    world.step(signal.SIGTERM)
    assert causes(world.dies(100, 0)) == [""]


def test_the_words_are_those_of_the_metrics() -> None:
    said = {"exit", "crash", "signal", "boot", "timeout", "max_requests", "lifetime", "memory", "reload", "resize",
            "asked"}
    assert said == set(CAUSES)
