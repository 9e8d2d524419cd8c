"""A connection inside TLS: what is read is decrypted, what is written encrypted, and its end is said."""

from __future__ import annotations

from _thread import get_native_id

from gunicorn.engine._leaf import RECEIVE_SIZE, peek, receive, send, send_more
from gunicorn.engine.buffers import OutputBuffer
from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.engine.transport import has_shut
from gunicorn.http.errors import HTTPError, PlainRequest
from gunicorn.tls.output import SealedOutput
from gunicorn.tls.plain import PlainHTTP

from .http1 import Connection
from .http1_ending import READING, RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Octets

# So much of a response is encrypted ahead of what the kernel takes, and more when less than MORE would be left: a small
# rest costs as much to send as all that was before it.
SEALED_AHEAD = 65536
MORE = 16384
# So much that is encrypted may wait for a client before TLS itself says no more: its answers to new keys have no bound.
MOST_SEALED = 262144


class Clear:
    """In the place of a `tls.channel.Channel` where there is to be no TLS: the client is told so in clear."""

    finished = False
    established = False

    def facts(self) -> None:
        """Nothing was settled."""

    def speaks(self) -> bool:
        """TLS has nothing to say."""
        return False

    def take(self) -> bytes:
        """What it has to say."""
        return b""

    def farewell(self) -> bytes:
        """No end is said."""
        return b""

    def seal(self, data: Octets) -> bytes:
        """The octets as they are."""
        return bytes(data)

    def seal_two(self, head: bytes, data: Octets) -> bytes:
        """Both, one behind the other."""
        return head + bytes(data)

    def seal_last(self, data: Octets) -> bytes:
        """The octets as they are."""
        return bytes(data)

    def open(self, data: bytes) -> bytes:
        """The octets as they are."""
        return data


CLEAR = Clear()


