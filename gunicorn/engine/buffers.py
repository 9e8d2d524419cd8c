"""What has come and was not served yet, and what was answered and not taken yet."""

from __future__ import annotations

import os
from collections import deque
from io import BytesIO

from gunicorn._standard import standard_first
from gunicorn.http.errors import HTTPError, InsufficientStorage

from ._leaf import Place, send, send_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

    from gunicorn._types import Octets

# A response spills to a file this many times its memory bound before the application has to wait for the client.
SPILL_FACTOR = 64
# Pieces so small are put together: each alone would cost far more than its octets.
JOINED = 4096
# A body of more pieces than that is read no further before some are taken.
MOST_PIECES = 1024
# A file is read in pieces of this size where the kernel does not send from it.
READ_SIZE = 65536
# A client that takes all at once, as on this machine, gets so much before others have their turn.
MOST_AT_ONCE = 1 << 22

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(MOST_AT_ONCE=MOST_AT_ONCE, READ_SIZE=READ_SIZE)


def open_temporary(directory: str | None) -> IO[bytes]:
    """A file without a name, gone when it is closed. Raises `OSError`."""
    with standard_first():
        import tempfile  # not before the first large body: it costs several milliseconds of start-up

    return tempfile.TemporaryFile(prefix="gunicorn-", dir=directory)


class BodyStore:
    """Gathers a request body: in memory up to a bound, in a file beyond it.

    `reserved` is the place of a body whose length is known and within the bound.
    """

    __slots__ = ("bound", "directory", "file", "reserved", "size", "spilled")

    def __init__(self, bound: int, directory: str | None) -> None:
        self.bound = bound
        self.directory = directory
        self.size = 0
        self.file: Any = None
        self.reserved: Place | None = None
        self.spilled = False

    def reserve(self, length: int) -> None:
        """Make the place for a body of this length, if it is to stay in memory."""
        if length <= self.bound:
            self.reserved = Place(length)

    def write(self, data: bytes) -> None:
        """Keep octets of the body. Raises `InsufficientStorage` when the file cannot take them."""
        if self.reserved is not None:
            self.reserved.put(data)
            self.size += len(data)
            return
        try:
            self._add(data)
        except OSError as error:
            # The client need not know where we keep things: the log tells the cause.
            raise InsufficientStorage() from error

    def _add(self, data: bytes) -> None:
        self.size += len(data)
        if self.file is None:
            self.file = BytesIO(data) if self.size <= self.bound else self._spill(b"")
            if not self.spilled:
                self.file.seek(0, 2)
                return
        elif not self.spilled and self.size > self.bound:
            self.file = self._spill(self.file.getvalue())
        self.file.write(data)

    def _spill(self, before: bytes) -> IO[bytes]:
        self.spilled = True
        file = open_temporary(self.directory)
        if before:
            file.write(before)
        return file

    def open(self) -> IO[bytes]:
        """The whole body, to be read from its beginning. Raises `InsufficientStorage`."""
        if self.reserved is not None:
            return BytesIO(self.reserved.take())
        if self.file is None:
            return BytesIO()
        try:
            self.file.seek(0)
        except OSError as error:
            # What was gathered for the file had no place in it.
            raise InsufficientStorage() from error
        file: IO[bytes] = self.file
        return file

    def close(self) -> None:
        """Let go of the memory or the file."""
        self.reserved = None
        file, self.file = self.file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                # A full disk refuses what is still to be written, once more.
                pass


class Spill:
    """A file of our own for what exceeds the bounds of buffers: of one, or of all that share a connection, so that many
    streams of it take few descriptors. It is closed when its last user lets go of it."""

    __slots__ = ("_file", "_users", "end", "fd")

    def __init__(self, directory: str | None) -> None:
        """Raises `OSError`."""
        self._file = open_temporary(directory)
        self._users = 0
        self.fd = self._file.fileno()
        # Where the next octets go.
        self.end = 0

    def take(self) -> None:
        """One more user."""
        self._users += 1

    def let_go(self) -> None:
        """One fewer."""
        self._users -= 1
        if not self._users and self.fd >= 0:
            self.fd = -1
            self._file.close()

    def write(self, data: Octets) -> None:
        """Put octets at the end. Raises `OSError`."""
        position, rest = self.end, memoryview(data)
        while rest:
            written = os.pwrite(self.fd, rest, position)
            position += written
            rest = rest[written:]
        self.end = position


class FileSegment:
    """A part of a file to be sent; has its own descriptor, so the application may close the file, or is a part of
    `spill`. `reads`: it is read, since the kernel cannot, or is not to, send from it."""

    __slots__ = ("count", "fd", "offset", "reads", "spill")

    def __init__(self, fd: int, offset: int, count: int, spill: Spill | None = None, reads: bool = False) -> None:
        self.spill = spill
        self.reads = reads
        if spill is None:
            self.fd = os.dup(fd)
        else:
            self.fd = fd
            spill.take()
        self.offset = offset
        self.count = count

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd < 0:
            return
        if self.spill is None:
            os.close(fd)
        else:
            self.spill.let_go()


def _send_from(fd: int, segment: FileSegment) -> int:
    """Send the next octets of a file; how many, -1 where the kernel takes none now. Raises `OSError`, also where the
    file has become shorter."""
    if segment.reads:
        data = os.pread(segment.fd, min(segment.count, READ_SIZE), segment.offset)
        sent = send(fd, data) if data else 0
    else:
        sent = send_file(fd, segment.fd, segment.offset, min(segment.count, MOST_AT_ONCE))
    if sent == 0:
        raise OSError("the file became shorter while it was sent")
    return sent


