"""`wsgi.input` for a body that is read while it arrives (`buffer_request_body` off)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..engine.buffers import BodyStream
from ..engine.connection import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class EmptyInput:
    """The input of a request without body: always at its end. It has no state, so one serves all requests."""

    def read(self, size: int | None = -1) -> bytes:
        """Nothing."""
        return b""

    readline = read

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """No lines."""
        return []

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """There is nothing to close."""


class StreamInput:
    """Reads a body stream; waits for the client when nothing has come. EOF is the end of the body (input_terminated).

    `wait(connection)` returns when the stream may have changed. A body that breaks off raises `OSError`, so that an
    upload cut short cannot be taken for a whole one.
    """

    def __init__(self, connection: Connection, stream: BodyStream, wait: Callable[[Connection], None]) -> None:
        self._connection = connection
        self._stream = stream
        self._wait = wait
        self._buffer = b""

    def _more(self) -> bool:
        """Get some octets into the buffer; False at the end of the body."""
        stream = self._stream
        while not stream.pieces:
            if stream.complete:
                return False
            if stream.failed:
                raise OSError("the request body is not complete, and no more of it will come")
            self._connection.send_continue()
            self._wait(self._connection)
        self._buffer += stream.take()
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` octets, all of the rest when it is None or negative."""
        wanted = -1 if size is None else size
        while wanted < 0 or len(self._buffer) < wanted:
            if not self._more():
                break
        return self._cut(len(self._buffer) if wanted < 0 else wanted)

    def readline(self, size: int | None = -1) -> bytes:
        """A line with its end, at most `size` octets of it."""
        bound = -1 if size is None else size
        start = 0
        while True:
            found = self._buffer.find(b"\n", start)
            if found >= 0 or 0 <= bound <= len(self._buffer):
                break
            start = len(self._buffer)
            if not self._more():
                break
        stop = found + 1 if found >= 0 else len(self._buffer)
        return self._cut(min(stop, bound) if bound >= 0 else stop)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """All lines; after about `hint` octets no more are begun."""
        lines, size = [], 0
        while line := self.readline():
            lines.append(line)
            size += len(line)
            if hint and size >= hint:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _cut(self, size: int) -> bytes:
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data