class SecureConnection(Connection):
    """HTTP/1 inside TLS; `tls` is a `tls.channel.Channel`."""

    __slots__ = ("settled", "tls")

    tls: Any
    # Whether it is known which protocol ALPN has settled on, or cannot be another one than HTTP/1.
    settled: bool

    # Reading.

    def _read(self) -> bool:
        """Everything that has come is decrypted, so `readable` keeps its meaning."""
        tls = self.tls
        data = b"" if tls.finished else receive(self.fd)
        if data is None:
            self.readable = False
            return True
        if not data:
            if not (tls.finished or tls.terminator.ragged_eofs):
                raise ConnectionResetError("the stream ended without TLS's close_notify")
            self.end_of_stream()
            return False
        if len(data) < RECEIVE_SIZE:
            self.readable = self.hangup
        if self.protocol.awaits_proxy_header():
            data = self._take_proxy_header(data)
            if not data:
                return True
        self._take_sealed(data)
        return True

    def _take_sealed(self, data: bytes) -> None:
        """Hand on what is in it, and let TLS itself say what it has to."""
        tls = self.tls
        content = self._open(data)
        if tls.finished:
            # The next read tells.
            self.readable = True
        if not self.settled and tls.established:
            self.settled = True
            if tls.protocol() == "h2":
                self.opener.negotiated(self)
        if content:
            self.take_in(content)
        elif tls.speaks():
            self._send_sealed(tls.take())

    def _take_proxy_header(self, data: bytes) -> bytes:
        """The PROXY header lies in clear in front of TLS; what is left for TLS."""
        try:
            return self.protocol.take_proxy_header(data)
        except HTTPError:
            # The answer must not wait for a handshake.
            self.tls = CLEAR
            raise

    def _open(self, data: bytes) -> bytes:
        """Decrypt. Raises `OSError` when it cannot be, the client having been told why, and `HTTPError` when there is
        no TLS."""
        tls = self.tls
        try:
            content: bytes = tls.open(data)
        except OSError as error:
            self.broken = True
            tls.terminator.report(self.peer, error)
            if tls.speaks():
                send(self.fd, tls.take())
            raise
        except PlainHTTP:
            self.tls = CLEAR
            raise PlainRequest() from None
        return content

    def _send_sealed(self, data: bytes) -> None:
        """Send octets of TLS itself, before anything that is not encrypted yet. Raises `OSError`."""
        sent = 0
        if self.out is None:
            sent = max(0, send(self.fd, data))
            if sent == len(data):
                return
        with self.engine.guard:
            deadline = self.deadline
            out: SealedOutput = self._output()  # type: ignore[assignment]
            if self.state == READING:
                # Whatever TLS says meanwhile, the request must come in its time.
                self.deadline = deadline
            if out.sealed_size() > MOST_SEALED:
                raise ConnectionResetError("the client makes TLS answer, and reads no answer")
            out.add_sealed(memoryview(data)[sent:])
            self.engine.poller.arm_write(self.fd)

    def _has_ended(self) -> bool:
        engine = self.engine
        if not engine.threaded and get_native_id() != engine.thread:
            # A thread of the application's: what it read here would be missing where the engine reads.
            return has_shut(self.fd)
        with engine.guard:
            return self.state != RUNNING or self._has_said_so()

    def _has_said_so(self) -> bool:
        """What waits in the kernel may be no more than TLS' own farewell: look into it."""
        try:
            while peek(self.fd) > 0:
                content = self._open(receive(self.fd) or b"")
                if content:
                    self.take_in(content)
                    return False
                if self.tls.finished:
                    return True
        except (HTTPError, OSError):
            return True
        return peek(self.fd) < 0

    # Writing.

    def write(self, data: Octets) -> None:
        if self.broken:
            raise ClientDisconnected()
        if self.out is not None:
            self._queue(data)
        else:
            self._seal(b"", data)

    def write_last(self, data: bytes) -> None:
        # TLS' own end goes in the same segment as the last content: by itself it would wake the client once more.
        # More than a stretch is not sealed as a whole.
        long = len(data) > SEALED_AHEAD
        if long or self.broken or self.out is not None or not self.tls.established or self.stream is not None:
            self.write(data)
            return
        try:
            sealed = self.tls.seal_last(data)
            sent = send_more(self.fd, sealed)
        except OSError:
            raise self._gone() from None
        if sent != len(sealed):
            self._queue_sealed(sealed, sent)
            self._flush_queued()

    def write_two(self, head: bytes, body: Octets) -> None:
        if self.broken:
            raise ClientDisconnected()
        if self.out is not None:
            self._queue(head)
            self._queue(body)
        else:
            self._seal(head, body)

    def write_file(self, fd: int, offset: int, count: int) -> int:
        if self.broken:
            raise ClientDisconnected()
        if count:
            self._queue_file(fd, offset, count, False)
        return count

    def _seal(self, head: bytes, data: Octets) -> None:
        """Encrypt and send, a stretch at a time, until the kernel takes no more; queue the rest as it is."""
        engine = self.engine
        if not engine.threaded:
            self._seal_and_send(head, data)
            return
        # Another thread may be reading a streamed body, and OpenSSL's connection is not made for two.
        with engine.guard:
            self._seal_and_send(head, data)

    def _seal_and_send(self, head: bytes, data: Octets) -> None:
        engine = self.engine
        if self.broken or self.fd < 0:
            raise ClientDisconnected()
        tls = self.tls
        length = len(data)
        position = 0
        try:
            stretch = _stretch(data, 0)
            sealed = tls.seal_two(head, stretch) if head else tls.seal(stretch)
            while True:
                position += len(stretch)
                sent = self._send(sealed) if engine.holds else send(self.fd, sealed)
                if sent != len(sealed) or position == length:
                    break
                stretch = _stretch(data, position)
                sealed = tls.seal(stretch)
        except OSError:
            raise self._gone() from None
        if sent == len(sealed):
            return
        self._queue_sealed(sealed, sent)
        if position < length:
            self._queue(memoryview(data)[position:])
        else:
            self._flush_queued()

    def _queue_sealed(self, sealed: bytes, sent: int) -> None:
        """Queue what the kernel has not taken; `sent`: octets that it has, or -1."""
        out: SealedOutput = self._output()  # type: ignore[assignment]
        out.add_sealed(memoryview(sealed)[max(0, sent):])

    def make_output(self, bound: int, directory: str | None) -> OutputBuffer:
        return SealedOutput(bound, directory, self.tls)

    # What the handshake has settled.

    def is_secure(self) -> bool:
        return self.tls is not CLEAR

    def is_greeted(self) -> bool:
        return self.state == READING and self.tls is not CLEAR and self.number == 0 and self.protocol.is_idle()

    def facts(self) -> Any:
        return self.tls.facts()

    def channel(self) -> Any:
        return self.tls

    # The end.

    def last_octets(self, data: bytes) -> bytes:
        octets: bytes = self.tls.seal_last(data)
        return octets

    def say_farewell(self) -> None:
        # What the kernel does not take at once is not waited for.
        if self.broken or self.out is not None or self.fd < 0:
            return
        data = self.tls.farewell()
        if data:
            try:
                send(self.fd, data)
            except OSError:
                self.broken = True

    def abandon(self) -> None:
        Connection.abandon(self)
        self.tls = CLEAR


def _stretch(data: Octets, start: int) -> Octets:
    """As much of `data[start:]` as is encrypted at once."""
    left = len(data) - start
    if left >= SEALED_AHEAD + MORE:
        return memoryview(data)[start:start + SEALED_AHEAD]
    return memoryview(data)[start:] if start else data
