"""Which requests have a line in the access log, decided before it is made.

`access_log_skip` leaves out what one of its rules matches. Of the rest those have a line that failed (5xx) or took
longer than `access_log_slow`, and of all others the share `access_log_sample`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from gunicorn.config.skip_rules import KEYS, compile_rule

from .atoms import printable
from .targets import target_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gunicorn.config.skip_rules import Rule

__all__ = ["Selection", "selection_of"]

class Dice:
    """Numbers from 0 to 1, different in every worker; `random` costs its import, and is the application's to seed."""

    def __init__(self) -> None:
        self._state = 0

    def __call__(self) -> float:
        if not self._state:
            # Asked here and not when this is made, which the master does for all workers.
            self._state = int.from_bytes(os.urandom(8)) | 1
        # A linear congruential generator (Knuth's MMIX), of which the high bits count.
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return (self._state >> 11) / (1 << 53)


class Selection:
    """Says which requests have a line."""

    def __init__(
        self, rules: Iterable[str], sample: float, slow: float, dice: Callable[[], float] | None = None
    ) -> None:
        self._rules = [compile_rule(rule) for rule in rules]
        self._sample = sample
        self._slow = slow
        self._dice = dice or Dice()

    def wants(self, resp: object, req: object, environ: Mapping[str, object], seconds: float) -> bool:
        """Whether a request that took `seconds` has a line."""
        status = printable(getattr(resp, "status", None))[:3]
        if self._rules:
            facts = {"status": status, "path": target_of(req, environ)[0]}
            if any(_holds(rule, facts, environ) for rule in self._rules):
                return False
        if self._sample >= 1.0 or status.startswith("5") or (self._slow and seconds > self._slow):
            return True
        return self._dice() < self._sample


def _holds(rule: Rule, facts: dict[str, str], environ: Mapping[str, object]) -> bool:
    for key, matches in rule:
        if key not in facts:
            facts[key] = printable(environ.get(str(KEYS[key]), ""))
        if not matches(facts[key]):
            return False
    return True


def selection_of(skip: list[str], sample: float, slow: float) -> Selection | None:
    """For the three settings; None where every request has a line."""
    return Selection(skip, sample, slow) if skip or sample < 1.0 else None
