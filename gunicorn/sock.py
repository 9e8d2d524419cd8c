"""Public names: listening sockets (`unix/sockets.py`, `unix/listening.py`), and TLS around one (`tls/wrapping.py`)."""

from __future__ import annotations

from gunicorn.tls.wrapping import ssl_context, ssl_wrap_socket
from gunicorn.unix.listening import close_sockets, create_sockets
from gunicorn.unix.sockets import BaseSocket, TCP6Socket, TCPSocket, UnixSocket

__all__ = [
    "BaseSocket", "TCP6Socket", "TCPSocket", "UnixSocket", "close_sockets", "create_sockets", "ssl_context",
    "ssl_wrap_socket",
]
