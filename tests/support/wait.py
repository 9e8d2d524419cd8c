"""Waiting for something to become true, with a deadline instead of a hopeful pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.005


def wait_until(
    condition: Callable[[], T], deadline: float = 10.0, what: str | Callable[[], str] = "the condition"
) -> T:
    """Call ``condition`` until its result is true, and return that result.

    Raises AssertionError when ``deadline`` seconds have passed; ``what`` (text, or a function that makes it
    then) says what was waited for.
    """
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{what() if callable(what) else what} did not come true in {deadline:g} s")
        time.sleep(POLL_SECONDS)
