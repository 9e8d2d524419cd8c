"""`gunicorn.socket` of a connection with TLS: what `ssl.SSLSocket` offers, on top of the connection's own channel."""

from __future__ import annotations

import io
import socket
import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Octets
    from gunicorn.engine.exchange import Exchange

RECEIVE_SIZE = 65536
_OF_TLS = frozenset({
    "cipher", "compression", "context", "get_channel_binding", "get_unverified_chain", "get_verified_chain",
    "getpeercert", "selected_alpn_protocol", "server_hostname", "server_side", "session", "session_reused",
    "shared_ciphers", "version",
})


class SecureSocket:
    """Reads and writes what is inside TLS. `real` is a socket of our own on the connection's descriptor.

    What is not about content is asked of the TLS or of the socket. Timeouts are those of the socket.
    """

    def __init__(self, real: socket.socket, exchange: Exchange) -> None:
        self.real = self._real = real
        self._channel = exchange.channel()
        self._content: bytes = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel.tls if name in _OF_TLS else self._real, name)

    def take_over(self, exchange: Exchange) -> None:
        """The application speaks for itself from now on; the client may have gone on right behind its request."""
        self._content += exchange.unread()

    def pending(self) -> int:
        """Octets of content that can be had without waiting."""
        return len(self._content)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As `socket.recv`; `b""` when the client has said farewell, or left without."""
        _no_flags(flags)
        channel = self._channel
        while not self._content and not channel.finished:
            data = self._real.recv(RECEIVE_SIZE)
            if not data:
                return b""
            self._content = channel.open(data)
            if channel.speaks():
                self._real.sendall(channel.take())
        content, self._content = self._content[:size], self._content[size:]
        return content

    read = recv

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0, flags: int = 0) -> int:
        """As `socket.recv_into`."""
        with memoryview(buffer).cast("B") as view:
            content = self.recv(min(size or len(view), len(view)), flags)
            view[:len(content)] = content
        return len(content)

    def send(self, data: Octets, flags: int = 0) -> int:
        """Send all of `data`, since a part of a record cannot be sent; its length."""
        _no_flags(flags)
        with memoryview(data).cast("B") as view:
            for start in range(0, len(view), RECEIVE_SIZE):
                self._real.sendall(self._channel.seal(view[start:start + RECEIVE_SIZE]))
            return len(view)

    write = send

    def sendall(self, data: Octets, flags: int = 0) -> None:
        """As `socket.sendall`."""
        self.send(data, flags)

    def shutdown(self, how: int) -> None:
        """As `socket.shutdown`, with TLS' own farewell before the end of our side."""
        if how != socket.SHUT_RD:
            self._farewell()
        self._real.shutdown(how)

    def unwrap(self) -> socket.socket:
        """Say farewell; the plain socket."""
        self._farewell()
        return self._real

    def _farewell(self) -> None:
        if data := self._channel.farewell():
            self._real.sendall(data)

    def makefile(self, mode: str = "r", buffering: int | None = None, **text: Any) -> Any:
        """As `socket.makefile`."""
        raw = _Raw(self, mode)
        if buffering == 0:
            return raw
        size = buffering if buffering and buffering > 0 else io.DEFAULT_BUFFER_SIZE
        if raw.readable() and raw.writable():
            buffered: Any = io.BufferedRWPair(raw, raw, size)
        else:
            buffered = io.BufferedReader(raw, size) if raw.readable() else io.BufferedWriter(raw, size)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, **text)

    def close(self) -> None:
        """Say farewell, and close this copy of the socket."""
        if self._real.fileno() >= 0:
            try:
                self._farewell()
            except OSError:
                pass
            self._real.close()


class _Raw(io.RawIOBase):
    """The stream that `makefile` buffers."""

    def __init__(self, secure: SecureSocket, mode: str) -> None:
        self._secure = secure
        self._mode = mode

    def readable(self) -> bool:
        return "r" in self._mode or "w" not in self._mode

    def writable(self) -> bool:
        return "w" in self._mode

    def readinto(self, buffer: Any) -> int:
        return self._secure.recv_into(buffer)

    def write(self, data: Any) -> int:
        return self._secure.send(data)


def _no_flags(flags: int) -> None:
    if flags:
        raise ssl.SSLError("flags cannot be used with TLS")
