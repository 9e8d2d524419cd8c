"""What a server of conversations and one conversation know of each other."""

from __future__ import annotations

from gunicorn._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from gunicorn._types import SocketAddress

    class Conversation(Protocol):
        """What is spoken on one connection, without the connection: octets in, octets out."""

        # What is to be sent; the server takes away what it has sent.
        output: bytearray
        # Close once the output is sent, and at once when there is none.
        finished: bool
        # While it waits for something else than its peer: the monotonic moment at which it wants to be asked at the
        # latest. None: it does not wait.
        due: float | None

        def receive(self, data: bytes) -> None:
            """Octets have come; none, when the peer has ended its side."""

        def answer(self) -> bool:
            """Handle one request, if one is complete; whether that was so."""

        def tick(self, now: float) -> None:
            """The loop has made a turn while this waits (`due`); it may have something to say, or wait no more."""

    MakeConversation = Callable[["Peer"], Conversation]

__all__ = ["Conversation", "MakeConversation", "Peer"]


class Peer(Record):
    """Who has connected: the address as accept(2) gives it; at a unix socket, where the system tells, user and process.
    """

    address: SocketAddress
    uid: int | None = None
    pid: int | None = None
