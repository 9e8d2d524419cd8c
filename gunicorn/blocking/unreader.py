"""Octets of a peer, with a way to put some of them back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

__all__ = ["IterUnreader", "SocketUnreader", "Unreader"]

CHUNK_SIZE = 8192


def gather(held: bytes, size: int, more: Callable[[], bytes]) -> tuple[bytes, bytes]:
    """`size` octets, of those that are held and of what `more` gives, fewer where it gives none; and what is left."""
    pieces, have = [held], len(held)
    while have < size:
        piece = more()
        if not piece:
            break
        pieces.append(piece)
        have += len(piece)
    whole = b"".join(pieces)
    return whole[:size], whole[size:]


class Unreader:
    """Base of the sources. A subclass writes `chunk`, which returns octets as they come, none at the end."""

    # Moment of `time.monotonic()` until which octets may come, whatever the socket's own patience; None for none.
    deadline: float | None = None

    def __init__(self) -> None:
        self._held = b""

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next octets, about `size_hint` of them if that is given; b"" at the end."""
        raise NotImplementedError

    def read(self, size: int | None = None, read_ahead: int | None = None) -> bytes:
        """`size` octets, fewer at the end only; with None or a negative number whatever is there, or comes next.

        `read_ahead`: how much may be asked of the source at once. Raises TypeError for a size that is no integer.
        """
        if size is not None and not isinstance(size, int):
            raise TypeError(f"{size!r} is not a number of octets")
        if size == 0:
            return b""
        if size is None or size < 0:
            return self.take_buffered() or self.chunk()
        found, self._held = gather(self._held, size, lambda: self.chunk(read_ahead))
        return found

    def unread(self, data: bytes) -> None:
        """Put octets back: they are the next ones to be read."""
        self._held = bytes(data) + self._held

    def is_pending(self) -> bool:
        """Whether octets are held that nobody has read."""
        return bool(self._held)

    def take_buffered(self) -> bytes:
        """What was put back or read ahead, taken out."""
        held, self._held = self._held, b""
        return held


class SocketUnreader(Unreader):
    """Reads a socket, at most `max_chunk` octets at once."""

    def __init__(self, sock: socket, max_chunk: int = CHUNK_SIZE) -> None:
        super().__init__()
        self.sock = sock
        self.mxchunk = max_chunk

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Raises TimeoutError behind the deadline, however often the peer sends, and what the socket raises."""
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the peer did not send in time")
            patience = self.sock.gettimeout()
            self.sock.settimeout(left if patience is None else min(patience, left))
        return bytes(self.sock.recv(self.mxchunk))


class IterUnreader(Unreader):
    """Takes what an iterable gives."""

    def __init__(self, iterable: Iterable[bytes]) -> None:
        super().__init__()
        self.iter: Iterator[bytes] | None = iter(iterable)

    def chunk(self, size_hint: int | None = None) -> bytes:
        if self.iter is None:
            return b""
        try:
            return bytes(next(self.iter))
        except StopIteration:
            self.iter = None
            return b""
