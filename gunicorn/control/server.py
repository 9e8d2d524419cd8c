"""Sockets for conversations in the loop of a master, which must never wait for one of their clients.

The loop sleeps on the descriptors of this server among its own (`Interest`), gives it what has happened (`take`), does
its own work, and lets it tell what came of that (`settle`). No thread, no call that blocks, and bounds for all that a
client can do: how many there are, what one may send, how long a request may take to arrive, how many are answered in
one turn. Nothing is rendered for a client that has not taken what was rendered before.
"""

from __future__ import annotations

import socket
import struct
import time

from gunicorn.errors import OwnSignal
from gunicorn.unix.interest import BROKEN, READ, WRITE
from gunicorn.unix.unpatched import Socket

from .conversation import Peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVarTuple

    from gunicorn._types import Clock, Log, SocketAddress
    from gunicorn.unix.interest import Interest

    from .conversation import Conversation, MakeConversation

    Ts = TypeVarTuple("Ts")

__all__ = ["Endpoint", "Server"]

MOST_CONNECTIONS = 32
"""Clients of one listener. One more takes the place of who has been idle for the longest time."""

MOST_IN = 65536
"""Octets that are read from a client in one turn; what is behind a request that is not answered yet stays unread."""

MOST_OUT = 1 << 20
"""Octets that one answer may have."""

REQUEST_SECONDS = 10.0
"""So long a request that has begun may take to arrive."""

MOST_ANSWERS, MOST_ACCEPTS = 8, 8
"""In one turn of the loop."""

PAUSE_SECONDS = 1.0
"""So long nobody is accepted after the system has refused that (no descriptor left)."""

_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_PEERCRED: int = getattr(socket, "SO_PEERCRED", -1)
_CREDENTIALS = struct.Struct("iII")


class Endpoint:
    """One listener (a socket of `unix/unpatched.py` that makes nobody wait), and what is spoken there; `farewell` is
    told of each conversation that is at its end."""

    def __init__(
        self, listener: Socket, make_conversation: MakeConversation,
        farewell: Callable[[Conversation], object] | None = None,
    ) -> None:
        self.listener = listener
        self.make_conversation = make_conversation
        self.farewell = farewell
        # Nobody is accepted before this moment.
        self.paused_until: float | None = None


class _Connection:
    """One client."""

    __slots__ = ("begun_at", "conversation", "ended", "endpoint", "fd", "hungry", "seen_at", "sock")

    def __init__(self, sock: Socket, endpoint: Endpoint, conversation: Conversation, now: float) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.endpoint = endpoint
        self.conversation = conversation
        # The last moment at which it sent something.
        self.seen_at = now
        # When the request that is arriving has begun.
        self.begun_at: float | None = None
        # Something has come since there was nothing more to answer.
        self.hungry = False
        # It will send nothing more.
        self.ended = False

    def waits(self) -> bool:
        return self.conversation.due is not None

    @property
    def can_answer(self) -> bool:
        return not self.conversation.output and not self.waits()

    @property
    def reads(self) -> bool:
        return self.can_answer and not self.hungry and not self.ended

    def is_late(self, now: float) -> bool:
        return self.begun_at is not None and not self.hungry and now - self.begun_at >= REQUEST_SECONDS

    @property
    def is_idle(self) -> bool:
        return self.reads and self.begun_at is None


