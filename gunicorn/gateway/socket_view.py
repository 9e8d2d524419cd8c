"""`gunicorn.socket`: the connection's socket, for applications that want to look at it or to take it over."""

from __future__ import annotations

import errno
import os
import socket

from gunicorn.engine.exchange import Exchange

from .turn import Turn, turn_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Whoever reads, writes or reconfigures the socket has taken it over; the rest only looks.
_TAKES_OVER = frozenset({
    "close", "detach", "makefile", "recv", "recv_into", "recvfrom", "recvmsg", "send", "sendall", "sendfile",
    "sendmsg", "sendto", "setblocking", "settimeout", "shutdown",
})


class SocketView:
    """Looks like the `socket.socket` of a connection, and becomes one when it is used.

    Taking it over ends HTTP on it: the socket is made blocking, and closed when the application returns.
    """

    __slots__ = ("_duplicate", "_socket", "_turn")

    def __init__(self, exchange: Exchange) -> None:
        self.begin(turn_of(exchange))

    def begin(self, turn: Turn) -> None:
        """What `__init__` does, for an object made by `__new__`, which is a plain allocation when compiled."""
        self._turn = turn
        # A duplicate, and what is used of it: itself or, with TLS, a `SecureSocket` around it.
        self._duplicate: socket.socket | None = None
        self._socket: Any = None

    @property
    def exchange(self) -> Exchange:
        """The connection this is a view of."""
        return self._turn.exchange

    def fileno(self) -> int:
        """Descriptor of the connection; -1 once the request is over."""
        return -1 if self._turn.is_over() else self._turn.exchange.fileno()

    def _real(self) -> Any:
        if self._socket is None:
            exchange = self._turn.exchange
            if self._turn.is_over():
                raise OSError(errno.EBADF, "the request of this socket is over")
            real = socket.socket(fileno=os.dup(exchange.fileno()))
            self._socket = self._duplicate = real
            if exchange.is_secure():
                from .secure_socket import SecureSocket

                self._socket = SecureSocket(real, exchange)
        return self._socket

    def __getattr__(self, name: str) -> Any:
        real = self._real()
        exchange = self._turn.exchange
        if name in _TAKES_OVER and not exchange.taken_over:
            request = exchange.request
            if request is None or self._turn.is_over():
                raise OSError(errno.EBADF, "the request of this socket is over")
            request.force_close()
            if exchange.is_secure():
                real.take_over(exchange)
            exchange.taken_over = True
            # The application may keep the thread as long as it likes.
            exchange.engine.send_delayed()
            real.setblocking(True)
        return getattr(real, name)

    def __del__(self) -> None:
        # The duplicate goes with whoever looked at it; the TLS, if any, is still the connection's. Nothing else is
        # asked of it: gevent's sockets that are closed raise then.
        if self._duplicate is not None:
            self._duplicate.close()
