"""The package says what it takes and gives: `Any`, which says nothing, becomes rarer and never more frequent.

Counted is every use of the name in the sources of the package, in annotations, aliases and casts; importing it, and the
word in a comment, are none. Compiled modules need a few: what may be of two kinds under a name that C must not know.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import gunicorn

PACKAGE = Path(gunicorn.__file__).parent

#: As many as there are. Whoever has taken some away writes the new number, which the failing test tells. Nobody writes
#: a higher one: a type of `gunicorn/_types.py`, a Protocol, or `object` where nothing is asked of a value does instead.
MOST_ANY = 201


def uses(source: str) -> int:
    """How often `Any` is used in a module."""
    return sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(ast.parse(source)))


def test_what_counts() -> None:
    assert uses("from typing import Any  # Any\n") == 0
    assert uses("'Any'\ndef f(a: Any, b: dict[str, Any]) -> None:\n    c: Any = 1\n") == 3


def test_any_becomes_rarer() -> None:
    found = Counter({str(file.relative_to(PACKAGE)): uses(file.read_text("utf-8")) for file in PACKAGE.rglob("*.py")})
    total = found.total()
    assert total <= MOST_ANY, f"{total - MOST_ANY} uses of Any more than there were; most are in {found.most_common(8)}"
    assert total == MOST_ANY, f"fewer than before, write it down: MOST_ANY = {total}"
