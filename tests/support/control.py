"""A client of the control protocol that shares no code with the server: what a script of a user's would be."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from tests.support.wait import PATIENCE, wait_until


class Control:
    """One connection to a control socket."""

    def __init__(self, path: object) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, command: str, *args: object, identity: object = 1) -> None:
        payload = json.dumps({"id": identity, "command": command, "args": list(args)}).encode()
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)

    def receive(self) -> Any:
        """The next answer; None at the end of the connection."""
        size = self._read(4)
        if not size:
            return None
        return json.loads(self._read(struct.unpack(">I", size)[0]))

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except ConnectionResetError:
                return b""
            if not more:
                return b""
            data += more
        return data

    def ask(self, command: str, *args: object) -> Any:
        """The data of the answer; the text of an error."""
        self.send(command, *args)
        answer = self.receive()
        return answer["data"] if answer["status"] == "ok" else answer["error"]


def ask(path: object, command: str, *args: object) -> Any:
    """One command, on a connection of its own."""
    with Control(path) as client:
        return client.ask(command, *args)


def ready_workers(path: object, count: int) -> list[int]:
    """Wait until so many workers are there and all are ready; their PIDs."""
    def pids() -> list[int]:
        rows = ask(path, "show workers")["workers"]
        is_so = len(rows) == count and all(row["phase"] == "ready" for row in rows)
        return [row["pid"] for row in rows] if is_so else []

    return wait_until(pids)
