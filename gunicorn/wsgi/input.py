"""`wsgi.input` for a body that is read while it arrives (`buffer_request_body` off)."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from gunicorn.engine.buffers import BodyStream
from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.http.errors import BodyBrokenOff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Self


class EmptyInput:
    """The input of a request without body: always at its end. It has no state, so one serves all requests."""

    __slots__ = ()

    def read(self, size: int | None = -1) -> bytes:
        """Nothing."""
        return b""

    readline = read

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """No lines."""
        return []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        raise StopIteration

    def close(self) -> None:
        """There is nothing to close."""


class StreamInput:
    """Reads a body stream; waits for the client when nothing has come. EOF is the end of the body (input_terminated).

    `wait(connection)` returns when the stream may have changed; whoever feeds the stream holds `guard`. A body that
    breaks off raises `BodyBrokenOff`, an `OSError`, so that an upload cut short cannot be taken for a whole one.

    What has come is kept as it came, with a position in it, and looked at once, however it is read.
    """

    __slots__ = ("_buffer", "_exchange", "_guard", "_position", "_stream", "_wait")

    def __init__(
        self,
        exchange: Exchange,
        stream: BodyStream,
        wait: Callable[[Exchange], None],
        guard: AbstractContextManager[object],
    ) -> None:
        self._exchange = exchange
        self._stream = stream
        self._wait = wait
        self._guard = guard
        self._buffer = b""
        self._position = 0

    def _more(self) -> bool:
        """Get octets in the place of those that are used up; False at the end of the body."""
        stream = self._stream
        while True:
            # The engine may be feeding the stream from another thread: what is here is looked at and taken in one go.
            with self._guard:
                if stream.pieces:
                    self._buffer = stream.take()
                    self._position = 0
                    return True
                if stream.complete:
                    return False
                if stream.failed:
                    raise BodyBrokenOff()
            try:
                self._exchange.send_continue()
            except ClientDisconnected:
                raise BodyBrokenOff() from None
            self._wait(self._exchange)

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` octets, all of the rest when it is None or negative."""
        return self._gather(-1 if size is None else size, False)

    def readline(self, size: int | None = -1) -> bytes:
        """A line with its end, at most `size` octets of it."""
        return self._gather(-1 if size is None else size, True)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """All lines; after about `hint` octets, if that is more than none, no more are begun."""
        lines, size = [], 0
        while line := self.readline():
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def _gather(self, bound: int, line: bool) -> bytes:
        """Up to `bound` octets (negative: any number), with `line` no further than to the end of one."""
        piece = self._cut(bound, line)
        if len(piece) == bound or (line and piece.endswith(b"\n")):
            return piece
        # Grows without being copied each time, and gives away what it has grown to.
        whole = BytesIO()
        whole.write(piece)
        while self._more():
            piece = self._cut(bound - whole.tell() if bound >= 0 else -1, line)
            whole.write(piece)
            if whole.tell() == bound or (line and piece.endswith(b"\n")):
                break
        return whole.getvalue()

    def _cut(self, bound: int, line: bool) -> bytes:
        """As `_gather`, of what is here."""
        buffer, start = self._buffer, self._position
        stop = len(buffer) if bound < 0 else min(len(buffer), start + bound)
        if line:
            found = buffer.find(b"\n", start, stop)
            if found >= 0:
                stop = found + 1
        if stop < len(buffer):
            self._position = stop
            return buffer[start:stop]
        # Used up: let go of it.
        self._buffer = b""
        self._position = 0
        return buffer[start:]
