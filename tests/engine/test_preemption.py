"""What the system had taken from a thread, by its accounts, and what a worker therefore takes for slow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import NamedTuple

import pytest

from gunicorn.engine.preemption import WATCHED_SECONDS, Preemption, usage_of_thread
from gunicorn.engine.share import Share

#: The moment of the first event.
NOW = 1000.0


class Thread:
    """A thread whose time passes as it is told; it tells of turns and of calls as an engine does."""

    def __init__(self, fair: bool = True, counts_waits: bool = True) -> None:
        self.now, self.ran, self.waits = NOW, 5.0, 3
        self.counts_waits = counts_waits
        self.asked = 0
        self.share = Share(fair, preemption=Preemption(self.usage))
        self.began = self.now

    def usage(self) -> tuple[float, int]:
        self.asked += 1
        return self.ran, self.waits if self.counts_waits else -1

    def passes(self, work: float = 0.0, wait: float = 0.0, preempted: float = 0.0) -> None:
        """Milliseconds."""
        self.now += (work + wait + preempted) / 1000
        self.ran += work / 1000
        self.waits += wait > 0

    def turn(self, events: int = 8) -> None:
        self.passes(wait=1.0)
        self.share.turn(events, self.now)
        self.began = self.now

    def call(self, work: float = 0.0, wait: float = 0.0, preempted: float = 0.0) -> None:
        began = self.now
        self.passes(work, wait, preempted)
        self.share.ended(self.now - began, self.now)

    def watch(self) -> None:
        """Something was long, and is forgotten by now; but turns are looked at."""
        self.call(work=0.6)
        self.passes(wait=WATCHED_SECONDS * 500)
        self.turn()
        assert self.share.is_quick(self.now)


class Call(NamedTuple):
    """Milliseconds of one call."""

    work: float = 0.0
    wait: float = 0.0
    preempted: float = 0.0


QUICK = Call(0.06)

#: A name, the calls of one turn, and whether answers wait for others afterwards.
TURNS: list[tuple[str, list[Call], bool]] = [
    ("nothing", [], True),
    ("quick ones", [QUICK] * 20, True),
    ("one was preempted", [QUICK, Call(0.06, preempted=4.0), QUICK], True),
    ("each was preempted", [Call(0.06, preempted=4.0)] * 5, True),
    ("preempted for very long", [Call(0.06, preempted=400.0)], True),
    ("some briefly, then one for long", [Call(0.06, preempted=0.3)] * 9 + [Call(0.1, preempted=2)], True),
    ("worked", [Call(0.6)], False),
    ("worked and was preempted", [Call(0.6, preempted=4.0)], False),
    ("worked, where another was preempted", [Call(0.06, preempted=4.0), Call(0.6)], False),
    ("worked, and another was preempted", [Call(0.6), Call(0.06, preempted=4.0)], False),
    ("waited", [Call(0.06, wait=0.6)], False),
    ("waited where another was preempted", [Call(0.06, preempted=4.0), Call(0.06, wait=0.6)], False),
    ("waited briefly, and another was preempted", [Call(0.06, wait=0.1), Call(0.06, preempted=4.0)], False),
    ("waited and was preempted", [Call(0.06, wait=0.1, preempted=4.0)], False),
]


@pytest.mark.parametrize(("calls", "quick"), [turn[1:] for turn in TURNS], ids=[turn[0] for turn in TURNS])
def test_whose_calls_are_long(calls: list[Call], quick: bool) -> None:
    thread = Thread()
    thread.watch()
    for call in calls:
        thread.call(*call)
    assert thread.share.is_quick(thread.now) is quick


@pytest.mark.parametrize(("call", "slow"), [(Call(0.06, preempted=50), False), (Call(6), True), (Call(1, 6), True)])
def test_whose_calls_are_slow(call: Call, slow: bool) -> None:
    thread = Thread()
    thread.watch()
    for _ in range(4):
        thread.call(*call)
        assert thread.share.is_slow(thread.now) is slow
    assert (thread.share.waits() > 0) is slow


@pytest.mark.parametrize(("first", "slow"), [(Call(50), False), (Call(0.06, 50), False), (Call(101), True)])
def test_the_first_one_is_slow_where_nobody_is_preempted_for_so_long(first: Call, slow: bool) -> None:
    thread = Thread()
    thread.turn()
    thread.call(*first)
    assert thread.share.is_slow(thread.now) is slow
    assert not thread.share.is_quick(thread.now)
    thread.call(*first)
    assert thread.share.is_slow(thread.now), "the next one is known"


def test_who_has_waited_for_long_has_waited_whatever_the_reason() -> None:
    thread = Thread()
    thread.watch()
    thread.call(0.06, preempted=1500)
    assert thread.share.may_have_left(thread.now)
    assert not thread.share.is_slow(thread.now)


def test_a_turn_is_judged_as_its_calls_are() -> None:
    """Something of it was long (`Engine._look_at_delayed`), after its call has been told of."""
    for call, quick in ((Call(0.06, preempted=4.0), True), (Call(0.06, wait=4.0), False), (Call(4.0), False)):
        thread = Thread(fair=False)
        thread.watch()
        thread.call(*QUICK)
        thread.call(*call)
        thread.share.has_run(thread.now - thread.began - 0.001, thread.now)
        assert thread.share.is_quick(thread.now) is quick, call


def test_the_first_one_counts_and_the_next_turns_are_looked_at() -> None:
    thread = Thread()
    thread.turn()
    assert not thread.asked, "quick calls are asked for nothing"
    thread.call(0.06, preempted=4.0)
    assert not thread.share.is_quick(thread.now)
    thread.passes(wait=100)
    thread.turn()
    thread.call(0.06, preempted=4.0)
    assert thread.share.is_quick(thread.now)
    asked = thread.asked
    thread.passes(wait=WATCHED_SECONDS * 1000 + 1)
    thread.turn()
    thread.call(*QUICK)
    assert thread.asked == asked, "nothing was long for a while"
    thread.call(0.06, preempted=4.0)
    assert not thread.share.is_quick(thread.now)


@pytest.mark.parametrize(("fair", "events", "looks"), [(True, 1, True), (False, 2, True), (False, 1, False)])
def test_which_turns_are_looked_at(fair: bool, events: int, looks: bool) -> None:
    thread = Thread(fair)
    thread.watch()
    asked = thread.asked
    thread.turn(events)
    assert (thread.asked > asked) is looks


def test_where_the_system_has_no_such_account_what_was_long_counts() -> None:
    thread = Thread(counts_waits=False)
    thread.watch()
    thread.call(0.06, preempted=4.0)
    assert not thread.share.is_quick(thread.now)


def test_two_clocks_that_do_not_agree() -> None:
    """More processor time than time: nothing was taken, and a call is no longer than it was."""
    thread = Thread()
    thread.watch()
    thread.ran += 0.1
    thread.call(work=0.6)
    assert not thread.share.is_quick(thread.now)


linux = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the accounts are Linux's")


@linux
def test_the_accounts_of_a_thread_that_waits_and_of_one_that_works() -> None:
    ran, waits = usage_of_thread()
    time.sleep(0.001)
    after, waits_after = usage_of_thread()
    assert waits_after > waits
    assert after - ran < 0.001
    while usage_of_thread()[0] < after + 0.001:
        pass


@linux
def test_a_thread_beside_a_busy_loop_on_its_processor() -> None:
    """It does not wait, and is preempted again and again: that is told of it."""
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(here)})
    loop = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
    try:
        preemption = Preemption()
        preemption.of_turn(1.0, time.monotonic())
        taken = 0.0
        while taken < 0.001:
            # In a piece: a thread that waits for anything else of this process is one that waits.
            began = time.monotonic()
            preemption.turn(began, True)
            while time.monotonic() < began + 0.02:
                pass
            now = time.monotonic()
            taken = preemption.of_turn(now - began, now)
            assert taken < now - began
    finally:
        loop.kill()
        loop.wait()
        os.sched_setaffinity(0, here)
