"""What the pages point to is there: files, headings, verbs of the Makefile; and lists of Pythons agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.public_names import TABLE
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


def badly_indented(text: str) -> list[str]:
    """Lines that a repository takes for a part of the point above them, and the site does not, or the other way round.

    The one asks for the indentation of the point's text, the other for four; where both are content nothing is lost.
    """
    found = []
    before, block, in_code = "", "", False
    for line in text.split("\n"):
        fence = re.match(r" *(```|````)", line)
        block = block if before.strip() else line
        if not in_code and (
            begins_too_early(line, before, bool(fence)) or begins_without_a_blank_line(line, before, block)
        ):
            found.append(line)
        in_code ^= bool(fence)
        before = line
    return found


def begins_too_early(line: str, before: str, is_fence: bool) -> bool:
    """Whether a block within a point has less than four spaces in front."""
    is_block = is_fence or not before.strip() or re.match(r" +(- |\d+\. )", line)
    return bool(re.match(r" {1,3}\S", line) and is_block)


def begins_without_a_blank_line(line: str, before: str, block: str) -> bool:
    """Whether a list or a table follows upon the text of a paragraph, be it one within a point. `block`: the first line
    behind the last blank one."""
    if not re.match(r"(- |\d+\. |\|)", line) or not before.strip():
        return False
    return not re.match(r"\s*(- |\d+\. |\||  )", before) or bool(re.match(r" {4}(?!- |\d+\. )\S", block))


@pytest.mark.parametrize("page", sorted(REPOSITORY.glob("docs/*.md")), ids=lambda page: page.name)
def test_lists_are_the_same_in_the_repository_and_on_the_site(page: Path) -> None:
    assert badly_indented(page.read_text(encoding="utf-8")) == []


def test_a_list_that_would_differ_is_found() -> None:
    text = "a\n- b\n\n- c\n  more\n\n  lost\n  - d\n\n    kept\n\n    ```\n  x\n    ```\n1. e\n\n| f |\ng\n| h |"
    assert badly_indented(text) == ["- b", "  lost", "  - d", "1. e", "| h |"]


def test_what_is_documented_as_an_interface_is_one() -> None:
    page = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    modules = dict(re.findall(r"^(gunicorn[\w.]*)\n((?: {4}.*\n)*)", TABLE, re.MULTILINE))
    shown = re.findall(r"^::: ([\w.]+)\.(\w+)\n(?: +options:\n +members: \[(.*)\]\n)?", page, re.MULTILINE)
    assert len(shown) == page.count("\n:::")
    for module, name, members in shown:
        kind = re.findall(rf"^ {{4}}(?:class|function) {name}\b.*\n((?: {{8}}.*\n)*)", modules[module], re.MULTILINE)
        assert kind, (module, name)
        inside = set(re.findall(r"^ {8}(\w+)", kind[0], re.MULTILINE)) | {"settings"}
        assert set(re.findall(r"\w+", members)) <= inside, (module, name)


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
