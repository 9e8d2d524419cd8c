"""Flame graphs: boxes that add up, XML whatever the names are, and what the program makes of an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.control import cli, flame, profile_writer
from gunicorn.control.flame import boxes, draw

SVG = "{http://www.w3.org/2000/svg}"
SPAN = flame.WIDTH - 2 * flame.MARGIN


def drawn(text: str) -> dict[str, tuple[float, float]]:
    """Left edge and width of each box, by what is told of it."""
    root = ElementTree.fromstring(text)
    found = {}
    for group in root.iter(f"{SVG}g"):
        title, rect = group.find(f"{SVG}title"), group.find(f"{SVG}rect")
        assert title is not None
        assert title.text is not None
        assert rect is not None
        found[title.text] = float(rect.attrib["x"]), float(rect.attrib["width"])
    return found


def test_widths_are_shares() -> None:
    found = drawn(draw({"a;b": 3, "a;c": 1, "a": 2, "d": 2}, "title"))
    eighth = SPAN / 8
    assert {name: round(width / eighth, 3) for name, (_, width) in found.items()} == {
        "all: 8 samples, 100.0%": 8, "a: 6 samples, 75.0%": 6, "b: 3 samples, 37.5%": 3, "c: 1 samples, 12.5%": 1,
        "d: 2 samples, 25.0%": 2,
    }
    assert found["c: 1 samples, 12.5%"][0] == pytest.approx(flame.MARGIN + 3 * eighth, abs=0.01)


stacks = st.dictionaries(st.lists(st.sampled_from("abc"), min_size=1, max_size=6).map(";".join), st.integers(1, 999))


@given(stacks)
def test_what_is_called_lies_within_what_calls(counts: dict[str, int]) -> None:
    found = boxes(counts)
    assert (found[0].name, found[0].begin, found[0].count) == ("all", 0, sum(counts.values()))
    for box in found:
        place = box.begin
        for name in sorted(box.callees):
            assert box.callees[name].begin == place
            place += box.callees[name].count
        assert place <= box.begin + box.count


@given(st.dictionaries(st.text(max_size=30), st.integers(1, 9), max_size=5), st.text(max_size=20))
def test_any_name_is_text(counts: dict[str, int], title: str) -> None:
    root = ElementTree.fromstring(draw(counts, title, title))
    assert {each.tag for each in root.iter()} <= {f"{SVG}{tag}" for tag in ("svg", "title", "rect", "text", "g")}


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "]]>", "&lt", '" onload="x', "'", "\x00\x08\x85\ud800\ufffe\uffff", "</svg>"]
)
def test_hostile_names(name: str) -> None:
    found = drawn(draw({name: 1}, name, name))
    (told,) = (each for each in found if not each.startswith("all"))
    clean = "".join(each if each.isprintable() else "?" for each in name)
    assert told == f"{clean}: 1 samples, 100.0%"


def test_no_script_and_nothing_from_elsewhere() -> None:
    text = draw({"a;b": 3}, "title").replace("http://www.w3.org/2000/svg", "")
    assert not [word for word in ("script", "href", "http", "url(", "style", "on") if f" {word}" in text]


def test_what_is_too_narrow_is_left_out() -> None:
    found = drawn(draw({"a": 1_000_000, "b": 1}, "title"))
    assert [name.partition(":")[0] for name in found] == ["all", "a"]


def test_nothing_at_all() -> None:
    assert list(drawn(draw({}, "title"))) == []


def test_a_tower() -> None:
    names = [f"f{number}" for number in range(5000)]
    assert len(drawn(draw({";".join(names): 1}, "title"))) == 5001


# What the program makes of it.

ANSWER: dict[str, Any] = {
    "seconds": 5.0, "hertz": 100, "samples": 8, "stacks": {"a;b": 3, "a;\x1b[31mc": 5},
    "workers": [
        {"pid": 11, "seconds": 5.0, "idle": 7, "problem": None},
        {"pid": 12, "seconds": 1.0, "idle": 0, "problem": "it has ended after 1.0 s"},
    ],
}
SAID = "8 samples of 2 workers in 5.0 s at 100 Hz, and 7 of threads that waited for work"


class Asked:
    """A server that has one answer."""

    path = "/run/s"

    def __init__(self, path: str) -> None:
        self.closed = False

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *exc: object) -> None:
        self.closed = True

    def ask(self, command: str) -> dict[str, object]:
        assert command == "profile all 5"
        return ANSWER


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(cli, "Client", Asked)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("options", "ending"), [([], ".svg"), (["--collapsed"], ".txt")])
def test_a_name_with_the_time(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], ending: str
) -> None:
    assert cli.main(["-s", "s", "profile", "all", "5", *options]) == 0
    (file,) = folder.iterdir()
    assert file.name.startswith("profile-2")
    assert file.suffix == ending
    assert capsys.readouterr().out == f"Wrote {file.name}: {SAID}\nWorker 12: it has ended after 1.0 s\n"


def test_collapsed_to_the_standard_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-s", "s", "-o", "-", "--collapsed", "profile", "all", "5"]) == 0
    said = capsys.readouterr()
    assert said.out == "a;\\x1b[31mc 5\na;b 3\n"
    assert said.err == "Worker 12: it has ended after 1.0 s\n"
    assert not list(folder.iterdir())


def test_the_graph_says_what_is_missing(folder: Path) -> None:
    assert cli.main(["-s", "s", "-o", "f.svg", "profile", "all", "5"]) == 0
    assert cli.main(["-s", "s", "-o", "f.svg", "profile", "all", "5"]) == 0, "what was named is written over"
    text = (folder / "f.svg").read_text("utf-8")
    assert f"{SAID}; Worker 12: it has ended after 1.0 s<" in text
    assert len(drawn(text)) == 4


def test_a_file_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-s", "s", "-o", "none/f.svg", "profile", "all", "5"]) == 1
    assert capsys.readouterr().err.startswith("Error: The profile cannot be written: ")


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-s", "s", "-j", "profile", "all", "5"]) == 0
    assert capsys.readouterr().out.startswith("{")
    assert not list(folder.iterdir())


def test_an_answer_that_says_little() -> None:
    assert drawn(profile_writer.render({"workers": [None], "stacks": None}, False, "now")) == {}
