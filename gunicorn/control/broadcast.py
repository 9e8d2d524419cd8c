"""Events for all who look on: one rendering a second, shared, and none while nobody does.

The format is that of server-sent events. A viewer that has not taken what was sent before misses what comes meanwhile:
its server does not ask then (`Server.due`).
"""

from __future__ import annotations

from gunicorn._standard import standard_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MOST_VIEWERS", "Broadcast", "Viewing"]

MOST_VIEWERS = 8
SECONDS = 1.0
COMMENT_SECONDS = 15.0
"""So often those are shown that the connection lives who do not count events, such as proxies."""

STALLED_SECONDS = 30.0
"""Who has taken nothing for so long gives way to another one."""

_RETRY = b"retry: 2000\n\n"


class Broadcast:
    """`tell`: what there is to be told now, as data of JSON."""

    def __init__(self, tell: Callable[[], Mapping[str, object]]) -> None:
        self._tell = tell
        self.viewers: list[Viewing] = []
        self.number = 0
        # The monotonic moment of the next rendering.
        self.due = 0.0
        self._rendered = b""

    def join(self, now: float, end: Callable[[], object]) -> Viewing | None:
        """One viewer more, until it leaves; None when there are too many. `end` is called when it has to go, since it
        takes nothing (a machine that sleeps), for another one."""
        if len(self.viewers) >= MOST_VIEWERS:
            oldest = min(self.viewers, key=lambda each: each.looked_at)
            if now - oldest.looked_at < STALLED_SECONDS:
                return None
            oldest.leave()
            oldest.end()
        viewing = Viewing(self, now, end)
        self.viewers.append(viewing)
        return viewing

    def look(self, now: float) -> bytes:
        """The event of now."""
        if now >= self.due:
            with standard_first():
                import json

            self.number += 1
            self.due = now + SECONDS
            self._rendered = b"id: %d\ndata: %s\n\n" % (self.number, json.dumps(self._tell()).encode("ascii"))
        return self._rendered


class Viewing:
    """What one viewer gets."""

    def __init__(self, broadcast: Broadcast, now: float, end: Callable[[], object]) -> None:
        self._broadcast = broadcast
        self.end = end
        self.looked_at = now
        self._seen = 0
        # The next comment; None before the first look.
        self._comment_at: float | None = None
        self.due = 0.0

    def look(self, now: float) -> bytes:
        """What is to be sent now; nothing before there is something new."""
        self.looked_at = now
        piece = b""
        if self._comment_at is None:
            piece, self._comment_at = _RETRY, now + COMMENT_SECONDS
        elif now >= self._comment_at:
            piece, self._comment_at = b": still here\n\n", now + COMMENT_SECONDS
        event = self._broadcast.look(now)
        if self._seen != self._broadcast.number:
            self._seen = self._broadcast.number
            piece += event
        self.due = self._broadcast.due
        return piece

    def leave(self) -> None:
        """It looks no longer."""
        if self in self._broadcast.viewers:
            self._broadcast.viewers.remove(self)
