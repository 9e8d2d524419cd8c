"""Clients that are slow on purpose, all in one process: ``slow_clients.py PORT KIND:COUNT...``

Prints ``ready OPEN`` when all are connected, or when ten seconds are over: a server that is busy with some of them
leaves the rest in its backlog. Answers each line on standard input with ``open OPEN BROKEN``: connections that are
open now, and those that ended or never came to be so far, each of which was replaced by a new one. Ends with
standard input.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

HEAD = (
    b"GET / HTTP/1.1\r\nHost: slow\r\n"
    + b"".join(b"X-Slow-%d: %s\r\n" % (i, b"s" * 30) for i in range(6))
    + b"\r\n"
)
POST = b"POST / HTTP/1.1\r\nHost: slow\r\nContent-Length: 10000\r\n\r\n"
BIG = b"GET /big HTTP/1.1\r\nHost: slow\r\n\r\n"
# Small, so that what a client has not read stays with the server.
RECEIVE_BUFFER = 16384
AGAIN_SECONDS = 0.5
PATIENCE_SECONDS = 10.0


class Kind(NamedTuple):
    """How a client is slow."""

    #: What it sends at each of its turns, the first one right after connecting.
    sends: Callable[[], Iterator[bytes]]
    interval: float
    #: Bytes it reads at each turn; 0: whatever comes, whenever it comes.
    reads: int = 0


def bytewise(text: bytes) -> Iterator[bytes]:
    return (text[i : i + 1] for i in range(len(text)))


KINDS = {
    # 10 bytes a second of a request head
    "head": Kind(lambda: bytewise(HEAD), 0.1),
    # a large answer, read at 50 kB/s
    "read": Kind(lambda: iter([BIG]), 0.1, 5000),
    # a byte every four seconds, of a head or of a body
    "trickle-head": Kind(lambda: bytewise(HEAD), 4.0),
    "trickle-body": Kind(lambda: itertools.chain([POST], itertools.repeat(b"b")), 4.0),
}


class Client:
    """One slow client, connected anew whenever its connection ends."""

    connection: socket.socket
    parts: Iterator[bytes]
    connected = False

    def __init__(self, crowd: Crowd, kind: Kind) -> None:
        self.crowd = crowd
        self.kind = kind

    def connect(self) -> None:
        self.connection = socket.socket()
        self.connection.setblocking(False)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.parts = self.kind.sends()
        self.connection.connect_ex(("127.0.0.1", self.crowd.port))
        self.crowd.selector.register(self.connection, selectors.EVENT_WRITE, self)

    def ready(self) -> None:
        """The connection is made or refused; later: it has something to read."""
        if self.connected:
            self.read(65536)
        elif self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.end()
        else:
            self.connected = True
            self.crowd.open += 1
            if self.kind.reads:
                self.crowd.selector.unregister(self.connection)
            else:
                self.crowd.selector.modify(self.connection, selectors.EVENT_READ, self)
            self.crowd.plan(self, self.crowd.phase() * self.kind.interval)

    def turn(self) -> None:
        """What it does once in each interval."""
        if not self.connected:
            self.connect()
            return
        try:
            self.connection.send(next(self.parts, b""))
        except BlockingIOError:
            pass
        except OSError:
            self.end()
            return
        if self.kind.reads and not self.read(self.kind.reads):
            return
        self.crowd.plan(self, self.kind.interval)

    def read(self, size: int) -> bool:
        """Read; whether the connection is still there."""
        try:
            if self.connection.recv(size):
                return True
        except BlockingIOError:
            return True
        except OSError:
            pass
        self.end()
        return False

    def end(self) -> None:
        if self.connection.fileno() in self.crowd.selector.get_map():
            self.crowd.selector.unregister(self.connection)
        self.connection.close()
        self.crowd.open -= self.connected
        self.crowd.broken += 1
        self.connected = False
        self.crowd.plan(self, AGAIN_SECONDS)


class Crowd:
    """All slow clients of a run."""

    def __init__(self, port: int, kinds: list[tuple[str, int]]) -> None:
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.open = self.broken = 0
        self._plans: dict[Client, float] = {}
        self._heap: list[tuple[float, int, Client]] = []
        self._numbers = itertools.count()
        self.clients = [Client(self, KINDS[name]) for name, count in kinds for _ in range(count)]

    def phase(self) -> float:
        """Spreads the clients over their interval, always in the same way."""
        return (next(self._numbers) * 0.618034) % 1.0

    def plan(self, client: Client, seconds: float) -> None:
        """Its next turn; there is only one, a later plan takes the place of an earlier one."""
        self._plans[client] = time.monotonic() + seconds
        heapq.heappush(self._heap, (self._plans[client], next(self._numbers), client))

    def run_until(self, done: Callable[[], bool]) -> None:
        while not done():
            now = time.monotonic()
            while self._heap and self._heap[0][0] <= now:
                at, _, client = heapq.heappop(self._heap)
                if self._plans.get(client) == at:
                    client.turn()
            wait = min(self._heap[0][0] - now, 0.1) if self._heap else 0.1
            for key, _ in self.selector.select(max(wait, 0.0)):
                if isinstance(key.data, Client):
                    key.data.ready()
                else:
                    self.obey()

    ended = False

    def obey(self) -> None:
        if not sys.stdin.readline():
            self.ended = True
            return
        print("open", self.open, self.broken, flush=True)

    def run(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        for client in self.clients:
            client.connect()
        self.run_until(lambda: self.open == len(self.clients) or time.monotonic() > deadline)
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", self.open, flush=True)
        self.run_until(lambda: self.ended)


def main() -> None:
    port, *kinds = sys.argv[1:]
    pairs = [(name, int(count)) for name, _, count in (kind.partition(":") for kind in kinds)]
    Crowd(int(port), pairs).run()


if __name__ == "__main__":
    main()
