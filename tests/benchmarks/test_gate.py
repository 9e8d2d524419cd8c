"""`make bench-gate`: what it fails on, which reference it has, and that a count repeats itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks import environment, gate, instructions, single
from benchmarks.gate import Entry, Verdict
from benchmarks.instructions import BY_NAME, Counted
from benchmarks.measure import ServerFailed
from tests.support.proxies import need
from tests.support.server import REPOSITORY

HELLO, FLASK = BY_NAME["hello"], BY_NAME["flask"]
HERE = {"python": "3.13.0 of May"}
THERE = {"python": "3.13.0 of June"}
VERSIONS = {"flask": "3.1.3", "werkzeug": "3.1.9"}


def packages(scenario: Counted) -> dict[str, str]:
    return VERSIONS if scenario.packages else {}


@pytest.mark.parametrize(
    ("reference", "count", "passes", "word"),
    [
        (10_000, 10_000, True, "+0.00 %  ok"),
        (10_000, 10_100, True, "+1.00 %  ok"),
        (10_000, 10_101, False, "+1.01 %  MORE"),
        (10_000, 9_900, True, "-1.00 %  ok"),
        (10_000, 9_899, False, "-1.01 %  FEWER"),
        (None, 10_000, True, "no reference here"),
    ],
)
def test_more_than_a_hundredth_fails(reference: int | None, count: int, passes: bool, word: str) -> None:
    verdict = Verdict(HELLO, reference, count)
    assert verdict.passes is passes
    assert word in str(verdict)


@pytest.mark.parametrize(
    ("counts", "reference", "found", "asked"),
    [
        ((100_500, 0), 100_000, 100_500, 1),
        ((90_000, 0), 100_000, 90_000, 1),
        ((102_000, 100_900, 0), 100_000, 100_900, 2),
        ((102_000, 104_000, 103_000, 105_000, 101_500), 100_000, 101_500, 5),
        ((5, 3, 2, 4, 6), None, 2, 5),
    ],
    ids=["within", "fewer", "by luck", "more", "no reference"],
)
def test_what_seems_too_much_is_counted_with_other_layouts(
    counts: Sequence[int], reference: int | None, found: int, asked: int
) -> None:
    layouts = []

    def count(layout: int) -> int:
        layouts.append(layout)
        return counts[layout]

    assert gate.least(count, reference) == found
    assert layouts == list(range(asked))


@pytest.mark.parametrize(
    ("entry", "scenario", "reference"),
    [
        (Entry(HERE, {"hello": 5}, {}), HELLO, 5),
        (Entry(THERE, {"hello": 5}, {}), HELLO, None),
        (Entry(HERE, {"flask": 5}, {"flask": VERSIONS}), FLASK, 5),
        (Entry(HERE, {"flask": 5}, {"flask": VERSIONS | {"flask": "3.1.4"}}), FLASK, None),
        (Entry(HERE, {"flask": 5}, {}), FLASK, None),
    ],
    ids=["same", "another interpreter", "same packages", "another Flask", "unknown Flask"],
)
def test_a_reference_is_one_of_the_same_environment(entry: Entry, scenario: Counted, reference: int | None) -> None:
    assert gate.entry_of([entry], HERE).of(scenario, packages(scenario)) == reference


def test_an_update_drops_what_others_have_of_scenarios_that_moved() -> None:
    entries = [
        Entry(THERE, {"hello": 7_000, "flask": 90_000}, {"flask": VERSIONS}),
        Entry({"python": "3.12"}, {"flask": 80_000}, {"flask": VERSIONS}),
        Entry(HERE, {"hello": 5_000, "close": 6_000, "flask": 70_000}, {"flask": VERSIONS}),
    ]
    assert gate.updated(entries, HERE, {HELLO: 5_001, FLASK: 60_000}, packages) == [
        Entry(THERE, {"hello": 7_000}, {}),
        Entry(HERE, {"hello": 5_001, "close": 6_000, "flask": 60_000}, {"flask": VERSIONS}),
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    entries = [Entry(HERE, {"flask": 5}, {"flask": VERSIONS})]
    gate.write(tmp_path / "file", entries)
    assert gate.read(tmp_path / "file") == entries


def test_the_file_in_the_tree_has_every_scenario() -> None:
    for entry in gate.read(gate.REFERENCE):
        assert set(entry.instructions) <= set(BY_NAME)
        assert {name for name, scenario in BY_NAME.items() if scenario.packages} >= set(entry.packages)
    assert {name for entry in gate.read(gate.REFERENCE) for name in entry.instructions} == set(BY_NAME)


@pytest.mark.parametrize(
    ("written", "total"),
    [(None, None), ("", None), ("summary: 9\n", None), ("summary: 9\n\n\ntotals: 4", None), ("\ntotals: 42\n", 42)],
    ids=["no file", "empty", "begun", "in the middle of the number", "whole"],
)
def test_a_count_is_read_when_it_is_written_to_its_end(tmp_path: Path, written: str | None, total: int | None) -> None:
    path = tmp_path / "profile"
    if written is not None:
        path.write_text(written)
    assert instructions.total_of(path) == total


WASTEFUL = """
def hello(environ, start_response):
    sum(range(1000))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, World!"]
"""


def counting() -> None:
    """What it takes, or the test is skipped."""
    need("valgrind")
    assert environment.ensure_program(environment.INSTRUCTIONS) is None


@pytest.mark.slow
def test_a_count_repeats_itself_and_tells_what_costs_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting()
    few = HELLO._replace(requests=50)
    first, again = (instructions.count(few, REPOSITORY) for _ in range(2))
    assert gate.is_within(round(again), round(first))
    (tmp_path / "wsgi.py").write_text(WASTEFUL)
    monkeypatch.setattr(instructions, "APPS", tmp_path)
    assert instructions.count(few, REPOSITORY) - first > 1000


@pytest.mark.slow
def test_a_wrong_answer_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting()
    (tmp_path / "wsgi.py").write_text(WASTEFUL.replace("200 OK", "500 Oh"))
    monkeypatch.setattr(instructions, "APPS", tmp_path)
    with pytest.raises(ServerFailed, match="500 Oh"):
        instructions.count(HELLO, REPOSITORY)


@pytest.mark.parametrize("connect", [each.client for each in BY_NAME.values()], ids=list(BY_NAME))
def test_clients_say_when_nobody_listens(connect: Callable[[Path], single.Client], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        connect(tmp_path / "socket").ask()
