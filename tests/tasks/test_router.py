"""Which process runs which call, by a clock that the tests set: none is lost, none is run twice, few wait."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gunicorn.instrument.task_board import TaskBoard
from gunicorn.tasks._octets import Frame
from gunicorn.tasks.errors import (
    DirtyConnectionError,
    DirtyError,
    DirtyNoWorkersAvailableError,
    DirtyProtocolError,
    DirtyQueueFullError,
    DirtyTimeoutError,
    DirtyWorkerError,
)
from gunicorn.tasks.frames import CALL, END, ERROR, ITEM, RESULT, STREAM, WINDOW
from gunicorn.tasks.router import Call, Limits, Router

A, B = "m:A", "m:B"


class Pool:
    """A router, and what it has wanted. `log`: as it came, one word and numbers each."""

    def __init__(self, waiting: int = 1000, octets: int = 10**6, seconds: float = 10.0) -> None:
        self.now = 0.0
        self.log: list[tuple[object, ...]] = []
        self.errors: dict[tuple[int, int], DirtyError] = {}
        # What each place runs, in order: identity of the call there, caller, number.
        self.started: dict[int, list[Call]] = {}
        # A moment of 0.0 means none.
        self.board = TaskBoard(lambda: self.now + 1.0)
        self.board.begin(1)
        self.board.expect({A: None, B: None})
        self.router = Router(self, Limits(waiting, octets, seconds), [A, B], self.board)

    # The outlet.

    def start(self, place: int, call: Call) -> None:
        self.log.append(("start", place, call.caller, call.number))
        self.started.setdefault(place, []).append(call)

    def answer(self, caller: int, number: int, kind: int, payload: bytes) -> None:
        self.log.append(("answer", caller, number, kind))

    def refuse(self, caller: int, number: int, error: DirtyError) -> None:
        self.log.append(("refuse", caller, number, type(error)))
        self.errors[caller, number] = error

    def cancel(self, place: int, number: int) -> None:
        self.log.append(("cancel", place))

    def more(self, place: int, number: int, items: float) -> None:
        self.log.append(("more", place, items))

    def late(self, place: int, call: Call) -> None:
        self.log.append(("late", place))

    def drained(self, place: int, stuck: bool) -> None:
        self.log.append(("stuck" if stuck else "drained", place))

    # What happens.

    def ready(self, place: int, *apps: str, width: int = 1) -> None:
        self.router.ready(place, apps or (A,), width, self.now)

    def call(
        self, caller: int, number: int, app: str = A, marks: int = 0, seconds: float = 0.0, payload: bytes = b""
    ) -> None:
        self.router.call(caller, Frame(CALL, marks, number, seconds, f"{app}\0do".encode(), payload), self.now)

    def say(self, place: int, kind: int = RESULT, at: int = 0) -> None:
        """The place says something to the call that it has had for longest, or (`at`) another one."""
        running = self.started[place]
        call = running[at] if kind == ITEM else running.pop(at)
        self.router.say(place, Frame(kind, 0, call.id, 0.0, b"", b""), self.now)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due = self.router.due
        if due is not None and self.now >= due:
            self.router.expire(self.now)

    def counted(self) -> dict[str, int]:
        """What calls have come to, of all applications."""
        found: Counter[str] = Counter()
        for app in self.board.read().apps:
            found.update(app.results)
        return {result: count for result, count in found.items() if count}

    def take(self) -> list[tuple[object, ...]]:
        log, self.log = self.log, []
        return log


def test_a_call_is_run_and_answered() -> None:
    pool = Pool()
    pool.ready(1)
    pool.call(5, 1)
    assert pool.take() == [("start", 1, 5, 1)]
    pool.say(1)
    assert pool.take() == [("answer", 5, 1, RESULT)]
    assert (pool.router.waiting, pool.router.running, pool.router.due) == (0, 0, None)


def test_calls_wait_in_order_for_a_place() -> None:
    pool = Pool()
    for number in (1, 2, 3):
        pool.call(5, number)
    assert (pool.take(), pool.router.waiting) == ([], 3)
    pool.ready(1)
    pool.say(1)
    pool.say(1)
    pool.say(1)
    assert [each for each in pool.take() if each[0] == "start"] == [("start", 1, 5, number) for number in (1, 2, 3)]


def test_the_place_that_waits_longest_is_next() -> None:
    pool = Pool()
    for place in (1, 2, 3):
        pool.ready(place)
    for number, place in enumerate((1, 2, 3, 1, 2, 3)):
        pool.call(5, number)
        assert pool.take() == [("start", place, 5, number)]
        pool.say(place)
        pool.take()


def test_the_place_with_least_to_do_is_next() -> None:
    pool = Pool()
    pool.ready(1, width=2)
    pool.ready(2, width=2)
    for number in range(5):
        pool.call(5, number)
    assert [each[1] for each in pool.take()] == [1, 2, 1, 2]
    pool.say(2)
    assert pool.take() == [("answer", 5, 1, RESULT), ("start", 2, 5, 4)]


def test_calls_go_where_their_application_is() -> None:
    pool = Pool()
    pool.ready(1, A)
    pool.ready(2, A, B)
    pool.call(5, 1, B)
    pool.call(5, 2, B)
    pool.call(5, 3, A)
    assert pool.take() == [("start", 2, 5, 1), ("start", 1, 5, 3)]
    pool.call(5, 4, A)
    # Of both applications the call that has waited longest.
    pool.say(2)
    assert pool.take() == [("answer", 5, 1, RESULT), ("start", 2, 5, 2)]


@pytest.mark.parametrize("app", ["m:C", "m:A2", ""])
def test_an_application_that_nobody_has(app: str) -> None:
    pool = Pool()
    pool.call(5, 1, app)
    assert pool.take() == [("refuse", 5, 1, DirtyNoWorkersAvailableError)]


def test_no_place_is_hoped_for_where_all_die_young() -> None:
    pool = Pool()
    pool.router.failing = True
    pool.call(5, 1)
    assert pool.take() == [("refuse", 5, 1, DirtyNoWorkersAvailableError)]
    pool.ready(1)
    pool.call(5, 2)
    assert pool.take() == [("start", 1, 5, 2)]


def test_two_calls_with_one_number() -> None:
    pool = Pool()
    pool.call(5, 1)
    pool.call(5, 1)
    pool.call(6, 1)
    assert pool.take() == [("refuse", 5, 1, DirtyProtocolError)]
    assert pool.router.waiting == 2


# -- bounds


def test_so_many_wait_and_no_more() -> None:
    pool = Pool(waiting=2)
    for number in range(3):
        pool.call(5, number)
    assert pool.take() == [("refuse", 5, 2, DirtyQueueFullError)]
    pool.call(5, 3, B)
    pool.router.cancel(5, 0)
    pool.call(5, 4)
    assert (pool.take(), pool.router.waiting) == ([], 3)


def test_so_many_octets_wait_and_no_more() -> None:
    pool = Pool(octets=100)
    pool.call(5, 1, payload=b"x" * 60)
    pool.call(5, 2, payload=b"x" * 60)
    assert pool.take() == [("refuse", 5, 2, DirtyQueueFullError)]
    pool.ready(1)
    pool.call(5, 3, payload=b"x" * 60)
    pool.say(1)
    pool.call(5, 4, payload=b"x" * 100)
    assert [each for each in pool.take() if each[0] == "refuse"] == []


# -- callers that do not wait any more


def test_what_is_given_up_while_it_waits_is_never_run() -> None:
    pool = Pool()
    pool.call(5, 1)
    pool.call(6, 1)
    pool.call(6, 2)
    pool.router.cancel(5, 1)
    pool.router.gone(6)
    pool.router.cancel(5, 99)
    pool.router.gone(7)
    pool.ready(1)
    assert (pool.take(), pool.router.waiting, pool.router.running) == ([], 0, 0)


def test_what_is_given_up_while_it_runs_keeps_its_room() -> None:
    pool = Pool()
    pool.ready(1)
    pool.call(5, 1)
    pool.call(5, 2)
    pool.take()
    pool.router.cancel(5, 1)
    assert pool.take() == [("cancel", 1)]
    pool.say(1)
    assert pool.take() == [("start", 1, 5, 2)]


def test_who_has_waited_for_too_long_is_not_served_any_more() -> None:
    pool = Pool()
    pool.ready(1)
    pool.call(5, 1)
    pool.call(5, 2, seconds=3.0)
    pool.call(5, 3, seconds=5.0)
    pool.now = 4.0
    pool.take()
    pool.say(1)
    assert pool.take() == [("answer", 5, 1, RESULT), ("refuse", 5, 2, DirtyTimeoutError), ("start", 1, 5, 3)]


# -- places that go


def test_what_ran_in_a_place_that_ends_is_told_and_not_run_again() -> None:
    pool = Pool()
    pool.ready(1, width=2)
    pool.ready(2)
    for number in range(4):
        pool.call(5, number)
    pool.take()
    pool.router.lost(1)
    refused = [each for each in pool.take() if each[0] == "refuse"]
    assert refused == [("refuse", 5, 0, DirtyWorkerError), ("refuse", 5, 2, DirtyWorkerError)]
    error = pool.errors[5, 0]
    assert isinstance(error, DirtyWorkerError)
    assert error.worker_id == 1
    pool.say(2)
    assert pool.take() == [("answer", 5, 1, RESULT), ("start", 2, 5, 3)]
    pool.router.lost(1)
    assert pool.take() == []


def test_a_place_that_leaves_ends_its_calls_and_gets_none() -> None:
    pool = Pool()
    pool.ready(1)
    pool.call(5, 1)
    pool.router.leave(1)
    pool.call(5, 2)
    pool.take()
    pool.say(1)
    assert pool.take() == [("answer", 5, 1, RESULT), ("drained", 1)]
    pool.router.leave(1)
    assert pool.take() == []
    pool.ready(2)
    assert pool.take() == [("start", 2, 5, 2)]


def test_an_idle_place_that_leaves_is_drained_at_once() -> None:
    pool = Pool()
    pool.ready(1)
    pool.router.leave(1)
    assert pool.take() == [("drained", 1)]


# -- limits


def test_a_call_that_takes_too_long_costs_its_place() -> None:
    pool = Pool(seconds=10.0)
    pool.ready(1)
    pool.call(5, 1)
    pool.call(5, 2)
    assert pool.router.due == 10.0
    pool.pass_time(9.9)
    pool.take()
    pool.pass_time(0.1)
    assert pool.take() == [("refuse", 5, 1, DirtyTimeoutError), ("late", 1), ("stuck", 1)]
    error = pool.errors[5, 1]
    assert isinstance(error, DirtyTimeoutError)
    assert error.timeout == 10.0
    # It ends after all, and is told nothing any more.
    pool.say(1)
    assert pool.take() == [("drained", 1)]
    pool.ready(2)
    assert pool.take() == [("start", 2, 5, 2)]


def test_beside_a_call_that_takes_too_long_the_others_end() -> None:
    pool = Pool(seconds=10.0)
    pool.ready(1, width=2)
    pool.call(5, 1)
    pool.now = 5.0
    pool.call(5, 2)
    pool.take()
    pool.pass_time(5.0)
    assert pool.take() == [("refuse", 5, 1, DirtyTimeoutError), ("late", 1)]
    pool.say(1, at=1)
    assert pool.take() == [("answer", 5, 2, RESULT), ("stuck", 1)]


def test_waiting_is_not_running() -> None:
    pool = Pool(seconds=10.0)
    pool.call(5, 1)
    pool.pass_time(100.0)
    pool.ready(1)
    pool.pass_time(9.0)
    assert pool.take() == [("start", 1, 5, 1)]


def test_without_a_limit_nothing_is_timed() -> None:
    pool = Pool(seconds=0.0)
    pool.ready(1)
    pool.call(5, 1)
    assert pool.router.due is None


def test_what_calls_come_to_is_counted() -> None:
    pool = Pool(waiting=2, seconds=10.0)
    pool.ready(1, width=2)
    pool.ready(2, width=2)
    for number in range(4):
        pool.call(5, number)
    pool.say(1, RESULT)
    pool.say(1, ERROR)
    assert pool.counted() == {"ok": 1, "error": 1}
    pool.router.lost(2)
    assert pool.counted() == {"ok": 1, "error": 1, "lost": 2}
    for number in range(10, 15):
        pool.call(5, number, seconds=3.0 if number == 13 else 0.0)
    pool.call(5, 20, "m:C")
    assert pool.counted() == {"ok": 1, "error": 1, "lost": 2, "refused": 2}
    pool.router.cancel(5, 12)
    pool.router.cancel(5, 10)
    # One of the four that are left has its answer later, and nobody waits for it.
    pool.say(1)
    assert pool.counted() == {"ok": 1, "error": 1, "lost": 2, "refused": 2, "cancelled": 2}
    pool.pass_time(10.0)
    assert pool.counted()["timeout"] == 2
    reading = pool.board.read()
    assert [(app.path, app.running, app.waiting) for app in reading.apps] == [("", 0, 0), (A, 2, 0), (B, 0, 0)]
    pool.say(1)
    pool.say(1)
    assert [app.running for app in pool.board.read().apps] == [0, 0, 0]
    assert pool.counted()["timeout"] == 2


# -- streams


def test_a_stream_is_timed_from_item_to_item() -> None:
    pool = Pool(seconds=10.0)
    pool.ready(1)
    pool.call(5, 1, marks=STREAM)
    for _ in range(3):
        pool.pass_time(8.0)
        pool.say(1, ITEM)
    pool.say(1, END)
    assert [each[0] for each in pool.take()] == ["start", "answer", "answer", "answer", "answer"]


def test_a_reader_that_is_slow_is_not_the_place_s_fault() -> None:
    pool = Pool(seconds=10.0)
    pool.ready(1)
    pool.call(5, 1, marks=STREAM)
    for _ in range(WINDOW):
        pool.say(1, ITEM)
    assert pool.router.due is None
    pool.pass_time(100.0)
    pool.take()
    pool.router.more(5, 1, 4.0, pool.now)
    assert pool.take() == [("more", 1, 4.0)]
    pool.pass_time(10.0)
    assert [each[0] for each in pool.take()] == ["refuse", "late", "stuck"]


def test_room_for_a_stream_that_is_none_any_more() -> None:
    pool = Pool()
    pool.ready(1)
    pool.call(5, 1, marks=STREAM)
    pool.call(5, 2, marks=STREAM)
    pool.take()
    for caller, number, items in ((5, 2, 4.0), (5, 9, 4.0), (6, 1, 4.0), (5, 1, -1.0), (5, 1, float("nan"))):
        pool.router.more(caller, number, items, 0.0)
    assert pool.take() == []


# -- the end, and another configuration


def test_at_a_stop_what_waits_is_refused_and_what_runs_ends() -> None:
    pool = Pool()
    pool.ready(1)
    pool.call(5, 1)
    pool.call(5, 2)
    pool.take()
    pool.router.stop()
    pool.call(5, 3)
    assert pool.take() == [("refuse", 5, 2, DirtyConnectionError), ("refuse", 5, 3, DirtyConnectionError)]
    pool.say(1)
    assert pool.take() == [("answer", 5, 1, RESULT)]


def test_applications_that_are_not_wanted_any_more() -> None:
    pool = Pool()
    pool.ready(1, A)
    pool.call(5, 1, B)
    pool.router.expect(["m:A", "m:C"])
    assert pool.take() == [("refuse", 5, 1, DirtyNoWorkersAvailableError)]
    pool.call(5, 2, B)
    pool.call(5, 3, "m:C")
    assert pool.take() == [("refuse", 5, 2, DirtyNoWorkersAvailableError)]


# -- whatever happens


class Calls(RuleBasedStateMachine):
    """Callers, places and the clock do what they like: each call is started once at the most and answered once."""

    WAITING = 4

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(waiting=self.WAITING, seconds=10.0)
        self.last = 0
        self.places: dict[int, int] = {}
        # Calls by caller and number, with their application; and those that nobody waits for any more.
        self.asked: set[tuple[int, int]] = set()
        self.given_up: set[tuple[int, int]] = set()

    @rule(caller=st.integers(1, 3), app=st.sampled_from([A, B, "m:C"]), stream=st.booleans())
    def call(self, caller: int, app: str, stream: bool) -> None:
        self.last += 1
        self.asked.add((caller, self.last))
        self.pool.call(caller, self.last, app, STREAM if stream else 0, seconds=7.0)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(sorted(self.asked)))
        self.pool.router.cancel(*call)
        self.given_up.add(call)

    @rule(caller=st.integers(1, 3))
    def gone(self, caller: int) -> None:
        self.pool.router.gone(caller)
        self.given_up |= {call for call in self.asked if call[0] == caller}

    @rule(apps=st.sampled_from([(A,), (B,), (A, B)]), width=st.integers(1, 3))
    def ready(self, apps: tuple[str, ...], width: int) -> None:
        place = len(self.pool.started) + len(self.places) + 1000 + self.last * 10
        while place in self.places:
            place += 1
        self.places[place] = width
        self.pool.started[place] = []
        self.pool.ready(place, *apps, width=width)

    @precondition(lambda self: any(self.pool.started.values()))
    @rule(data=st.data(), kind=st.sampled_from([RESULT, ERROR, ITEM, END]))
    def say(self, data: st.DataObject, kind: int) -> None:
        place = data.draw(st.sampled_from([place for place, calls in self.pool.started.items() if calls]))
        at = data.draw(st.integers(0, len(self.pool.started[place]) - 1))
        self.pool.say(place, kind, at)

    @precondition(lambda self: self.places)
    @rule(data=st.data(), ends=st.booleans())
    def go(self, data: st.DataObject, ends: bool) -> None:
        place = data.draw(st.sampled_from(sorted(self.places)))
        if ends:
            del self.places[place]
            self.pool.started.pop(place)
            self.pool.router.lost(place)
        else:
            self.pool.router.leave(place)

    @rule(seconds=st.floats(0, 8))
    def pass_time(self, seconds: float) -> None:
        self.pool.pass_time(seconds)

    @invariant()
    def none_is_run_twice_or_answered_twice(self) -> None:
        started = Counter(each[2:] for each in self.pool.log if each[0] == "start")
        assert max(started.values(), default=0) <= 1
        assert max(self.answers().values(), default=0) <= 1

    def answers(self) -> Counter[tuple[object, ...]]:
        last = [each for each in self.pool.log if each[0] == "refuse" or (each[0] == "answer" and each[3] != ITEM)]
        return Counter(each[1:3] for each in last)

    @invariant()
    def each_is_counted_once(self) -> None:
        found, router = self.pool.board.read(), self.pool.router
        open_calls = sum(map(len, router._callers.values()))
        assert sum(self.pool.counted().values()) == len(self.asked) - open_calls
        assert sum(app.running for app in found.apps) == len(found.calls) == router.running
        assert sum(app.waiting for app in found.apps) == router.waiting

    @invariant()
    def bounds_are_kept(self) -> None:
        assert self.pool.router.waiting <= 2 * self.WAITING
        for place, width in self.places.items():
            assert len(self.pool.started[place]) <= width

    def teardown(self) -> None:
        """With places for all, and time, every call that somebody waits for is answered, and nothing is left."""
        for place in (1, 2):
            self.places[place] = 1
            self.pool.started.setdefault(place, [])
            self.pool.ready(place, A, B)
        while any(self.pool.started.values()):
            for place, calls in list(self.pool.started.items()):
                if calls:
                    self.pool.say(place)
        self.none_is_run_twice_or_answered_twice()
        assert self.asked - self.given_up <= set(self.answers())
        assert (self.pool.router.waiting, self.pool.router.running, self.pool.router.due) == (0, 0, None)
        assert not any(self.pool.router._callers.values())


Calls.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCalls = Calls.TestCase
