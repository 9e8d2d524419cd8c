"""What waits for a client of TLS: encrypted when its turn comes, and not before."""

from __future__ import annotations

from gunicorn.engine._leaf import send
from gunicorn.engine.buffers import MOST_AT_ONCE, OutputBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# So much is read and encrypted at once for a client of TLS.
_SEAL_SIZE = 65536


class Sealed:
    """Octets that are encrypted already: nothing may be encrypted and sent before them."""

    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        self.data = data


class SealedOutput(OutputBuffer):
    """An `OutputBuffer` whose first segment may be what was encrypted and not taken; `channel` encrypts the others."""

    __slots__ = ("channel",)

    def __init__(self, bound: int, directory: str | None, channel: Any) -> None:
        super().__init__(bound, directory)
        self.channel = channel

    def add_sealed(self, data: Any) -> None:
        """Queue octets that are encrypted already, before all that are not."""
        segments = self.segments
        if segments and isinstance(segments[0], Sealed):
            segments[0].data = memoryview(b"".join((segments[0].data, data)))
        else:
            segments.appendleft(Sealed(data))

    def sealed_size(self) -> int:
        """Octets that are encrypted already."""
        first = self.segments[0] if self.segments else None
        return len(first.data) if isinstance(first, Sealed) else 0

    def flush(self, fd: int) -> int:
        """As that of the base class, through the channel."""
        total = 0
        segments = self.segments
        while segments and total < MOST_AT_ONCE:
            first = segments[0]
            if not isinstance(first, Sealed):
                first = Sealed(memoryview(self.channel.seal(self.take(_SEAL_SIZE))))
                segments.appendleft(first)
            sent = send(fd, first.data)
            if sent < 0:
                break
            total += sent
            if sent < len(first.data):
                first.data = first.data[sent:]
            else:
                segments.popleft()
        if not segments:
            self.close()
        return total
