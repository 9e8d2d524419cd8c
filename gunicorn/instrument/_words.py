"""Memory as words, each an integer or a double, which several processes see: the twin of the native leaf."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["Words"]


class Words:
    """The words of `memory`, as long as this lives."""

    __slots__ = ("_floats", "_octets", "_words")

    def __init__(self, memory: mmap | memoryview | bytearray) -> None:
        octets = memoryview(memory)
        if octets.readonly:
            raise BufferError("a memory that can be written to is needed")
        self._octets = octets[: len(octets) - len(octets) % 8]
        self._words = self._octets.cast("q")
        self._floats = self._octets.cast("d")

    def _check(self, at: int, number: int = 0) -> None:
        for each in (at, number):
            if not -(2**63) <= each < 2**63:
                raise OverflowError("the number has no room in a word")
        if not 0 <= at < len(self._words):
            raise IndexError("there is no such word")

    def add(self, at: int, amount: int) -> None:
        """Count so much more."""
        self._check(at, amount)
        # As it wraps: a counter is no reason to end.
        self._words[at] = (self._words[at] + amount + 2**63) % 2**64 - 2**63

    def put(self, at: int, number: int) -> None:
        """Store an integer."""
        self._check(at, number)
        self._words[at] = number

    def put_real(self, at: int, number: float) -> None:
        """Store a double."""
        self._check(at)
        self._floats[at] = number

    def put_octets(self, at: int, octets: bytes, room: int) -> None:
        """Store how many octets there are, and them behind that, `room` at the most."""
        if type(octets) is not bytes:
            raise TypeError("octets are needed")
        self._check(at, room)
        size = min(len(octets), max(room, 0))
        begin = at * 8 + 8
        if size > len(self._octets) - begin:
            raise IndexError("there is no room for so many")
        self._octets[begin : begin + size] = octets[:size]
        self._words[at] = size
