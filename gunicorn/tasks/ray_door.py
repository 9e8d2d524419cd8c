"""The door of a server: where actors on other nodes come, for their calls, and to call.

It listens at the address that the server's node has in its cluster. A connection is handed on as soon as its first
octets have said the secret, which actors are told through Ray; nothing of what goes through it is read here.
"""

from __future__ import annotations

import hmac
import os
import socket
import threading
import time
from _queue import Empty, SimpleQueue
from contextlib import contextmanager

from gunicorn.unix import unpatched

from .addresses import CALLS, CONTROLS, GUEST, SECRET_SIZE, Greeting, door_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Door"]

GREETING_SECONDS = 5.0
"""So long whoever has come may take to say who it is."""

MOST_STRANGERS = 64
"""So many may be about to; others are sent away."""

_PAUSE = 0.1

# A node that vanishes says no farewell: half a minute for its connections.
_LIVENESS = {
    "TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000,
}


class Door:
    """Listens at `host`; callers are given to `take_caller`, as a socket that is closed behind that. Raises OSError.

    `address`: what `addresses.way_to` takes; `name`: the same for a log, without the secret.
    """

    def __init__(self, host: str, take_caller: Callable[[socket.socket], None]) -> None:
        self._take_caller = take_caller
        self._secret = os.urandom(SECRET_SIZE)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        port = self._listener.getsockname()[1]
        self.address = door_at(host, port, self._secret)
        self.name = f"{host} port {port}"
        self._strangers = threading.BoundedSemaphore(MOST_STRANGERS)
        # By the numbers of places: what comes for actors that have been sent here.
        self._expected: dict[int, SimpleQueue[tuple[int, socket.socket]]] = {}

    def open(self) -> None:
        """Take in whoever comes, in threads, to the end of the process."""
        unpatched.start_new_thread(self._run, ())

    @contextmanager
    def expecting(self, number: int) -> Iterator[Callable[[float], list[socket.socket]]]:
        """While this lasts the actor of that place may come. What is had: a function that waits for so many seconds
        for its two connections, for calls and for what is said about them; none when it has not come."""
        arrivals: SimpleQueue[tuple[int, socket.socket]] = SimpleQueue()
        self._expected[number] = arrivals
        try:
            yield lambda seconds: _both(arrivals, seconds)
        finally:
            del self._expected[number]

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                # Too many descriptors, or one who has left already.
                time.sleep(_PAUSE)
                continue
            if self._strangers.acquire(blocking=False):
                unpatched.start_new_thread(self._greet, (sock,))
            else:
                sock.close()

    def _greet(self, sock: socket.socket) -> None:
        try:
            greeting = self._greeting_of(sock)
            if greeting is None or not self._take(sock, greeting):
                sock.close()
        except OSError:
            sock.close()
        finally:
            self._strangers.release()

    def _greeting_of(self, sock: socket.socket) -> Greeting | None:
        until = time.monotonic() + GREETING_SECONDS
        octets = b""
        while len(octets) < Greeting.SIZE:
            sock.settimeout(max(until - time.monotonic(), 0.001))
            found = sock.recv(Greeting.SIZE - len(octets))
            if not found:
                return None
            octets += found
        return Greeting.read(octets, self._secret, hmac.compare_digest)

    def _take(self, sock: socket.socket, greeting: Greeting) -> bool:
        """Hand it on; False for one that nobody waits for."""
        sock.settimeout(None)
        _keep_alive(sock)
        if greeting.role == GUEST:
            with sock:
                self._take_caller(sock)
            return True
        arrivals = self._expected.get(greeting.number)
        if arrivals is None or greeting.role not in _CHANNELS:
            return False
        arrivals.put((greeting.role, sock))
        return True


_CHANNELS = (CALLS, CONTROLS)


def _both(arrivals: SimpleQueue[tuple[int, socket.socket]], seconds: float) -> list[socket.socket]:
    until = time.monotonic() + seconds
    found: dict[int, socket.socket] = {}
    try:
        while len(found) < len(_CHANNELS):
            role, sock = arrivals.get(timeout=max(until - time.monotonic(), 0.0))
            found.setdefault(role, sock)
    except Empty:
        for sock in found.values():
            sock.close()
        return []
    return [found[role] for role in _CHANNELS]


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _LIVENESS.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
