"""How many workers must be well for new clients to be welcome."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.config import Config
from gunicorn.errors import ConfigError
from gunicorn.master.overview import _not_ready
from tests.master.world import POLICY, World


def told(world: World, wanted: object) -> str:
    """Why the server is not ready."""
    master: Any = SimpleNamespace(
        supervisor=world.supervisor, reexec_pid=0, cfg=SimpleNamespace(ready_workers=wanted),
    )
    return _not_ready(master, world.now, world.board, False)


def test_as_many_as_are_asked_for() -> None:
    world = World(POLICY.replaced(workers=3))
    world.step()
    assert told(world, 1) == "no worker is ready yet"
    world.ready(100)
    assert told(world, 1) == ""
    assert told(world, 2) == "1 of 3 workers are well, ready_workers is 2"
    assert told(world, "all") == "1 of 3 workers are well, ready_workers is all"
    world.ready(101)
    assert told(world, 2) == ""
    assert told(world, "all") == "2 of 3 workers are well, ready_workers is all"
    world.ready(102)
    assert told(world, "all") == told(world, 3) == told(world, 64) == "", "more than are wanted are not asked for"


def test_one_that_shows_no_sign_of_life_does_not_count() -> None:
    world = World().started()
    assert told(world, "all") == ""
    world.now += 31
    world.beat(101)
    assert told(world, 1) == ""
    assert told(world, 2) == told(world, 64).replace("64", "2") == "1 of 2 workers are well, ready_workers is 2"
    world.dies(100, 1)
    assert told(world, "all") == "1 of 2 workers are well, ready_workers is all"
    world.ready()
    assert told(world, "all") == ""


@pytest.mark.parametrize(("value", "meant"), [("all", "all"), (" ALL ", "all"), ("3", 3), (2, 2)])
def test_values(value: object, meant: object) -> None:
    config = Config()
    config.set("ready_workers", value)
    assert config.ready_workers == meant


@pytest.mark.parametrize("value", ["0", "-1", "most", "1.5", ""])
def test_values_that_mean_nothing(value: object) -> None:
    with pytest.raises((ConfigError, ValueError, TypeError), match="expected a whole number, 1 or more, or all"):
        Config().set("ready_workers", value)
