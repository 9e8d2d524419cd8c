"""A few thousand executions of every fuzz target; `make fuzz` runs more of them."""

from __future__ import annotations

import pytest

from tests.fuzz.run import TARGETS, Target


@pytest.mark.parametrize("name", TARGETS)
def test_target(name: str) -> None:
    target = Target(name, "suite", 4)
    for batch in range(3):
        target.run(batch)
    assert target.compared == 750
