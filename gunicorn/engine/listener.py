"""A listening socket as the engine sees it."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# So many connections at most are not looked at when they are accepted, after others whose requests came later.
MOST_UNLOOKED = 31


class Listener:
    """`sock` with what every connection of it shares: our own address, as a gateway reports it.

    `terminator` is the TLS of its connections (a `tls_context.Terminator`, None for plain ones); `redirect` the port
    that requests are sent to by HTTPS, 0 when they are served; `own`: no other process accepts from this socket.
    """

    __slots__ = (
        "fd", "is_unix", "own", "redirect", "server_name", "server_port", "sock", "terminator", "unlooked",
        "unlooked_next", "watched",
    )

    def __init__(self, sock: Any) -> None:
        inner = getattr(sock, "sock", sock)
        self.sock: socket.socket = inner
        self.fd: int = inner.fileno()
        self.watched = False
        self.terminator: Any = None
        self.redirect = 0
        # Connections that are not looked at from now on, and from the next one on whose request comes later.
        self.unlooked = 0
        self.unlooked_next = 1
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

    def looks(self) -> bool:
        """Whether to look for a request as soon as its connection is accepted. A look in vain costs a system call, so
        where requests come a moment later, as they do from clients that are nearer than we are quick, it is done only
        now and then."""
        if self.unlooked:
            self.unlooked -= 1
            return False
        return True

    def looked(self, found: bool) -> None:
        """Somebody has; whether the request was there."""
        self.unlooked = 0 if found else self.unlooked_next
        self.unlooked_next = 1 if found else min(2 * self.unlooked_next + 1, MOST_UNLOOKED)

    @property
    def name(self) -> str:
        """What other processes call the same address."""
        return f"{self.server_name} {self.server_port}"
