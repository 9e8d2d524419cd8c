"""Stacks that are counted: what a sample counts for, what it is called, and the bounds of all that is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.instrument import profiles
from gunicorn.instrument.profile_thread import ALONE_SECONDS, SHARED_SECONDS, Turns, watch
from gunicorn.instrument.profiles import DEEPER, DEEPEST, OTHERS, Sampler, collapsed, counted, heaviest

MAIN, OTHER, OWN = 1, 2, 3


def frame_of(module: object, *names: str) -> FrameType:
    """The innermost frame of functions of these names, the first one outermost."""
    space: dict[str, Any] = {"__name__": module, "_getframe": sys._getframe}
    result = "_getframe()"
    for name in reversed(names):
        exec(f"def {name}():\n    return {result}", space)
        result = f"{name}()"
    frame: FrameType = eval(names[0], space)()
    return frame


class Process:
    """Threads that are where they are told to be, and clocks that are set by hand."""

    def __init__(self) -> None:
        self.now, self.used = 50.0, 0.0
        self.threads: dict[int, FrameType] = {OWN: frame_of("gunicorn.instrument", "looks")}
        outermost = sys._getframe().f_code
        self.sampler = Sampler(lambda: self.threads, lambda: self.used, self.now, OWN, MAIN, outermost)

    def sample(self, ticks: int = 1, busy: float = 0.0) -> None:
        self.used += busy * ticks / profiles.HERTZ
        self.now += ticks / profiles.HERTZ + 1e-6
        self.sampler.sample(self.now)

    def ends(self) -> dict[str, int]:
        """The counts, by what is innermost."""
        return {stack.rpartition(";")[2]: count for stack, count in self.sampler.counts().items()}


@pytest.fixture
def process() -> Process:
    # In a function of its own: what is below its `__init__` is not told.
    return Process()


def test_what_is_below_the_outermost_function_is_not_told() -> None:
    def live() -> FrameType:
        return frame_of("shop", "sell")

    sampler = Sampler(lambda: {MAIN: live()}, lambda: 0.0, 0.0, OWN, MAIN, live.__code__)
    sampler.sample(0.0101)
    (stack,) = sampler.counts()
    assert stack.endswith(";shop:sell")
    assert "test_what_is_below" not in stack


def test_one_that_comes_late_counts_for_what_it_missed(process: Process) -> None:
    process.threads[MAIN] = frame_of("shop", "sell")
    process.sample()
    process.sample(7)
    assert process.ends() == {"shop:sell": 8}
    process.sampler.sample(process.now + 0.001)
    assert (process.ends(), process.sampler.ticks) == ({"shop:sell": 8}, 8)


@pytest.mark.parametrize(
    ("thread", "module", "busy", "counts"),
    [
        (MAIN, "gunicorn.workers.sync", 0.0, 0),
        (MAIN, "gunicorn.workers.sync", 0.5, 0),
        (MAIN, "gunicorn.workers.sync", 1.0, 1),
        (OTHER, "threading", 1.0, 0),
        (MAIN, "gunicorn_of_mine", 0.0, 1),
        (OTHER, "shop", 0.0, 1),
    ],
)
def test_waiting_for_work(process: Process, thread: int, module: str, busy: float, counts: int) -> None:
    frame = frame_of(module, "waits")
    caller = frame.f_back
    assert caller is not None
    process.sampler._outermost = caller.f_code
    process.threads[thread] = frame
    process.sample(1, busy)
    assert sum(process.sampler.counts().values()) == counts
    assert process.sampler.idle == 1 - counts


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("a;b\nc\x1b[31m\u2028\ud800", "a_b_c_[31m__:sell"),
        ("x" * 5000, "x" * profiles.LONGEST_NAME),
        (7, "?:sell"),
        (None, "?:sell"),
    ],
)
def test_names_are_what_a_line_can_have(process: Process, module: object, name: str) -> None:
    process.threads[MAIN] = frame_of(module, "sell")
    process.sample()
    text = collapsed(process.sampler.counts())
    assert (text.count("\n"), text.isascii()) == (1, True)
    assert process.ends() == {name: 1}
    assert counted(text) == process.sampler.counts()


def test_a_namespace_with_methods_of_its_own_is_not_asked(process: Process) -> None:
    class Space(dict[str, object]):
        def get(self, *args: object) -> object:
            raise AssertionError("code of the application has run")

    space = Space(__name__="shop", _getframe=sys._getframe)
    process.threads[MAIN] = eval(compile("_getframe()", "f", "eval"), space)
    process.sample()
    assert "shop:<module>" in process.ends()


def test_depth_is_bounded(process: Process) -> None:
    def deep(levels: int) -> FrameType:
        return deep(levels - 1) if levels else sys._getframe()

    process.threads[MAIN] = deep(DEEPEST + 50)
    process.sample()
    (stack,) = process.sampler.counts()
    assert stack.count(";") == DEEPEST - 1
    assert stack.endswith(f".deep;{DEEPER}")


@pytest.mark.parametrize("bound", ["MOST_STACKS", "MOST_CODES"])
def test_what_is_kept_is_bounded(process: Process, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(profiles, bound, len(process.sampler._codes) + 60)
    for number in range(200):
        process.threads[MAIN] = frame_of("shop", f"f{number}")
        process.sample()
    counts = process.sampler.counts()
    assert sum(counts.values()) == 200
    assert counts[OTHERS] >= 100
    assert len(process.sampler._codes) <= len(counts) + 100


# Text.

names = st.text(st.characters(codec="utf-8", exclude_characters="\n;"), min_size=1, max_size=20)
stacks = st.dictionaries(st.lists(names, min_size=1, max_size=5).map(";".join), st.integers(1, 10**6), max_size=30)


@given(stacks)
def test_text_says_the_same(counts: dict[str, int]) -> None:
    assert counted(collapsed(counts)) == counts


@given(stacks, st.integers(100, 600))
def test_the_heaviest_have_room_and_nothing_is_lost(counts: dict[str, int], octets: int) -> None:
    kept = heaviest(counts, octets)
    assert sum(kept.values()) == sum(counts.values())
    assert len(collapsed(kept).encode()) <= octets
    assert heaviest(counts, 1 << 20) == counts


@pytest.mark.parametrize("text", ["", "\n", "a", "a -1\n", "a x\n", " 5\n", "a \u0664\n"])
def test_lines_that_are_none(text: str) -> None:
    assert counted(text) == {}


# The thread.


class Counting:
    """A sampler that costs what it is told to."""

    threads = 1

    def __init__(self, cost: float) -> None:
        self.now = self.spent = 0.0
        self.cost = cost
        self.ticks = self.looks = 0
        self.written: list[bool] = []

    def sample(self, now: float) -> None:
        self.looks += 1
        self.ticks = int(now * profiles.HERTZ)
        self.now += self.cost
        self.spent += self.cost

    def wait(self, seconds: float) -> None:
        self.now += max(seconds, 0.0) + 1e-5

    def watch(self, until: float) -> None:
        def go_on(now: float) -> bool:
            return now < until

        watch(
            self, lambda now, threads: None, go_on, self.written.append,  # type: ignore[arg-type]
            lambda: self.now, self.wait, lambda: self.spent,
        )


def test_the_rate() -> None:
    counting = Counting(0.00002)
    counting.watch(10.0)
    assert 980 <= counting.looks <= 1002
    assert counting.written == [False] * 9 + [True]


@pytest.mark.parametrize("cost", [0.0005, 0.01, 0.2])
def test_what_costs_much_is_done_less_often(cost: float) -> None:
    counting = Counting(cost)
    counting.watch(100.0)
    # And the ones at both ends.
    assert 0.9 <= counting.spent <= 1.0 + 2 * cost


class Interpreter:
    """How soon its lock is given up, and what its threads use."""

    def __init__(self) -> None:
        self.seconds = 0.005
        self.main = self.whole = 0.0
        self.turns = Turns(0.0, lambda: self.main, lambda: self.whole, lambda: self.seconds, self.choose)

    def choose(self, seconds: float) -> None:
        self.seconds = seconds


@pytest.mark.parametrize(
    ("threads", "main", "whole", "expected"),
    [
        (1, 1.0, 1.0, ALONE_SECONDS),
        (5, 1.0, 1.02, ALONE_SECONDS),
        (5, 0.0, 0.2, SHARED_SECONDS),
        (5, 0.0, 1.0, 0.005),
        (5, 0.5, 1.0, 0.005),
    ],
)
def test_how_soon_the_lock_is_given_up(threads: int, main: float, whole: float, expected: float) -> None:
    interpreter = Interpreter()
    interpreter.turns.follow(0.05, threads)
    assert interpreter.seconds == 0.005, "too soon to say"
    interpreter.main, interpreter.whole = main, whole
    interpreter.turns.follow(1.0, threads)
    assert interpreter.seconds == expected
    interpreter.turns.end()
    assert interpreter.seconds == 0.005


def test_what_the_application_has_chosen_stays() -> None:
    interpreter = Interpreter()
    interpreter.turns.follow(1.0, 1)
    interpreter.choose(0.1)
    interpreter.turns.follow(2.0, 1)
    interpreter.turns.end()
    assert interpreter.seconds == 0.1


def test_a_quicker_one_is_not_made_slower() -> None:
    interpreter: Any = Interpreter()
    interpreter.seconds = 0.00001
    make: Callable[..., Turns] = Turns
    turns = make(0.0, lambda: 0.0, lambda: 0.0, lambda: interpreter.seconds, interpreter.choose)
    turns.follow(1.0, 1)
    assert interpreter.seconds == 0.00001
