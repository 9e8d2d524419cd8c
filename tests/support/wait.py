"""Waiting for something to become true, with a bound against hanging instead of a hopeful pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.005
#: Seconds after which something is taken for hung: the bound of everything a test waits for. No test passes or fails by
#: how fast a machine is, and one that others load may be many times slower than usual; what is wrong takes for ever.
PATIENCE = 60.0


def wait_until(
    condition: Callable[[], T], deadline: float = PATIENCE, what: str | Callable[[], str] = "the condition"
) -> T:
    """Call ``condition`` until its result is true, and return that result.

    Raises AssertionError when ``deadline`` seconds have passed, or `PATIENCE` if that is more; ``what`` (text, or a
    function that makes it then) says what was waited for.
    """
    deadline = max(deadline, PATIENCE)
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{what() if callable(what) else what} did not come true in {deadline:g} s")
        time.sleep(POLL_SECONDS)
