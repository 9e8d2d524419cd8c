"""What a connection of HTTP/2 knows of its streams, and whom it tells of them (RFC 9113 section 5.1)."""

from __future__ import annotations

from gunicorn.http.errors import HTTPError
from gunicorn.http.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What may still come of a request that is answered: so many octets, in a second or two (`Sender.tire`).
LEFT_OVER = 1048576
# Streams that have ended and are remembered: what was on its way to them is no error.
REMEMBERED = 100

# How a stream has ended.
UNKNOWN = 0
FINISHED = 1
RESET_BY_PEER = 2
RESET_BY_US = 3

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    LEFT_OVER=LEFT_OVER, UNKNOWN=UNKNOWN, FINISHED=FINISHED, RESET_BY_PEER=RESET_BY_PEER, RESET_BY_US=RESET_BY_US,
)


class Stream:
    """One stream: what may still come and go. `owner` is the recipient's."""

    __slots__ = (
        "answered", "credit", "expected", "identifier", "left_over", "owed", "owner", "receiving", "released",
        "sending", "tired", "window",
    )

    def __init__(self, identifier: int, window: int, credit: int) -> None:
        self.begin(identifier, window, credit)

    def begin(self, identifier: int, window: int, credit: int) -> None:
        """What `__init__` does; the protocol calls it alone, on an object made by `__new__`."""
        self.identifier = identifier
        # Whether more may come from the client, and from us. What comes when nothing goes any more is thrown away:
        # up to so many octets, for so long.
        self.receiving = True
        self.sending = True
        self.left_over = LEFT_OVER
        self.tired = False
        # Whether its recipient is done with it; and whether the whole of the response is sent, and it is there yet.
        self.released = False
        self.answered = False
        # Octets of content that we may send; below 0 when the client has made its windows smaller.
        self.window = window
        # Octets that the client may send, and those that it has sent and not been given back.
        self.credit = credit
        self.owed = 0
        # Octets of content that are to come still; -1: nobody has said.
        self.expected = -1
        self.owner: Any = None


class Ends:
    """How the streams that have ended lately did. Seldom asked and often told, so it is no dictionary."""

    __slots__ = ("entries", "place")

    def __init__(self) -> None:
        # Four times the identifier, and how; the oldest at `place`.
        self.entries: list[int] = []
        self.place = 0

    def remember(self, identifier: int, how: int) -> None:
        """A stream has ended; what is said of one last counts."""
        entries, entry = self.entries, 4 * identifier + how
        if len(entries) < REMEMBERED:
            entries.append(entry)
        else:
            entries[self.place] = entry
            self.place = (self.place + 1) % REMEMBERED

    def of(self, identifier: int) -> int:
        """`UNKNOWN` where nothing is known of an end."""
        entries = self.entries
        for step in range(1, len(entries) + 1):
            # Backwards: what was said of a stream last counts.
            entry = entries[(self.place - step) % len(entries)]
            if entry >> 2 == identifier:
                return entry & 3
        return UNKNOWN


class Recipient:
    """Who is told what has come."""

    __slots__ = ()

    def head(self, stream: Stream, request: Request) -> None:
        """A request; unless `stream.receiving`, there is no content."""
        raise NotImplementedError

    def refused(self, stream: Stream, request: Request, error: HTTPError) -> None:
        """A request that cannot be served: it is to be answered."""
        raise NotImplementedError

    def malformed(self, request: Request, error: HTTPError) -> None:
        """A request that is none (RFC 9113 section 8.1.1), for the log; its stream has been reset."""

    def content(self, stream: Stream, data: bytes) -> None:
        """A piece of a request's content; whoever has taken it says so by `Sender.consumed`."""
        raise NotImplementedError

    def end(self, stream: Stream, trailers: list[tuple[str, str]] | None) -> None:
        """The end of a request that has content."""
        raise NotImplementedError

    def reset(self, stream: Stream, code: int) -> None:
        """Nothing more comes on the stream, nor goes."""
        raise NotImplementedError

    def writable(self, stream: Stream | None) -> None:
        """More may be sent on a stream, or on all of them."""
        raise NotImplementedError

    def prioritize(self, identifier: int, value: bytes) -> None:
        """The client says how urgent a stream is that it has opened, or is about to (RFC 9218 section 7.1)."""

    def pong(self, octets: bytes) -> None:
        """The answer to a PING of ours."""
