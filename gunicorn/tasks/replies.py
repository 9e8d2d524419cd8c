"""What comes for whom on a connection to the pool, without a socket: threads and coroutines wait each in their own way
(`link.py`, `async_link.py`), and both have this."""

from __future__ import annotations

from .errors import DirtyProtocolError
from .frames import ITEM, FrameReader
from .passing import descriptors, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .passing import Passed

__all__ = ["Replies", "Reply"]


class Reply:
    """What has come for one call, and nobody has taken. `number`: of the call; `age`: of the connection that has sent
    it."""

    __slots__ = ("age", "inbox", "number")

    def __init__(self, number: int, age: int) -> None:
        self.begin(number, age)

    def begin(self, number: int, age: int) -> None:
        """Make a new one ready."""
        self.number = number
        self.age = age
        # A stream has a window of them at the most.
        self.inbox: list[tuple[int, bytes | Passed]] = []

    def ring(self) -> bool:
        """Wake whoever waits for it: something has come, or it is to look for itself; whether somebody waits."""
        raise NotImplementedError


class Replies:
    """Those that something may still come for. `age` grows with each connection that is lost or left: what was sent by
    an older one is not answered any more."""

    __slots__ = ("_last", "_reader", "_replies", "age")

    def __init__(self) -> None:
        self.age = 0
        self._last = 0
        self._reader = FrameReader()
        self._replies: dict[int, Reply] = {}

    def wanted(self) -> int:
        """So many octets are to be asked for next."""
        return self._reader.wanted

    def next_number(self) -> int:
        """The number of the next call."""
        self._last += 1
        return self._last

    def add(self, reply: Reply) -> None:
        """From now on, something may come for it."""
        self._replies[reply.number] = reply

    def receive(self, octets: bytes, messages: list[tuple[int, int, bytes]] | None) -> bool:
        """Give what has come to those that it is for; False where nothing more is to be hoped for."""
        if not octets:
            return False
        try:
            frames = self._reader.feed(octets, descriptors(messages) if messages else ())
        except DirtyProtocolError:
            return False
        for frame in frames:
            reply = self._replies.get(frame.number)
            if reply is not None:
                reply.inbox.append((frame.kind, frame.payload))
                reply.ring()
        return True

    def take(self, reply: Reply) -> tuple[int, bytes] | None:
        """The next thing that has come for a call, its kind and payload; behind the last one it is forgotten. None:
        nothing is there.

        Raises DirtyProtocolError for a payload that cannot be had.
        """
        if not reply.inbox:
            return None
        kind, payload = reply.inbox.pop(0)
        if kind != ITEM:
            self._replies.pop(reply.number, None)
        return kind, payload if type(payload) is bytes else opened(payload)

    def forget(self, reply: Reply) -> bool:
        """Whatever comes for it is not looked at; whether something could still have come."""
        return self._replies.pop(reply.number, None) is not None

    def wake_another(self, reply: Reply) -> None:
        """One of those that wait for something else than this, if there is one."""
        if len(self._replies) > 1:
            for other in list(self._replies.values()):
                if other is not reply and not other.inbox and other.ring():
                    return

    def drop(self) -> None:
        """The connection is lost or left: all that wait are told."""
        self.age += 1
        self._reader = FrameReader()
        replies, self._replies = self._replies, {}
        for reply in list(replies.values()):
            reply.ring()
