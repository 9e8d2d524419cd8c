"""What a worker writes into its page of the scoreboard: the twin of the native leaf."""

from __future__ import annotations

from bisect import bisect_left

from .scoreboard import (
    _BEGUN,
    _BOUNDED,
    _BYTES,
    _ERRORS,
    _HISTOGRAM,
    _ID_AT,
    _ID_LENGTH,
    _NANOSECONDS,
    _QUEUED,
    _QUEUED_NANOSECONDS,
    _RECEIVED,
    _REFUSED,
    _REQUESTS,
    _RUNNING,
    _SENT,
    _SHED,
    _STARTED,
    _STATE,
    _VERSIONS,
    _WEBSOCKETS,
    BOUNDS,
    BUSY,
    ID_ROOM,
    LINE_ROOM,
    LONGEST,
    READY,
    SHED_REASONS,
    _bucket,
    _place,
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

    def begin(self, method: str, uri: str, now: float, version: int) -> None:
        """The application is called; `now` in monotonic seconds; `version`: of HTTP, ten times that."""
        if type(method) is not str or type(uri) is not str:
            raise TypeError("a str is needed")
        self._running += 1
        self.speak(version)
        self._slot._words[_RUNNING] = self._running
        line = b""
        if len(method) < LINE_ROOM:
            try:
                line = f"{method} {uri}".encode("latin-1")
            except UnicodeEncodeError:
                pass
        self._slot._floats[_BEGUN] += now
        self._slot.begin(line, now)

    def welcomes(self) -> bool:
        """Whether new clients should come: the server neither stops soon nor is drained."""
        return not (self._slot.leaving or self._slot.drained)

    def identify(self, identity: str) -> None:
        """The next request to begin has this id; where requests have ids, each is told before it begins."""
        if type(identity) is not str:
            raise TypeError("a str is needed")
        # What is no id of ours is none.
        octets = identity.encode("ascii")[:ID_ROOM] if identity.isascii() else b""
        slot = self._slot
        slot._bytes[_ID_AT : _ID_AT + len(octets)] = octets
        slot._words[_ID_LENGTH] = len(octets)

    def speak(self, version: int) -> None:
        """A request of this version of HTTP is served that does not `begin`."""
        self._slot._words[_VERSIONS + (2 if version >= 20 else 1 if version > 10 else 0)] += 1

    def queue(self, seconds: float) -> None:
        """A request has waited for so long in front of this server."""
        seconds = _bounded(seconds)
        words = self._slot._words
        words[_QUEUED + _bucket(seconds)] += 1
        words[_QUEUED_NANOSECONDS] = words[_QUEUED_NANOSECONDS] + int(seconds * 1e9) & 0xFFFFFFFFFFFFFFFF

    def shed(self, reason: str) -> None:
        """A request was refused because there were too many; for one of `SHED_REASONS`, or nobody is told."""
        if type(reason) is not str:
            raise TypeError("a str is needed")
        if reason in SHED_REASONS:
            self._slot._words[_SHED + SHED_REASONS.index(reason)] += 1

    def hold(self, websockets: int) -> None:
        """So many connections are WebSockets now."""
        self._slot._words[_WEBSOCKETS] = max(websockets, 0)

    def end(self, method: str, status: int, began: float, now: float, sent: int) -> None:
        """It has ended with this status (0: none was said, -1: it is counted already), having begun at the moment
        `began`, and with so many octets of content."""
        if type(method) is not str:
            raise TypeError("a str is needed")
        words, floats = self._slot._words, self._slot._floats
        words[_REQUESTS] += 1
        if sent > 0:
            words[_BYTES] = words[_BYTES] + sent & 0xFFFFFFFFFFFFFFFF
        words[_ERRORS] += not 100 <= status < 500
        seconds = _bounded(now - began)
        words[_HISTOGRAM + _bucket(seconds)] += 1
        words[_BOUNDED + bisect_left(BOUNDS, seconds)] += 1
        words[_NANOSECONDS] = words[_NANOSECONDS] + int(seconds * 1e9) & 0xFFFFFFFFFFFFFFFF
        floats[_BEGUN] -= began
        if status >= 0:
            words[_place(method, status)] += 1
        if self._running > 0:
            self._running -= 1
        words[_RUNNING] = self._running
        if self._running == 0:
            words[_STARTED] = 0
            floats[_BEGUN] = 0.0
            if words[_STATE] == BUSY:
                words[_STATE] = READY

    def refuse(self, method: str, status: int) -> None:
        """A request was answered, or ended, without an application; `method` is empty where it had no head."""
        if type(method) is not str:
            raise TypeError("a str is needed")
        self._slot._words[_REFUSED] += 1
        self._slot._words[_place(method, status)] += 1

    def count(self, method: str, status: int) -> None:
        """A request was answered that does not end with its answer."""
        if type(method) is not str:
            raise TypeError("a str is needed")
        self._slot._words[_place(method, status)] += 1

    def transfer(self, received: int, sent: int) -> None:
        """So many octets have come, and gone, on connections that are another server's."""
        words = self._slot._words
        words[_RECEIVED] += max(received, 0)
        words[_SENT] += max(sent, 0)


def _bounded(seconds: float) -> float:
    """What is no number, or no time that passes, counts as none; a longest one is long enough."""
    return min(seconds, LONGEST) if seconds > 0 else 0.0
