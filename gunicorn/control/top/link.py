"""A connection to a control socket that makes nobody wait: one command, and answers as they come."""

from __future__ import annotations

import socket

from gunicorn.control import protocol
from gunicorn.control.client import LONGEST_ANSWER, Unreachable

__all__ = ["Link"]


class Link:
    """Raises Unreachable, when it is made and later."""

    def __init__(self, path: str, command: str) -> None:
        self.command = command
        self._frames = protocol.Frames(LONGEST_ANSWER)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(path)
            # A few octets on a new connection: they fit.
            self._socket.sendall(protocol.frame({"id": 1, "command": command}))
        except OSError as error:
            self._socket.close()
            raise Unreachable(error.strerror or str(error)) from error

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def read(self) -> list[dict[str, object]]:
        """The answers that have come: there is something to be read."""
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return []
        except OSError as error:
            raise Unreachable(error.strerror or str(error)) from error
        if not data:
            raise Unreachable("the connection was closed")
        self._frames.receive(data)
        found = []
        try:
            while (payload := self._frames.next()) is not None:
                found.append(protocol.read_json(payload))
        except protocol.ProtocolError as error:
            raise Unreachable(f"it answers with {error}") from error
        return found
