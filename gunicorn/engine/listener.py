"""A listening socket as the engine sees it."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Listener:
    """`sock` with what every connection of it shares: our own address, as a gateway reports it.

    `terminator` is the TLS of its connections (a `tls_context.Terminator`, None for plain ones); `redirect` the port
    that requests are sent to by HTTPS, 0 when they are served; `own`: no other process accepts from this socket.
    """

    __slots__ = ("fd", "is_unix", "own", "redirect", "server_name", "server_port", "sock", "terminator", "watched")

    def __init__(self, sock: Any) -> None:
        inner = getattr(sock, "sock", sock)
        self.sock: socket.socket = inner
        self.fd: int = inner.fileno()
        self.watched = False
        self.terminator: Any = None
        self.redirect = 0
        self.own = bool(getattr(sock, "shares_port", False))
        self.is_unix = inner.family == socket.AF_UNIX
        inner.setblocking(False)
        address = inner.getsockname()
        if self.is_unix:
            self.server_name, self.server_port = str(address), ""
        else:
            self.server_name, self.server_port = address[0], str(address[1])
            # Inherited by every accepted socket on Linux and the BSDs: saves a call a connection.
            inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def name(self) -> str:
        """What other processes call the same address."""
        return f"{self.server_name} {self.server_port}"
