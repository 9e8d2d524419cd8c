"""One descriptor: octets go straight to the kernel, and what it does not take waits in a buffer.

A thread that runs a request writes without the engine's `guard` as long as nothing is queued: only that thread can make
`out` non-empty.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys

from gunicorn.unix.unpatched import Socket, select

from ._leaf import push, send, send_file, send_more, send_two
from .buffers import MOST_AT_ONCE, OutputBuffer
from .exchange import ClientDisconnected, Exchange
from .parking import Parked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Octets

# What sendfile(2) says of files that it cannot read from.
_NOT_SENDABLE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
# More octets than this are sent without waiting for others: they are some segments.
MOST_DELAYED = 16384
_TELLS_OF_DATA = sys.platform.startswith("linux")
# linux/tcp.h: tcpi_last_data_recv, milliseconds since octets of content came.
_LAST_DATA = struct.Struct("52xI")
# tcpi_rtt, microseconds.
_ROUND_TRIP = struct.Struct("68xI")


class Transport(Exchange):
    """The descriptor `fd` of one client: what is sent to it, and what the engine tells and asks. `engine` owns it.

    `deadline` is the moment at which `expire` is called, 0.0 for never; `active`: something was asked since the last
    look; `waits_turn`: the engine has it in `again`; `delayed`: what was sent is held back until the end of the turn,
    unless it is all to go `at_once`.
    """

    __slots__ = ("active", "at_once", "deadline", "delayed", "fd", "out", "waits_turn", "watched")

    def begin_transport(self, fd: int) -> None:
        """This part of what `__init__` would do."""
        self.active = False
        self.waits_turn = False
        # -1 when it is closed.
        self.fd = fd
        self.watched = False
        self.delayed = False
        self.at_once = False
        self.deadline = 0.0
        self.out: OutputBuffer | None = None

    # What the engine says.

    def on_event(self, flags: int) -> None:
        """The kernel says that something has changed."""
        raise NotImplementedError

    def process(self) -> None:
        """Serve what has come, as far as it goes now."""
        raise NotImplementedError

    def expire(self) -> None:
        """The deadline has passed."""
        raise NotImplementedError

    def shorten(self, latest: float, lingers: float) -> None:
        """The process is to end: where nothing is asked, something may be until the moment `latest`; where only an end
        is waited for, it is waited for until `lingers`."""
        raise NotImplementedError

    def leave(self) -> bool:
        """Go to the parking place if nothing is asked here; whether that is done."""
        return False

    def resume(self, parked: Parked) -> None:
        """Go on as what was parked, by whichever worker; nothing was read yet."""
        raise NotImplementedError

    def exchanges(self) -> list[Exchange]:
        """The requests that run on it."""
        return [self] if self.is_running() else []

    def abandon(self) -> None:
        """In a child that has inherited this connection: close the copy of the descriptor, without a word to anybody.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close now."""
        raise NotImplementedError

    # What it asks the engine for.

    def take_turn(self) -> None:
        """Go on in the engine's next turn; asking twice gives no second one."""
        if not self.waits_turn:
            self.waits_turn = True
            self.engine.again.append(self)

    def watch(self) -> None:
        """See that the kernel tells us of this connection. One that is served at once never gets so far."""
        if not self.watched and self.fd >= 0:
            self.engine.poller.add(self.fd)
            self.watched = True

    # Sending.

    def send_delayed(self) -> None:
        """The turn is over in which what was sent was held back."""
        self.delayed = False
        if self.fd >= 0:
            push(self.fd)

    def write(self, data: Octets) -> None:
        """Send octets, or queue what the kernel does not take. Raises `ClientDisconnected`."""
        if self.broken:
            raise ClientDisconnected()
        if self.out is not None:
            self._queue(data)
            return
        try:
            sent = self._send(data) if self.engine.holds else send(self.fd, data)
        except OSError:
            raise self._gone() from None
        if sent != len(data):
            self._queue(data if sent <= 0 else memoryview(data)[sent:])

    def _send(self, data: Octets) -> int:
        """As `_leaf.send`, but small answers of one turn may go all at once at its end (`Engine.delay`): to wake a
        client for each costs more than to send it, and an application is quicker with nothing in between."""
        if isinstance(data, bytes) and len(data) <= MOST_DELAYED and not self.at_once and not self.delayed:
            self.delayed = self.engine.delay(self)
            if self.delayed:
                return send_more(self.fd, data)
        # A second piece takes what was held back along: who sends an answer bit by bit may take its time.
        return send(self.fd, data)

    def write_last(self, data: bytes) -> None:
        """As `write`, where nothing but the end of the connection follows, and at once."""
        if self.broken or self.out is not None:
            self.write(data)
            return
        try:
            sent = send_more(self.fd, data)
        except OSError:
            raise self._gone() from None
        if sent != len(data):
            self._queue(data if sent <= 0 else memoryview(data)[sent:])

    def write_two(self, head: bytes, body: Octets) -> None:
        """Send two runs of octets at once; as `write`."""
        if self.broken:
            raise ClientDisconnected()
        if self.out is not None:
            self._queue(head)
            self._queue(body)
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

    def write_file(self, fd: int, offset: int, count: int) -> int:
        """Send a part of a file without reading it; octets sent or queued, fewer than `count` when the file has become
        shorter, -1 when it is none that the kernel can send from, and nothing was sent. Raises `ClientDisconnected`."""
        if self.broken:
            raise ClientDisconnected()
        whole = count
        if self.out is None:
            # What is left of a large file when others are to have their turn is queued, and goes on in the next one.
            while count and whole - count < MOST_AT_ONCE:
                try:
                    sent = send_file(self.fd, fd, offset, min(count, MOST_AT_ONCE))
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
            self._queue_file(fd, offset, count, False)
        return whole

    def read_file(self, fd: int, offset: int, count: int) -> int:
        self.push()
        if self.broken:
            raise ClientDisconnected()
        if count:
            self._queue_file(fd, offset, count, True)
        return count

    def _queue_file(self, fd: int, offset: int, count: int, reads: bool) -> None:
        with self.engine.guard:
            self._output().add_file(fd, offset, count, reads)
            self._flush_queued()

    def _output(self) -> OutputBuffer:
        if self.out is None:
            try:
                self.watch()
            except OSError:
                # Nobody would tell us when the client takes more: what is queued would stay for ever.
                self.broken = True
                raise
            settings = self.engine.settings
            self.out = self.make_output(settings.response_buffer_size, settings.upload_dir)
            self.deadline = self.engine.send_deadline()
        return self.out

    def make_output(self, bound: int, directory: str | None) -> OutputBuffer:
        """What keeps the octets that the client does not take at once."""
        return OutputBuffer(bound, directory)

    def _queue(self, data: Octets) -> None:
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
            self.await_room(sent)
        else:
            self.out = None
            self.deadline = 0.0

    def await_room(self, sent: int) -> None:
        """More is queued, behind what was sent just now: have it sent when there is room, or when others have had their
        turn, where there still is."""
        if sent >= MOST_AT_ONCE:
            self.take_turn()
            # Whoever writes here may do so beside the engine's own turns.
            self.engine.wake()
        else:
            self.engine.poller.arm_write(self.fd)

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
        return False

    def is_greeted(self) -> bool:
        """Whether a handshake is under way, or done, and nothing was asked so far."""
        return False

    def facts(self) -> Any:
        return None

    def seconds_since_data(self) -> float:
        # Not where the other end is on this machine and has no TCP.
        return 0.0 if self.listener.is_unix else since_last_data(self.fd)

    def may_reconnect(self) -> bool:
        engine = self.engine
        if engine.count < 2:
            # It waits behind nobody.
            return False
        if self.listener.is_unix:
            return engine.share.is_worth_closing(0.0)
        microseconds = tcp_info(self.fd, _ROUND_TRIP)
        return microseconds >= 0 and engine.share.is_worth_closing(microseconds / 1e6)

    def fileno(self) -> int:
        return self.fd

    def channel(self) -> Any:
        return None

    def cut_octets(self, data: bytes) -> None:
        """Send these last octets as far as the kernel takes them, and shut our side. The running request keeps the
        descriptor, which it may be using at this very moment; with `broken` set nothing more comes from it."""
        if self.fd < 0:
            return
        try:
            if data and self.out is None:
                send(self.fd, self.last_octets(data))
            shutdown_sending(self.fd)
        except OSError:
            # The client has left first.
            pass

    def last_octets(self, data: bytes) -> bytes:
        """What goes on the wire for content that nothing follows."""
        return data

    def say_farewell(self) -> None:
        """Let the client know that the end is meant, where octets can say so."""


def shutdown_sending(fd: int) -> None:
    """shutdown(2) on a bare descriptor: a socket object that borrows it for the moment."""
    borrowed = Socket(fileno=fd)
    try:
        borrowed.shutdown(socket.SHUT_WR)
    finally:
        borrowed.detach()


def since_last_data(fd: int) -> float:
    """Seconds since the kernel got octets on a TCP connection; 0 when it does not say."""
    return max(tcp_info(fd, _LAST_DATA), 0) / 1000.0


def tcp_info(fd: int, field: struct.Struct) -> int:
    """A field of what the kernel knows of a TCP connection; -1 when it does not say."""
    if not _TELLS_OF_DATA:
        return -1
    # With family and type given, the constructor asks the kernel nothing.
    borrowed = Socket(socket.AF_INET, socket.SOCK_STREAM, 0, fd)
    try:
        raw = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, field.size)
        value: int = field.unpack(raw)[0]
        return value
    except (OSError, struct.error):
        return -1
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
