"""What the pages point to is there: files, headings, verbs of the Makefile; and lists of Pythons agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.server import REPOSITORY

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob(".github/**/*.md")])
#: A path of the checkout in the text, and what the verbs and `.ci/run` make.
PATH = re.compile(r"`((?:gunicorn|tests|docs|examples|benchmarks|\.ci|\.github)/[\w./-]*)`")
MADE = {".ci/work"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())


def prose(page: Path) -> str:
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links, as the public forges do it."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if ":" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    named = set(PATH.findall(page.read_text(encoding="utf-8"))) - MADE
    assert [name for name in sorted(named) if not (REPOSITORY / name).exists()] == []


@each_page
def test_verbs_that_are_named_exist(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    verbs = set(re.findall(r"^([a-z-]+):.* ## ", makefile, re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^\$ (?:\w+=\S+ )*)make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert named <= verbs


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# What `it` is, briefly\n[a](page.md#what-it-is-briefly) [b](#nowhere) [c](none.md) [d](https://example.org)\n"
        "```\n# Code\n[e](gone.md)\n```\n[f](#code)\n"
    )
    assert broken_links(page) == ["#nowhere", "none.md", "#code"]


def test_the_pythons_of_the_package_are_those_of_wheels_and_workflow() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    told = {
        name.removeprefix("Programming Language :: Python :: ")
        for name in project["project"]["classifiers"] if re.fullmatch(r".* :: Python :: 3\.\d+", name)
    }
    built = {f"3.{name.removeprefix('cp3').partition('-')[0]}" for name in project["tool"]["cibuildwheel"]["build"]}
    assert told == built
    workflow = REPOSITORY / ".github" / "workflows" / "ci.yml"
    # A source distribution has no workflows.
    if workflow.exists():
        assert set(re.findall(r"^ +(3\.\d+)$", workflow.read_text(encoding="utf-8"), re.MULTILINE)) == told