class Server:
    """The listeners and their clients. `log` is told what no client should be able to bring about."""

    def __init__(self, interest: Interest, log: Callable[[], Log], clock: Clock = time.monotonic) -> None:
        self._interest = interest
        self._log = log
        self._clock = clock
        self._endpoints: dict[int, Endpoint] = {}
        self._connections: dict[int, _Connection] = {}
        # Those to be asked for an answer, the first one first.
        self._hungry: dict[int, _Connection] = {}

    def add(self, endpoint: Endpoint) -> None:
        """Accept clients there from now on."""
        endpoint.listener.setblocking(False)
        self._endpoints[endpoint.listener.fileno()] = endpoint
        self._interest.watch(endpoint.listener.fileno(), READ)

    def remove(self, endpoint: Endpoint) -> None:
        """Close a listener and the connections of its clients."""
        self.cut(endpoint)
        fd = endpoint.listener.fileno()
        if self._endpoints.pop(fd, None) is not None:
            self._interest.forget(fd)
        endpoint.listener.close()

    def cut(self, endpoint: Endpoint) -> None:
        """Close the connections of its clients; they may come again."""
        for connection in list(self._connections.values()):
            if connection.endpoint is endpoint:
                self._drop(connection)

    def close(self) -> None:
        """Close everything: at the end of the master, and in a child, to which none of it belongs."""
        for endpoint in list(self._endpoints.values()):
            self.remove(endpoint)

    @property
    def due(self) -> float | None:
        """The monotonic moment at which this wants a turn at the latest; None when only for what happens."""
        moments = [until for each in self._endpoints.values() if (until := each.paused_until) is not None]
        for connection in self._connections.values():
            waits = connection.conversation.due
            if connection.conversation.output:
                # Until it has taken that there is nothing to do for it.
                continue
            if waits is not None:
                moments.append(waits)
            elif connection.hungry:
                return self._clock()
            elif connection.begun_at is not None:
                moments.append(connection.begun_at + REQUEST_SECONDS)
        return min(moments, default=None)

    # A turn.

    def take(self, events: Iterable[tuple[int, int]]) -> None:
        """Accept, read, and answer what is complete; `events` as `Interest.wait` gives them, others' among them."""
        now = self._clock()
        knocks: list[Endpoint] = []
        for fd, why in events:
            connection = self._connections.get(fd)
            if connection is not None:
                self._guarded(connection, self._act, why, now)
            elif fd in self._endpoints:
                knocks.append(self._endpoints[fd])
        # Behind the others: whoever is accepted may get the number of one that was just closed.
        for endpoint in knocks:
            self._accept(endpoint, now)
        self._answer(now)

    def settle(self) -> None:
        """After what the loop does itself: those that wait for that are asked, those that are late are closed."""
        now = self._clock()
        for connection in list(self._connections.values()):
            self._guarded(connection, self._tick, now)
        for endpoint in self._endpoints.values():
            if endpoint.paused_until is not None and now >= endpoint.paused_until:
                endpoint.paused_until = None
                self._interest.watch(endpoint.listener.fileno(), READ)

    def _guarded(
        self, connection: _Connection, step: Callable[[_Connection, *Ts], object], *args: *Ts
    ) -> None:
        """Do one thing for a client, and then what follows from the state in which that has left it."""
        try:
            step(connection, *args)
            if connection.fd in self._connections:
                self._send(connection)
        except OSError:
            self._drop(connection)
        except OwnSignal:
            raise
        except BaseException:  # noqa: BLE001  # the boundary around one connection
            self._log().exception("A conversation has failed")
            self._drop(connection)

    # Connections.

    def _accept(self, endpoint: Endpoint, now: float) -> None:
        for _ in range(MOST_ACCEPTS):
            try:
                fd, address = endpoint.listener._accept()  # type: ignore[attr-defined]
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                self._log().debug("Nobody can be accepted: %s", error)
                endpoint.paused_until = now + PAUSE_SECONDS
                self._interest.forget(endpoint.listener.fileno())
                return
            self._make_room(endpoint)
            sock = Socket(fileno=fd)
            sock.setblocking(False)
            conversation = endpoint.make_conversation(_peer(sock, address))
            connection = _Connection(sock, endpoint, conversation, now)
            self._connections[fd] = connection
            self._guarded(connection, bool)

    def _make_room(self, endpoint: Endpoint) -> None:
        """An idle client goes for a new one; where all do something, the one not heard of for the longest time."""
        clients = [each for each in self._connections.values() if each.endpoint is endpoint]
        if len(clients) >= MOST_CONNECTIONS:
            self._drop(min(clients, key=lambda each: (not each.is_idle, each.seen_at)))

    def _drop(self, connection: _Connection) -> None:
        if self._connections.pop(connection.fd, None) is not None:
            self._hungry.pop(connection.fd, None)
            self._interest.forget(connection.fd)
            connection.sock.close()
            if connection.endpoint.farewell is not None:
                connection.endpoint.farewell(connection.conversation)

    def _act(self, connection: _Connection, why: int, now: float) -> None:
        if why & (READ | BROKEN) and connection.reads:
            self._read(connection, now)
        elif why & BROKEN and not (connection.hungry and connection.can_answer):
            # Nobody is left who could take an answer. What came before that has its turn.
            self._drop(connection)

    def _read(self, connection: _Connection, now: float) -> None:
        try:
            data = connection.sock.recv(MOST_IN)
        except BlockingIOError:
            return
        connection.seen_at = now
        connection.ended = not data
        if data and connection.begun_at is None:
            connection.begun_at = now
        connection.conversation.receive(data)
        self._feed(connection)

    def _feed(self, connection: _Connection) -> None:
        connection.hungry = True
        self._hungry[connection.fd] = connection

    def _answer(self, now: float) -> None:
        left = MOST_ANSWERS
        for connection in list(self._hungry.values()):
            if left and connection.can_answer:
                # To the end of the queue, if there may be more.
                del self._hungry[connection.fd]
                connection.hungry = False
                self._guarded(connection, self._ask)
                left -= connection.hungry

    def _ask(self, connection: _Connection) -> None:
        if connection.conversation.answer():
            connection.begun_at = None
            self._feed(connection)

    def _tick(self, connection: _Connection, now: float) -> None:
        conversation = connection.conversation
        if conversation.output:
            return
        if connection.waits():
            conversation.tick(now)
            if not connection.waits():
                self._feed(connection)
        elif connection.is_late(now):
            self._drop(connection)

    def _send(self, connection: _Connection) -> None:
        """Send what there is to send; then close, or wait for what is possible next."""
        conversation = connection.conversation
        output = conversation.output
        if len(output) > MOST_OUT:
            self._log().warning("An answer of %d octets is too long to be given", len(output))
            self._drop(connection)
            return
        if output:
            try:
                del output[: connection.sock.send(output, _NO_SIGNAL)]
            except BlockingIOError:
                pass
        if not output and (conversation.finished or self._is_over(connection)):
            self._drop(connection)
            return
        self._interest.watch(connection.fd, (READ if connection.reads else 0) | (WRITE if output else 0))

    @staticmethod
    def _is_over(connection: _Connection) -> bool:
        return connection.ended and not connection.hungry and not connection.waits()


def _peer(sock: Socket, address: SocketAddress) -> Peer:
    if _PEERCRED < 0 or sock.family != socket.AF_UNIX:
        return Peer(address)
    pid, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, _PEERCRED, _CREDENTIALS.size))
    return Peer(address, uid, pid)
