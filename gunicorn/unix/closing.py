"""How a socket is closed."""

from __future__ import annotations

import socket
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Closable(Protocol):
        """A socket, or what stands for one."""

        def close(self) -> object: ...

    class Drainable(Closable, Protocol):
        """The same, whose peer may still be sending."""

        def shutdown(self, how: int, /) -> object: ...
        def settimeout(self, value: float | None, /) -> object: ...
        def recv(self, size: int, /) -> bytes: ...

__all__ = ["close", "close_graceful"]


def close(sock: Closable) -> None:
    """Close a socket; that it is broken already is no error."""
    try:
        sock.close()
    except OSError:
        pass


def close_graceful(sock: Drainable, timeout: float = 2.0, max_drain: int = 65536) -> None:
    """Close a socket whose peer may still be sending: closing at once would reset the connection, and could destroy
    what the peer has not read yet. Waits `timeout` seconds, or until `max_drain` octets were thrown away."""
    deadline = time.monotonic() + timeout
    try:
        sock.shutdown(socket.SHUT_WR)
        while max_drain > 0 and (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            count = len(sock.recv(min(max_drain, 8192)))
            if not count:
                break
            max_drain -= count
    except (OSError, ValueError):
        # It is gone already.
        pass
    close(sock)
