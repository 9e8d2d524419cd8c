"""What has happened and the supervisor has not been told yet."""

from __future__ import annotations

from collections.abc import Mapping

from .decisions import Decision, Exit, Report
from .supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .decisions import Vitals

__all__ = ["News"]


class News:
    """Signals that came, children that ended, and what the master has done or found, each in order. False when there
    is none."""

    __slots__ = ("exits", "reports", "signals")

    def __init__(self) -> None:
        self.signals: list[int] = []
        self.exits: list[Exit] = []
        self.reports: list[Report] = []

    def __bool__(self) -> bool:
        return bool(self.signals or self.exits or self.reports)

    def tell(self, supervisor: Supervisor, now: float, board: Mapping[int, Vitals]) -> Decision:
        """Tell all of it, and have that decide."""
        signals, exits, reports = self.signals, self.exits, self.reports
        self.signals, self.exits, self.reports = [], [], []
        return supervisor.step(now, signals, board, exits, reports)
