"""The other end of the control protocol, for programs: a connection that asks and waits, and the sockets there are."""

from __future__ import annotations

import glob
import os
import socket

from gunicorn.unix.runtime import default_control_socket

from . import protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

__all__ = ["Client", "Refused", "Unreachable", "running_servers"]

LONGEST_ANSWER = 1 << 24
CONNECT_SECONDS = 10.0


class Unreachable(Exception):
    """Nobody answers at the socket, or what answers there is no server of ours."""


class Refused(Exception):
    """The server has answered that it cannot do that; the text says why."""


class Client:
    """A connection to the control socket at `path`. Raises Unreachable, and Refused for a command that is."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._number = 0
        self._frames = protocol.Frames(LONGEST_ANSWER)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(CONNECT_SECONDS)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise Unreachable(f"Failed to connect to {path}: {error}") from error
        # Answers may be waited for on purpose, for as long as it takes.
        self._socket.settimeout(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def ask(self, command: str) -> dict[str, object]:
        """The data of the answer to one command."""
        self._send(command)
        return self._answer()

    def watch(self, command: str) -> Iterator[dict[str, object]]:
        """The data of all answers to one command, for as long as they come."""
        self._send(command)
        while True:
            yield self._answer()

    def _send(self, command: str) -> None:
        self._number += 1
        try:
            self._socket.sendall(protocol.frame({"id": self._number, "command": command}))
        except OSError as error:
            raise Unreachable(f"Lost the connection to {self.path}: {error}") from error

    def _answer(self) -> dict[str, object]:
        try:
            message = protocol.read_json(self._next_frame())
        except OSError as error:
            raise Unreachable(f"Lost the connection to {self.path}: {error}") from error
        except protocol.ProtocolError as error:
            raise Unreachable(f"{self.path} answers with {error}") from error
        data = message.get("data")
        if message.get("status") != "ok" or not isinstance(data, dict):
            raise Refused(str(message.get("error", "no data")))
        return data

    def _next_frame(self) -> bytes:
        while (payload := self._frames.next()) is None:
            data = self._socket.recv(65536)
            if not data:
                raise Unreachable(f"{self.path} has closed the connection")
            self._frames.receive(data)
        return payload


def running_servers() -> list[str]:
    """The control sockets beside the default one at which somebody answers, that one first."""
    default = default_control_socket()
    root, extension = os.path.splitext(default)
    others = sorted(glob.glob(f"{glob.escape(root)}.*{extension}"))
    return [path for path in (default, *others) if _answers(path)]


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True
