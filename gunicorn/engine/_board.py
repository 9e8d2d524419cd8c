"""What a worker writes into its page of the scoreboard: the twin of the native leaf."""

from __future__ import annotations

from ..scoreboard import _BYTES, _ERRORS, _HISTOGRAM, _REQUESTS, _RUNNING, _STARTED, _STATE, BUSY, READY, _bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Board:
    """Writes to a `scoreboard.Slot` what its requests are doing; of several at once, the one begun last."""

    __slots__ = ("_running", "_slot")

    def __init__(self, slot: Any) -> None:
        self._slot = slot
        self._running = 0

    def begin(self, method: str, uri: str, now: float) -> None:
        """The application is called; `now` in monotonic seconds."""
        self._running += 1
        self._slot._words[_RUNNING] = self._running
        self._slot.begin(f"{method} {uri}".encode("latin-1", "replace"), now)

    def end(self, seconds: float, sent: int, failed: bool) -> None:
        """It has answered, or has failed, after so long and with so many octets of content."""
        words = self._slot._words
        words[_REQUESTS] += 1
        words[_BYTES] += sent
        words[_ERRORS] += failed
        words[_HISTOGRAM + _bucket(seconds)] += 1
        self._running -= 1
        words[_RUNNING] = self._running
        if self._running == 0:
            words[_STARTED] = 0
            if words[_STATE] == BUSY:
                words[_STATE] = READY
