"""A server of conversations without a master, and a conversation that says back what it was told."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gunicorn.control import server
from gunicorn.control.conversation import Peer
from gunicorn.unix.interest import Interest
from gunicorn.unix.unpatched import Socket


class Lines:
    """A request is a line. `wait` waits until it is told to go on, `long N` answers N octets, `bye` ends, `fail` fails.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.output = bytearray()
        self.finished = False
        self.due: float | None = None
        self.go_on = False
        self.rendered = 0
        self.ticks = 0
        self._input = bytearray()

    def receive(self, data: bytes) -> None:
        self._input += data

    def answer(self) -> bool:
        line, newline, rest = self._input.partition(b"\n")
        if not newline:
            return False
        self._input = bytearray(rest)
        word, _, number = line.decode().partition(" ")
        self.rendered += 1
        if word == "wait":
            self.due = float("inf")
        elif word == "watch":
            self.due = 0.0
        elif word == "fail":
            raise ZeroDivisionError
        else:
            self.finished = word == "bye"
            self.output += b"x" * int(number or 0) or line + b"\n"
        return True

    def tick(self, now: float) -> None:
        self.ticks += 1
        if self.due == 0.0:
            self.output += b"t" * 100_000
        elif self.go_on:
            self.due = None
            self.output += b"at last\n"


class Hall:
    """A server at a unix socket, a clock that is set by hand, and clients."""

    def __init__(self, folder: Path, make: Callable[[Peer], Any] = Lines) -> None:
        self.now = 1000.0
        self.interest = Interest()
        self.server = server.Server(self.interest, lambda: logging.getLogger("gunicorn.test"), lambda: self.now)
        self.made: list[Any] = []
        self.sockets: list[socket.socket] = []
        self.path = str(folder / "s")
        self.endpoint = self.listen(self.path, make)

    def listen(self, path: str, make: Callable[[Peer], Any] = Lines) -> server.Endpoint:
        def remember(peer: Peer) -> Any:
            self.made.append(make(peer))
            return self.made[-1]

        listener = Socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(64)
        endpoint = server.Endpoint(listener, remember)
        self.server.add(endpoint)
        return endpoint

    def connect(self, path: str = "") -> socket.socket:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(path or self.path)
        client.setblocking(False)
        self.sockets.append(client)
        return client

    def close(self) -> None:
        self.server.close()
        for client in self.sockets:
            client.close()

    def turn(self, times: int = 1) -> None:
        """What a loop does that is woken by what is there already."""
        for _ in range(times):
            self.server.take(self.interest.wait(0))
            self.server.settle()

    @property
    def clients(self) -> int:
        return len(self.server._connections)


def heard(client: socket.socket) -> bytes | None:
    """What has come; None: nothing yet, empty: the end."""
    try:
        return client.recv(1 << 20)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""
