"""The farewell of a worker, stepped by hand: who is waited for, until when, and what is done in which order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gunicorn.workers.farewell import Farewell, silence_signals

NOW = 1000.0


class World:
    """A worker and its engine; `told`: what it was told, in order."""

    def __init__(
        self, connections: int = 1, hurried: bool = False, stop_seconds: float = 30.0, fd: int = -1
    ) -> None:
        self.engine: Any = self
        self.now = NOW
        self.count = connections
        self.hurried = hurried
        self.stop_seconds = stop_seconds
        self.abandoned: set[Any] = set()
        # Of the parking place; -1: there is none.
        self.fd = fd
        self.parking: Any = self
        self.told: list[Any] = []

    @property
    @contextmanager
    def guard(self) -> Iterator[None]:
        """The engine's."""
        self.told.append("guarded")
        yield
        self.told.append("free")

    def clock(self) -> float:
        """The engine's."""
        return self.now

    def stop_accepting(self) -> None:
        """What the worker is told first."""
        self.told.append("accepts nobody")

    def shorten_idle(self, seconds: float) -> None:
        """What the engine is told then."""
        self.told.append(seconds)


@pytest.mark.parametrize(("hurried", "seconds"), [(False, 1.0), (True, 0.2)], ids=["graceful", "quick"])
def test_it_begins_under_the_guard(hurried: bool, seconds: float) -> None:
    world = World(hurried=hurried)
    farewell = Farewell(world)
    assert world.told == ["guarded", "accepts nobody", seconds, "free"]
    assert (farewell.began, farewell.idle_seconds) == (NOW, seconds)


#: By name: what the world is made with, what the pauses are asked with, what happens after a second (attributes of the
#: world), and how many pauses of a second there are.
ENDS: dict[str, tuple[dict[str, Any], float | None, dict[str, Any], int]] = {
    "nobody is there": ({"connections": 0}, None, {}, 0),
    "somebody may be parked": ({"connections": 0, "fd": 7}, None, {}, 5),
    "somebody may be parked, but in a hurry": ({"connections": 0, "fd": 7, "hurried": True}, None, {}, 5),
    "somebody may be parked, but there is no time": ({"connections": 0, "fd": 7, "stop_seconds": 2.0}, None, {}, 2),
    "somebody was parked": ({"connections": 0, "fd": 7}, None, {"count": 1, "fd": -1, "stop_seconds": 3.0}, 3),
    "nobody is parked any more": ({"connections": 0, "fd": 7, "stop_seconds": 9.0}, None, {"fd": -1}, 1),
    "somebody leaves": ({}, None, {"count": 0}, 1),
    "one of two leaves": ({"connections": 2, "stop_seconds": 5.0}, None, {"count": 1}, 5),
    "nobody leaves": ({"stop_seconds": 3.0}, None, {}, 3),
    "no time at all": ({"stop_seconds": 0.0}, None, {}, 0),
    "it is told to hurry": ({"stop_seconds": 9.0}, None, {"stop_seconds": 2.0}, 2),
    "it is told to hurry, too late": ({"stop_seconds": 9.0}, None, {"stop_seconds": 0.5}, 1),
    "a time of its own": ({"stop_seconds": 9.0}, 4.0, {}, 4),
    "a time of its own, whatever comes": ({"stop_seconds": 9.0}, 4.0, {"stop_seconds": 1.0}, 4),
    "the other one was given up": ({"connections": 2, "stop_seconds": 9.0}, None, {"count": 1, "abandoned": {1}}, 1),
}


@pytest.mark.parametrize("name", ENDS)
def test_pauses(name: str) -> None:
    made, seconds, after_a_second, expected = ENDS[name]
    world = World(**made)
    moments = []
    for now in Farewell(world).pauses(seconds):
        moments.append(now)
        world.now += 1.0
        vars(world).update(after_a_second)
    assert moments == [NOW + number for number in range(expected)]


def test_what_is_busy_without_a_connection_is_waited_for() -> None:
    world = World(connections=0)
    asked: list[float] = []

    def busy(now: float) -> bool:
        asked.append(now)
        return now < NOW + 3

    for _ in Farewell(world).pauses(None, busy):
        world.now += 1.0
    assert asked == [NOW, NOW + 1, NOW + 2, NOW + 3]


def test_signals_are_silent_afterwards() -> None:
    signal.setitimer(signal.ITIMER_REAL, 1000.0)
    silence_signals()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.set_wakeup_fd(-1) == -1
