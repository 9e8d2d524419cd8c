"""The answer to the agent check of a load balancer (HAProxy's `agent-check`): one line of words, and the end.

`ready` takes back a `drain` that was said before, also by the server that was at this address then; `up` takes back a
`down`. The percentage is the weight that the balancer gives this server, of the one it has in its configuration.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .health import Health

__all__ = ["Agent", "line_of"]


def line_of(health: Health, busy: float) -> str:
    """What a server says of itself; `busy`: the share of its places that requests have had lately."""
    if not health.not_ready:
        # Never nothing: with a weight of 0 nobody would come at all, which being busy is no reason for.
        return f"up ready {max(round(100 * (1.0 - busy)), 1)}%"
    # What stands behind the sharp is for people.
    return "drain" if health.leaves else f"down #{health.not_ready}"


class Agent:
    """One connection; see `conversation.Conversation`. `tell` says the line, at once, whatever the peer sends."""

    def __init__(self, tell: Callable[[], str]) -> None:
        self.output = bytearray()
        self.finished = False
        # As one that waits for a turn of the loop, not for its peer.
        self.due: float | None = 0.0
        self._tell = tell

    def receive(self, data: bytes) -> None:
        """What an agent is sent (`agent-send`) means nothing here."""

    def answer(self) -> bool:
        return False

    def tick(self, now: float) -> None:
        self.due = None
        self.output += self._tell().encode("ascii", "replace") + b"\n"
        self.finished = True
