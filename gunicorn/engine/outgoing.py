"""The sending half of a connection: octets go straight to the kernel, and what it does not take waits in a buffer.

A thread that runs a request writes without the engine's `guard` as long as nothing is queued: only that thread can make
`out` non-empty.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys

from gunicorn.unix.unpatched import Socket, select

from ._leaf import send, send_file, send_last, send_two
from .buffers import OutputBuffer
from .exchange import ClientDisconnected, Exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What sendfile(2) says of files that it cannot read from.
_NOT_SENDABLE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_TELLS_OF_DATA = sys.platform.startswith("linux")
# linux/tcp.h: tcpi_last_data_recv, milliseconds since octets of content came.
_LAST_DATA = struct.Struct("52xI")
# So much of a response is encrypted ahead of what the kernel takes.
SEALED_AHEAD = 65536


class Outgoing(Exchange):
    """What is sent to one client, on the descriptor `fd`, inside `tls` if there is any. `engine` owns it."""

    __slots__ = ("deadline", "fd", "out", "tls", "watched")

    def begin_sending(self, fd: int) -> None:
        """This half of `Connection.begin`."""
        # -1 when it is closed.
        self.fd = fd
        self.watched = False
        self.deadline = 0.0
        self.out: OutputBuffer | None = None
        # A `tls.Channel`, or None on a plain connection.
        self.tls: Any = None

    def watch(self) -> None:
        """See that the kernel tells us of this connection. One that is served at once never gets so far."""
        if not self.watched and self.fd >= 0:
            self.engine.poller.add(self.fd)
            self.watched = True

    def write(self, data: Any) -> None:
        """Send octets, or queue what the kernel does not take. Raises `ClientDisconnected`."""
        if self.broken:
            raise ClientDisconnected()
        if self.out is not None:
            self._queue(data)
            return
        if self.tls is not None:
            self._write_secure(b"", data)
            return
        try:
            sent = send(self.fd, data)
        except OSError:
            raise self._gone() from None
        if sent != len(data):
            self._queue(data if sent <= 0 else memoryview(data)[sent:])

    def write_last(self, data: bytes) -> None:
        """As `write`, where nothing but the end of the connection follows, and at once."""
        if self.broken or self.out is not None or self.tls is not None:
            self.write(data)
            return
        try:
            sent = send_last(self.fd, data)
        except OSError:
            raise self._gone() from None
        if sent != len(data):
            self._queue(data if sent <= 0 else memoryview(data)[sent:])

    def write_two(self, head: bytes, body: Any) -> None:
        """Send two runs of octets at once; as `write`."""
        if self.broken:
            raise ClientDisconnected()
        if self.out is not None:
            self._queue(head)
            self._queue(body)
            return
        if self.tls is not None:
            self._write_secure(head, body)
            return
        try:
            sent = send_two(self.fd, head, body)
        except OSError:
            raise self._gone() from None
        if sent < len(head):
            self._queue(head if sent <= 0 else memoryview(head)[sent:])
            self._queue(body)
        elif sent < len(head) + len(body):
            self._queue(memoryview(body)[sent - len(head):])

    def _write_secure(self, head: bytes, data: Any) -> None:
        """Encrypt and send, a stretch at a time, until the kernel takes no more; queue the rest as it is."""
        engine = self.engine
        if not engine.threaded:
            self._seal_and_send(head, data)
            return
        # Another thread may be reading a streamed body, and OpenSSL's connection is not made for two.
        with engine.guard:
            self._seal_and_send(head, data)

    def _seal_and_send(self, head: bytes, data: Any) -> None:
        if self.broken or self.fd < 0:
            raise ClientDisconnected()
        tls = self.tls
        length = len(data)
        position = 0
        stretch = data if length <= SEALED_AHEAD else memoryview(data)[:SEALED_AHEAD]
        try:
            sealed = tls.seal_two(head, stretch) if head else tls.seal(stretch)
            while True:
                position += len(stretch)
                sent = send(self.fd, sealed)
                if sent != len(sealed) or position == length:
                    break
                stretch = memoryview(data)[position:position + SEALED_AHEAD]
                sealed = tls.seal(stretch)
        except OSError:
            raise self._gone() from None
        if sent == len(sealed):
            return
        self._output().add_sealed(memoryview(sealed)[max(0, sent):])
        if position < length:
            self._queue(memoryview(data)[position:])
        else:
            self._flush_queued()

    def write_file(self, fd: int, offset: int, count: int) -> int:
        """Send a part of a file without reading it; octets sent or queued, fewer than `count` when the file has become
        shorter, -1 when it is none that the kernel can send from, and nothing was sent. Raises `ClientDisconnected`."""
        if self.broken:
            raise ClientDisconnected()
        whole = count
        if self.out is None and self.tls is None:
            while count:
                try:
                    sent = send_file(self.fd, fd, offset, min(count, 1 << 30))
                except OSError as error:
                    if count == whole and error.errno in _NOT_SENDABLE:
                        return -1
                    raise self._gone() from None
                if sent < 0:
                    break
                if sent == 0:
                    return whole - count
                offset += sent
                count -= sent
        if count:
            with self.engine.guard:
                self._output().add_file(fd, offset, count)
                self._flush_queued()
        return whole

    def _output(self) -> OutputBuffer:
        if self.out is None:
            try:
                self.watch()
            except OSError:
                # Nobody would tell us when the client takes more: what is queued would stay for ever.
                self.broken = True
                raise
            settings = self.engine.settings
            self.out = OutputBuffer(settings.response_buffer_size, settings.upload_dir, self.tls)
            self.deadline = self.engine.send_deadline()
        return self.out

    def _queue(self, data: Any) -> None:
        if self.broken or self.fd < 0:
            raise ClientDisconnected()
        with self.engine.guard:
            self._output().add(data)
            self._flush_queued()

    def _flush_queued(self) -> None:
        """Try once more after queueing: the edge that told of room may have passed while nothing was queued.

        What is queued gives the client no more time, only what it takes does.
        """
        out = self.out
        if out is None:
            return
        try:
            sent = out.flush(self.fd)
        except OSError:
            raise self._gone() from None
        if out.segments:
            if sent:
                self.deadline = self.engine.send_deadline()
            self.engine.poller.arm_write(self.fd)
        else:
            self.out = None
            self.deadline = 0.0

    def _gone(self) -> ClientDisconnected:
        self.broken = True
        return ClientDisconnected()

    def has_left(self) -> bool:
        """Whether the client has shut its side, or reset the connection, as far as one can tell without reading."""
        return self.broken or self.fd < 0 or has_shut(self.fd)

    def queued(self) -> int:
        out = self.out
        return 0 if out is None else out.size + out.spilled

    def is_flushed(self) -> bool:
        return self.out is None

    def must_wait(self) -> bool:
        return self.out is not None and self.out.full()

    def is_secure(self) -> bool:
        return self.tls is not None

    def facts(self) -> Any:
        return None if self.tls is None else self.tls.facts()

    def seconds_since_data(self) -> float:
        # Not where the other end is on this machine and has no TCP.
        return 0.0 if self.listener.is_unix else since_last_data(self.fd)

    def fileno(self) -> int:
        return self.fd

    def channel(self) -> Any:
        return self.tls

    def cut(self, data: bytes) -> None:
        """Send these last octets as far as the kernel takes them, and shut our side. The running request keeps the
        descriptor, which it may be using at this very moment; with `broken` set nothing more comes from it."""
        if self.fd < 0:
            return
        try:
            if data and self.out is None:
                send(self.fd, data if self.tls is None else self.tls.seal(data) + self.tls.farewell())
            shutdown_sending(self.fd)
        except OSError:
            # The client has left first.
            pass

    def _say_farewell(self) -> None:
        """Let the client know that the end is meant. What the kernel does not take at once is not waited for."""
        if self.broken or self.out is not None or self.fd < 0:
            return
        data = self.tls.farewell()
        if data:
            try:
                send(self.fd, data)
            except OSError:
                self.broken = True


def shutdown_sending(fd: int) -> None:
    """shutdown(2) on a bare descriptor: a socket object that borrows it for the moment."""
    borrowed = Socket(fileno=fd)
    try:
        borrowed.shutdown(socket.SHUT_WR)
    finally:
        borrowed.detach()


def since_last_data(fd: int) -> float:
    """Seconds since the kernel got octets on a TCP connection; 0 when it does not say."""
    if not _TELLS_OF_DATA:
        return 0.0
    # With family and type given, the constructor asks the kernel nothing.
    borrowed = Socket(socket.AF_INET, socket.SOCK_STREAM, 0, fd)
    try:
        raw = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.size)
        milliseconds: int = _LAST_DATA.unpack(raw)[0]
        return milliseconds / 1000.0
    except (OSError, struct.error):
        return 0.0
    finally:
        borrowed.detach()


def has_shut(fd: int) -> bool:
    """Whether the peer has shut its side, or reset the connection, as far as one can tell without reading."""
    looker = select.poll()
    # Linux alone knows of the half of a connection; elsewhere a reset is seen.
    looker.register(fd, getattr(select, "POLLRDHUP", 0))
    return bool(looker.poll(0))


def reset_when_closed(fd: int) -> None:
    """Have close(2) send a reset (SO_LINGER of zero seconds)."""
    borrowed = Socket(fileno=fd)
    try:
        borrowed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        # The client has reset it first.
        pass
    finally:
        borrowed.detach()
