"""Which share of the workers' places requests have had lately: one number from 0 to 1, for those who scale by it."""

from __future__ import annotations

__all__ = ["BusyShare"]

WINDOW_SECONDS = 1.0
"""The mean is that of the time since the last look, which lies at least so far back."""


class BusyShare:
    """`now`: the monotonic moment from which on it is measured."""

    def __init__(self, now: float) -> None:
        self._since = now
        # Seconds that requests had run by then.
        self._before = 0.0
        self._share = 0.0

    def look(self, now: float, seconds: float, places: int) -> float:
        """The share; `seconds`: how long requests have run so far in all workers that there were, each for itself, and
        `places`: how many could run at once. Asked again soon it says the same, so that one who asks takes nothing from
        another."""
        passed = now - self._since
        if passed >= WINDOW_SECONDS:
            most = passed * places
            self._share = min(max((seconds - self._before) / most, 0.0), 1.0) if most else 0.0
            self._since, self._before = now, seconds
        return self._share
