"""The content of a request, read off a blocking source when the application asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from gunicorn.http.errors import InvalidRequestLine, LateBody, NoMoreData
from gunicorn.wire.http1_body import ChunkedBody

from .unreader import gather

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from gunicorn.http.fields import FieldTable
    from gunicorn.http.request import Request

    from .unreader import Unreader

    class Reader(Protocol):
        """What a `Body` reads from; one that has `read_some` as well does not wait for more than the next octets."""

        def read(self, size: int, /) -> bytes:
            """Up to `size` octets, fewer at the end of the content only."""

    class Headed(Protocol):
        """A message as far as its content needs it."""

        # What the parser has made of the head, None until then.
        head: Request | None
        table: FieldTable
        # Whether the peer is a proxy whose fields are believed.
        trusted: bool
        trailers: list[tuple[str, str]]

__all__ = ["Body", "ChunkedReader", "EOFReader", "LengthReader", "fault_of"]

# How much of a body is asked of its reader at once.
STEP = 65536


def _next(unreader: Unreader) -> bytes:
    """The next octets. Raises `NoMoreData` for a client that has left, or sends nothing for too long, so that this is
    not taken for an error of the application's own; what a socket raises that does not wait goes through."""
    try:
        return unreader.read()
    except BlockingIOError:
        raise
    except OSError as error:
        raise NoMoreData(b"") from error


def fault_of(error: BaseException) -> BaseException:
    """What a client is told of that has broken its body off, where the application does not catch `NoMoreData`; the
    error itself where it is another one, or where nobody can be told."""
    if not isinstance(error, NoMoreData):
        return error
    if isinstance(error.__cause__, TimeoutError):
        return LateBody()
    return error if error.__cause__ is not None else InvalidRequestLine("the connection ended within a request")


class _Reader:
    """Base of the readers: `_more` gives the next octets of the content, none at its end."""

    def __init__(self, unreader: Unreader) -> None:
        self.unreader = unreader
        self._held = b""

    def _more(self) -> bytes:
        raise NotImplementedError

    def read(self, size: int) -> bytes:
        """Up to `size` octets, fewer at the end of the content only.

        Raises TypeError and ValueError for a size that is none, `NoMoreData` when the peer leaves before the end, and
        what the parser raises.
        """
        if not isinstance(size, int):
            raise TypeError(f"{size!r} is not a number of octets")
        if size < 0:
            raise ValueError("a number of octets is not negative")
        found, self._held = gather(self._held, size, self._more)
        return found

    def read_some(self, size: int) -> bytes:
        """As `read`, but waits for no more than the next octets to come."""
        held = self._held or (self._more() if size > 0 else b"")
        self._held = held[size:]
        return held[:size]


class LengthReader(_Reader):
    """`length` octets."""

    def __init__(self, unreader: Unreader, length: int) -> None:
        super().__init__(unreader)
        self.length = length

    def _more(self) -> bytes:
        if self.length <= 0:
            return b""
        data = _next(self.unreader)
        if not data:
            # An upload cut short must not be taken for a whole one.
            raise NoMoreData(b"")
        if len(data) > self.length:
            self.unreader.unread(data[self.length:])
            data = data[:self.length]
        self.length -= len(data)
        return data


class ChunkedReader(_Reader):
    """The chunked coding, by the decoder of `gunicorn.http`; its trailers go to `req.trailers`."""

    def __init__(self, req: Headed, unreader: Unreader) -> None:
        super().__init__(unreader)
        if req.head is None:
            raise ValueError("a message whose head has not been read has no content")
        self.req = req
        self._head: Request = req.head
        self._decoder = ChunkedBody(self._head, req.table, req.trusted)
        self._rest = b""

    def _more(self) -> bytes:
        decoder = self._decoder
        while not decoder.complete:
            data = _next(self.unreader)
            if not data:
                raise NoMoreData(self._rest)
            data = self._rest + data
            end = decoder.decode(data, 0, len(data))
            self._rest = data[end:]
            if self._decoder.complete:
                self.unreader.unread(self._rest)
                self._rest = b""
                self.req.trailers = list(self._head.trailers or ())
            if decoder.piece:
                piece, decoder.piece = decoder.piece, b""
                return bytes(piece)
        return b""


class EOFReader(_Reader):
    """Everything until the peer has no more to say."""

    def _more(self) -> bytes:
        return _next(self.unreader)


class Body:
    """`wsgi.input` over one of the readers (PEP 3333, "Input and Error Streams")."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._held = b""

    def read(self, size: int | None = None) -> bytes:
        """Up to `size` octets, all of the rest when it is None or negative."""
        bound = self.getsize(size)
        pieces, have = [self._held], len(self._held)
        while bound is None or have < bound:
            piece = self.reader.read(STEP if bound is None else bound - have)
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        self._held = b"" if bound is None else whole[bound:]
        return whole if bound is None else whole[:bound]

    def readline(self, size: int | None = None) -> bytes:
        """A line with its end, at most `size` octets of it."""
        bound = self.getsize(size)
        if bound == 0:
            return b""
        # A line that has come does not wait for what the client sends behind it.
        more = getattr(self.reader, "read_some", self.reader.read)
        # Each octet is looked at once, however long the line is.
        whole = BytesIO()
        piece = self._held
        while True:
            end = piece.find(b"\n") + 1 or len(piece)
            if bound is not None:
                end = min(end, bound - whole.tell())
            whole.write(piece[:end])
            self._held = piece[end:]
            if piece[end - 1:end] == b"\n" or whole.tell() == bound:
                break
            piece = more(STEP)
            if not piece:
                break
        return whole.getvalue()

    def readlines(self, size: int | None = None) -> list[bytes]:
        """All lines; after about `size` octets no more are begun."""
        lines: list[bytes] = []
        count = 0
        while line := self.readline():
            lines.append(line)
            count += len(line)
            if size and size > 0 and count >= size:
                break
        return lines

    def getsize(self, size: int | None) -> int | None:
        """`size` as a bound, None for none. Raises TypeError when it is no integer."""
        if size is not None and not isinstance(size, int):
            raise TypeError(f"{size!r} is not a number of octets")
        return None if size is None or size < 0 else size

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__
