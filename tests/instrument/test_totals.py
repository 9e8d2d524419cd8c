"""Sums over workers that come and go: exact, and never less than before."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from gunicorn.instrument._board import Board
from gunicorn.instrument.busy import BusyShare
from gunicorn.instrument.scoreboard import METHODS, STATUSES, Scoreboard, Slot
from gunicorn.instrument.totals import Ledger, Totals


def flat(totals: Totals) -> list[int]:
    numbers = [totals.nanoseconds, totals.queued_nanoseconds, totals.received, totals.sent, totals.refused]
    lists = (totals.counts, totals.histogram, totals.bounded, totals.queued, totals.versions, totals.shed)
    return [*chain.from_iterable(lists), *numbers]


STEPS = st.lists(st.one_of(
    st.tuples(st.just("answer"), st.sampled_from([*METHODS, "BREW"]), st.sampled_from([0, 101, 200, 304, 404, 503])),
    st.tuples(st.just("refuse"), st.sampled_from(["", "GET"]), st.sampled_from([400, 408, 503])),
    st.tuples(st.just("die"), st.just(""), st.just(0)),
), max_size=60)


@given(STEPS, st.data())
def test_nothing_is_lost_and_nothing_goes_back(steps: list[tuple[str, str, int]], data: st.DataObject) -> None:
    scoreboard, ledger = Scoreboard(), Ledger()
    living: list[tuple[Slot, Board]] = []

    def spawn() -> None:
        slot = scoreboard.allocate(1, 0.0)
        living.append((slot, Board(slot)))

    for _ in range(3):
        spawn()
    before = flat(ledger.sums(slot for slot, _ in living))
    said: dict[tuple[str, str], int] = {}
    refused = 0
    for kind, method, status in steps:
        place = data.draw(st.integers(0, 2))
        slot, board = living[place]
        if kind == "die":
            del living[place]
            ledger.retire(slot)
            scoreboard.release(slot)
            spawn()
        else:
            key = method if method in METHODS else "other", f"{status // 100}xx" if status else "other"
            said[key] = said.get(key, 0) + 1
            if kind == "refuse":
                refused += 1
                board.refuse(method, status)
                board.shed("queue_time")
            else:
                board.queue(0.5)
                board.begin(method, "/", 1.0, 11)
                board.transfer(7, 11)
                board.end(method, status, 1.0, 1.25, 11)
        sums = ledger.sums(slot for slot, _ in living)
        now = flat(sums)
        assert all(new >= old for new, old in zip(now, before, strict=True))
        before = now
    sums = ledger.sums(slot for slot, _ in living)
    assert {key: number for key, number in sums.requests().items() if number} == said
    answered = sum(said.values()) - refused
    assert (sums.refused, sums.received, sums.sent) == (refused, 7 * answered, 11 * answered)
    assert sums.nanoseconds == answered * 250_000_000
    assert sums.queued_nanoseconds == answered * 500_000_000
    assert sum(sums.histogram) == sum(sums.bounded) == sum(sums.queued) == answered
    assert (sums.versions, sums.shed) == ([0, answered, 0], [0, refused])


def test_every_method_and_status_has_its_place() -> None:
    slot = Scoreboard().allocate(1)
    board = Board(slot)
    for method in METHODS:
        for status in (0, 100, 200, 300, 400, 500):
            board.count(method, status)
    assert slot.counts == [1] * (len(METHODS) * len(STATUSES))
    board.count("get", 999)
    assert slot.counts[-len(STATUSES)] == 2


def test_a_page_tells_how_long_requests_have_run() -> None:
    slot = Scoreboard().allocate(1)
    board = Board(slot)
    assert slot.busy(5.0) == 0.0
    board.begin("GET", "/", 10.0, 11)
    board.begin("GET", "/", 12.0, 11)
    assert slot.busy(13.0) == 4.0
    board.end("GET", 200, 10.0, 14.0, 0)
    assert slot.busy(15.0) == 4.0 + 3.0
    board.end("GET", 200, 12.0, 15.5, 0)
    assert slot.busy(99.0) == 7.5


def test_a_share_is_that_of_the_time_since_the_last_look() -> None:
    share = BusyShare(100.0)
    assert share.look(110.0, 5.0, 1) == 0.5
    assert share.look(110.5, 5.5, 1) == 0.5, "asked again too soon: as before"
    assert share.look(112.0, 7.0, 1) == 1.0
    assert share.look(114.0, 9.0, 4) == 0.25
    assert share.look(116.0, 99.0, 4) == 1.0, "never more than all"
    assert share.look(118.0, 99.0, 0) == 0.0, "no places"
