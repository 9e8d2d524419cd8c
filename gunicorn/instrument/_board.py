"""What a worker writes into its page of the scoreboard: the twin of the native leaf."""

from __future__ import annotations

from .scoreboard import (
    _BYTES,
    _ERRORS,
    _HISTOGRAM,
    _REQUESTS,
    _RUNNING,
    _STARTED,
    _STATE,
    BUSY,
    LINE_ROOM,
    READY,
    _bucket,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .scoreboard import Slot


class Board:
    """Writes to a `scoreboard.Slot` what its requests are doing; of several at once, the one begun last."""

    __slots__ = ("_running", "_slot")

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._running = 0

    def move_to(self, slot: Slot) -> None:
        """Write to another page from now on."""
        self._slot = slot

    def begin(self, method: str, uri: str, now: float) -> None:
        """The application is called; `now` in monotonic seconds."""
        if type(method) is not str or type(uri) is not str:
            raise TypeError("a str is needed")
        self._running += 1
        self._slot._words[_RUNNING] = self._running
        line = b""
        if len(method) < LINE_ROOM:
            try:
                line = f"{method} {uri}".encode("latin-1")
            except UnicodeEncodeError:
                pass
        self._slot.begin(line, now)

    def end(self, seconds: float, sent: int, failed: bool) -> None:
        """It has answered, or has failed, after so long and with so many octets of content."""
        words = self._slot._words
        words[_REQUESTS] += 1
        if sent > 0:
            words[_BYTES] = words[_BYTES] + sent & 0xFFFFFFFFFFFFFFFF
        words[_ERRORS] += bool(failed)
        # What is no number, or no time that passes, counts as none; a longest one is long enough.
        words[_HISTOGRAM + _bucket(min(seconds, 1e13) if seconds > 0 else 0.0)] += 1
        if self._running > 0:
            self._running -= 1
        words[_RUNNING] = self._running
        if self._running == 0:
            words[_STARTED] = 0
            if words[_STATE] == BUSY:
                words[_STATE] = READY