class OutputBuffer:
    """Octets on their way to a client slower than the application.

    Order is kept over three kinds of segments: memory, files of the application (sendfile), and one file of our own
    that takes what exceeds `bound`. `size` counts what is in memory, `spilled` what is in our file.

    Where no file can be made or filled (a read-only root, a full disk) everything stays in memory, and the application
    has to wait earlier.
    """

    __slots__ = ("bound", "directory", "no_file", "segments", "size", "spill", "spilled")

    def __init__(self, bound: int, directory: str | None) -> None:
        self.bound = bound
        self.directory = directory
        self.segments: deque[Any] = deque()
        self.size = 0
        self.spilled = 0
        self.spill: Spill | None = None
        self.no_file = False

    def add(self, data: Octets) -> None:
        """Queue octets. One object is kept as it is, however large: it is in memory already."""
        length = len(data)
        if not length:
            # A segment of a file without an octet would look like a file that became shorter.
            return
        if self.size and self.size + length > self.bound and not self.no_file:
            try:
                self._spill(data, length)
                return
            except OSError:
                self.no_file = True
        segments = self.segments
        self.size += length
        if length < JOINED and segments:
            place = len(segments) - 1
            last = segments[place]
            if isinstance(last, memoryview) and len(last) + length <= JOINED:
                segments[place] = memoryview(b"".join((last, data)))
                return
        segments.append(memoryview(data))

    def _spill(self, data: Octets, length: int) -> None:
        spill = self.place()
        start = spill.end
        spill.write(data)
        last = self.segments[len(self.segments) - 1] if self.segments else None
        if isinstance(last, FileSegment) and last.spill is spill and last.offset + last.count == start:
            last.count += length
        else:
            self.segments.append(FileSegment(spill.fd, start, length, spill))
        self.spilled += length

    def place(self) -> Spill:
        """The file for what is spilled. Raises `OSError`."""
        if self.spill is None:
            self.spill = Spill(self.directory)
            self.spill.take()
        return self.spill

    def add_file(self, fd: int, offset: int, count: int, reads: bool = False) -> None:
        """Queue a part of a file; `reads`: without sendfile(2)."""
        self.segments.append(FileSegment(fd, offset, count, None, reads))

    def full(self) -> bool:
        """Whether the application should wait before it adds more."""
        return self.size + self.spilled > self.bound * (1 if self.no_file else SPILL_FACTOR)

    def flush(self, fd: int) -> int:
        """Send what the kernel takes, about MOST_AT_ONCE octets at most; octets sent. Everything is sent when
        `segments` is empty. Raises `OSError`."""
        total = 0
        while self.segments and total < MOST_AT_ONCE:
            sent = self._send_first(fd)
            if sent < 0:
                break
            total += sent
        if not self.segments:
            self.close()
        return total

    def _send_first(self, fd: int) -> int:
        """Send what the kernel takes of the first segment; octets sent, -1 where it takes none now. Raises `OSError`.
        """
        segments = self.segments
        first = segments[0]
        if isinstance(first, FileSegment):
            sent = _send_from(fd, first)
            if sent > 0:
                first.offset += sent
                first.count -= sent
                if first.count == 0:
                    first.close()
                    segments.popleft()
            return sent
        sent = send(fd, first)
        if sent >= 0:
            self.size -= sent
            if sent == len(first):
                segments.popleft()
            else:
                segments[0] = first[sent:]
        return sent

    def take(self, most: int) -> bytes:
        """The next octets, at most so many, taken out. Raises `OSError` where a file has become shorter."""
        segments = self.segments
        if not segments or most <= 0:
            return b""
        first = segments[0]
        if isinstance(first, FileSegment):
            data = os.pread(first.fd, min(first.count, most), first.offset)
            if not data:
                raise OSError("the file became shorter while it was sent")
            first.offset += len(data)
            first.count -= len(data)
            if first.count == 0:
                first.close()
                segments.popleft()
            return data
        stretch = first[:most]
        self.size -= len(stretch)
        if len(stretch) == len(first):
            segments.popleft()
        else:
            segments[0] = first[len(stretch):]
        return bytes(stretch)

    def close(self) -> None:
        """Forget what is queued."""
        for segment in self.segments:
            if isinstance(segment, FileSegment):
                segment.close()
        self.segments.clear()
        self.size = self.spilled = 0
        spill, self.spill = self.spill, None
        if spill is not None:
            spill.let_go()


class BodyStream:
    """A request body that is read while it arrives. `full` asks the connection to leave the rest in the kernel.

    The reader sets `on_change`, called after every change; it must not block. `fault` is what the client has done
    wrong where the body has `failed` for that; None where it has left, or where nobody waits for more.
    """

    __slots__ = ("bound", "complete", "failed", "fault", "on_change", "pieces", "size")

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.pieces: deque[bytes] = deque()
        self.size = 0
        self.complete = False
        self.failed = False
        self.fault: HTTPError | None = None
        self.on_change: Callable[[], object] | None = None

    @property
    def full(self) -> bool:
        """Whether more should not be read before some is taken."""
        return self.size >= self.bound or len(self.pieces) >= MOST_PIECES

    def feed(self, data: bytes) -> None:
        """Octets of the body have come."""
        self.pieces.append(data)
        self.size += len(data)
        self._changed()

    def end(self, failed: bool) -> None:
        """The body is whole, or (`failed`) nothing more of it will come."""
        self.complete = not failed
        self.failed = failed
        self._changed()

    def break_off(self, fault: HTTPError | None) -> None:
        """Nothing more of the body will come."""
        self.fault = fault
        self.end(True)

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()

    def take(self) -> bytes:
        """All that has come and was not taken; `b""` when nothing has."""
        data = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        self.size = 0
        return data
