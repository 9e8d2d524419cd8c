"""What the linter does not hold of how the package is written."""

from __future__ import annotations

from pathlib import Path

import gunicorn

PACKAGE = Path(gunicorn.__file__).parent


def lines_with(*marks: str) -> list[str]:
    return [
        f"{file.relative_to(PACKAGE)}:{number}"
        for kind in ("*.py", "*.pxd", "*.pyx")
        for file in sorted(PACKAGE.rglob(kind))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if any(mark in line for mark in marks)
    ]


def test_code_is_quoted_by_single_backticks() -> None:
    """In comments, docstrings and the help of settings, which is Markdown."""
    assert lines_with("``") == []


def test_a_section_begins_with_a_sentence() -> None:
    """As in `# What the worker asks.` and an empty line."""
    assert lines_with("# --", "# ==") == []
