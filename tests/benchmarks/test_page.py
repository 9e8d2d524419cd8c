"""The pages say what was measured, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import page, peers, report, scenarios

BOOK = page.Book(page.FIGURES)


@pytest.mark.parametrize("path", page.PAGES, ids=lambda path: path.name)
def test_tables_are_those_that_were_measured(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert page.rewritten(text, BOOK) == text
    assert page.MARK.search(text)


def test_charts_are_those_that_were_measured() -> None:
    for name, chart in page.CHARTS.items():
        assert (page.FIGURES.parent / chart).read_text(encoding="utf-8") == report.svg(BOOK.tables[name])


def test_the_page_shows_all_that_is_measured() -> None:
    shown = set(re.findall(page.MARK.pattern, page.PAGES[0].read_text(encoding="utf-8"), re.DOTALL))
    names = {name for _, name, _ in shown}
    summed = {figure.table for summary in page.SUMMARIES.values() for figure in summary.figures}
    measured = {f"{part.name}/{name}" for part in page.PARTS for name in part.scenarios.split(",")}
    assert measured <= names | summed
    assert set(BOOK.tables) == measured
    assert set(BOOK.measured) == {part.name for part in page.PARTS}


@pytest.mark.parametrize("part", page.PARTS, ids=lambda part: part.name)
def test_each_part_measures_what_exists(part: page.Part) -> None:
    assert peers.chosen(part.peers)
    assert all(name in scenarios.BY_NAME for name in part.scenarios.split(","))


def test_what_is_written_by_hand_into_a_table_is_found() -> None:
    text = "a\n<!-- figures: start/start -->\n\n| wrong |\n\n<!-- end -->\nb\n"
    told = page.rewritten(text, BOOK)
    assert told.startswith("a\n<!-- figures: start/start -->\n\n| server | first answer, ms |")
    assert told.endswith("|\n\n<!-- end -->\nb\n")
    with pytest.raises(KeyError):
        page.rewritten(text.replace("start/start", "nothing"), BOOK)


def test_tables_with_headings_become_one() -> None:
    head = "| peer | p50 |\n|---|---:|\n"
    text = f"### A\n\n{head}| us | 1 |\n| ray | 2 |\n\n### B\n\n{head}| us | 3 |\n"
    assert page.joined_tables(text) == [
        "| case | peer | p50 |", "|---|---|---:|", "| A | us | 1 |", "|  | ray | 2 |", "| B | us | 3 |",
    ]
