"""The trace that a line of the log belongs to, where somebody makes traces."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Traces", "traces"]


class Traces:
    """Asked for each line.

    `find` is set by whoever makes traces: it takes the exception of a line, or None, and returns the ids of trace and
    span as hexadecimal digits, or None.
    """

    def __init__(self) -> None:
        self.find: Callable[[BaseException | None], tuple[str, str] | None] | None = None

    def of(self, error: BaseException | None) -> tuple[str, str] | None:
        """The ids for a line about `error`, or about nothing that was raised."""
        return None if self.find is None else self.find(error)


#: One for the process: its loggers are the process's, too.
traces = Traces()
