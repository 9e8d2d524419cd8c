"""Priorities of responses as clients write them (RFC 9218)."""

from __future__ import annotations

import pytest

from gunicorn.wire.priority import parse_priority


@pytest.mark.parametrize(("text", "urgency", "incremental"), [
    ("", 3, False),
    ("u=0", 0, False),
    ("u=7, i", 7, True),
    ("i=?0,u=2", 2, False),
    ("u=5;x=1, i;y", 5, True),
    ("u=8", 3, False),
    ("u=-1", 3, False),
    ("U=1", 3, False),
    ("u=1, u=2", 2, False),
    ("i=1", 3, False),
    (",,,", 3, False),
    ("u=1" + " " * 253, 1, False),
    # Nobody takes apart what is that long.
    ("u=1" + " " * 254, 3, False),
    ("u=1," * 5000, 3, False),
])
def test_priorities(text: str, urgency: int, incremental: bool) -> None:
    priority = parse_priority(text)
    assert (priority.urgency, priority.incremental) == (urgency, incremental)
