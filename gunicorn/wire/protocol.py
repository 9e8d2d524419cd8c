"""What is spoken on a connection on which requests come one after the other: octets in, events out.

    protocol.receive(octets)
    while (event := protocol.next_event()) != NEED_DATA: ...
    protocol.next_request()          # when the response to the request has been sent

One request is under way at a time. What a client sends behind it stays in `buffer` until `next_request`, so answers
keep the order of the requests. If `next_event` raises anything but an `HTTPError`, that is a bug of the protocol; after
an `HTTPError` the connection can only be answered and closed.
"""

from __future__ import annotations

from gunicorn.http.fields import FieldTable
from gunicorn.http.request import Request

from .http1_body import BodyDecoder, LengthBody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import ProxyInfo

# Events.
NEED_DATA = 0
REQUEST = 1
DATA = 2
END = 3
REPLY = 4

# States.
PROXY = 0
HEAD = 1
BODY = 2
COMPLETE = 3


# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    NEED_DATA=NEED_DATA, REQUEST=REQUEST, DATA=DATA, END=END, REPLY=REPLY, PROXY=PROXY, HEAD=HEAD, BODY=BODY,
    COMPLETE=COMPLETE,
)


class Protocol:
    """One connection's stream of requests. `request` and `data` belong to the last event."""

    __slots__ = ("body", "buffer", "data", "position", "proxy_info", "request", "state", "table", "trusted")

    def begin_protocol(self, table: FieldTable, trusted: bool, state: int) -> None:
        """What `__init__` would do. `trusted`: what the peer says of its clients is believed."""
        self.table = table
        self.trusted = trusted
        self.buffer: bytes = b""
        self.position = 0
        self.data: bytes = b""
        self.request: Request | None = None
        self.body: BodyDecoder | None = None
        self.proxy_info: ProxyInfo | None = None
        self.state = state

    def receive(self, data: bytes) -> None:
        """Take octets as they came from the peer."""
        if self.position < len(self.buffer):
            self.buffer = self.buffer[self.position:] + data
        else:
            self.buffer = data
        self.position = 0

    def next_event(self) -> int:
        """The next thing the octets say: NEED_DATA, REQUEST (a head), DATA (part of its body), END (of the message),
        REPLY (the protocol itself has something to say).

        A request without body has no DATA and no END: `request.content_length` is 0. Raises `HTTPError`.
        """
        raise NotImplementedError

    def next_of_body(self) -> int:
        """`next_event`, while `body` takes its octets."""
        body = self.body
        if body is None:
            raise ValueError("no body is under way")
        if not body.complete:
            end = len(self.buffer)
            if self.position >= end:
                return NEED_DATA
            self.position = body.decode(self.buffer, self.position, end)
            if body.piece:
                self.data = body.piece
                body.piece = b""
                return DATA
        if not body.complete:
            return NEED_DATA
        self.state = COMPLETE
        self.body = None
        return END

    def partial(self) -> Request | None:
        """What has come of a request that is refused."""
        raise NotImplementedError

    def awaits_proxy_header(self) -> bool:
        """Whether the PROXY header has not come yet that the connection must begin with."""
        return False

    def take_proxy_header(self, data: bytes) -> bytes:
        """Take in octets that come before TLS, which the header precedes; those behind it are returned."""
        raise NotImplementedError

    def resume(self, proxy_info: ProxyInfo | None) -> None:
        """Go on where another object has left a connection between two requests."""
        self.proxy_info = proxy_info
        self.state = HEAD

    def next_request(self) -> None:
        """The request is answered: forget it and go on with what is left in the buffer."""
        self.request = None
        self.data = b""
        self.state = HEAD
        if self.position >= len(self.buffer):
            self.buffer = b""
            self.position = 0

    def wanted(self) -> int:
        """Octets of a counted body that may be read past this protocol (`took` tells of them); 0 for none."""
        return 0 if self.position < len(self.buffer) else self.outstanding()

    def outstanding(self) -> int:
        """Octets of a counted body that no event has covered; 0 for one in chunks, of which nobody knows."""
        body = self.body
        return body.length - body.taken if self.state == BODY and isinstance(body, LengthBody) else 0

    def took(self, count: int) -> None:
        """`count` octets of the body were read elsewhere."""
        body = self.body
        assert isinstance(body, LengthBody)
        body.taken += count
        body.complete = body.taken == body.length

    def rest(self) -> bytes:
        """What no event has covered, taken out: it belongs to another protocol."""
        data = self.buffer if self.position == 0 else self.buffer[self.position:]
        self.buffer = b""
        self.position = 0
        return data

    def first_octets(self) -> bytes:
        """Some of what no event has covered, to say what it looks like."""
        return self.buffer[self.position:self.position + 64]

    def begins_with(self, octets: bytes) -> bool:
        """Whether what no event has covered begins so."""
        return self.buffer.startswith(octets, self.position)

    def line_has(self, octets: bytes) -> bool:
        """Whether these stand in the first line of what no event has covered."""
        end = self.buffer.find(b"\n", self.position)
        return self.buffer.find(octets, self.position, len(self.buffer) if end < 0 else end) >= 0

    def is_pending(self) -> bool:
        """Whether octets are left that no event has covered."""
        return self.position < len(self.buffer)

    def is_idle(self) -> bool:
        """Whether not one octet of a next request has come."""
        raise NotImplementedError

    def has_unread_body(self) -> bool:
        """Whether a part of the request's body has not come yet."""
        return self.state == BODY
