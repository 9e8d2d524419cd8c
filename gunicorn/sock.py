"""Public names: listening sockets (`unix/sockets.py`)."""

from __future__ import annotations

from gunicorn.unix.sockets import (
    BaseSocket,
    TCP6Socket,
    TCPSocket,
    UnixSocket,
    close_sockets,
    create_sockets,
    ssl_context,
    ssl_wrap_socket,
)

__all__ = [
    "BaseSocket", "TCP6Socket", "TCPSocket", "UnixSocket", "close_sockets", "create_sockets", "ssl_context",
    "ssl_wrap_socket",
]
