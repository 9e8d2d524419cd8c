"""A conversation by the control protocol: frames become commands, and what they answer becomes frames."""

from __future__ import annotations

import time

from . import protocol
from .commands import find, run
from .replies import CommandError, Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Clock

    from .conversation import Peer
    from .orders import Orders

__all__ = ["Session"]


class Session:
    """One client. `tells_who`: lines about what it changes name its user."""

    def __init__(self, orders: Orders, peer: Peer, tells_who: bool, clock: Clock = time.monotonic) -> None:
        self.output = bytearray()
        self.finished = False
        self.due: float | None = None
        self._orders = orders
        self._peer = peer
        self._tells_who = tells_who
        self._clock = clock
        self._frames = protocol.Frames()
        # What is waited for, and the id of the request.
        self._reply: Reply | None = None
        self._id: object = 0

    def receive(self, data: bytes) -> None:
        """Octets have come."""
        self._frames.receive(data)

    def answer(self) -> bool:
        """Handle one request, if one is complete."""
        try:
            payload = self._frames.next()
            if payload is None:
                return False
            self._handle(payload)
        except protocol.ProtocolError:
            self.finished = True
        return True

    def tick(self, now: float) -> None:
        """Look whether what is waited for has come."""
        reply = self._reply
        if reply is None:
            return
        try:
            data = reply.look(self._orders.view())
        except CommandError as error:
            self._end(protocol.refusal(self._id, str(error)))
            return
        if data is not None and not reply.lasts:
            self._end(protocol.answer(self._id, data))
            return
        if data is not None:
            self.output += protocol.answer(self._id, data)
        self.due = reply.due

    def _handle(self, payload: bytes) -> None:
        request = protocol.read_request(payload)
        self._id = request.id
        try:
            words = request.words()
            found = run(self._orders, words)
        except CommandError as error:
            self._end(protocol.refusal(request.id, str(error)))
            return
        except ValueError as error:
            self._end(protocol.refusal(request.id, f"Invalid argument: {error}"))
            return
        self._tell(words)
        if isinstance(found, Reply):
            self._reply, self.due = found, found.due
        else:
            self._end(protocol.answer(request.id, found))

    def _end(self, frame: bytes) -> None:
        self._reply = self.due = None
        self.output += frame

    def _tell(self, words: list[str]) -> None:
        """Have it known who changes something, where that may be more than one user."""
        if self._tells_who and find(words)[1].changes:
            self._orders.note(f"{' '.join(words)!r} by user {self._peer.uid}, process {self._peer.pid}")
