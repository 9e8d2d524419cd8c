"""One request and its answer, as a gateway sees it, whatever is spoken with the client and however it is reached.

A connection of HTTP/1 is its own exchange, one request after the other; where several requests share a connection, each
has an exchange of its own. A gateway knows this class and nothing below it.
"""

from __future__ import annotations

from gunicorn.http.errors import HTTPError
from gunicorn.http.request import Request
from gunicorn.http.response import FieldLine
from gunicorn.http.response_head import Page, ResponseHead

from .buffers import BodyStream
from .driver import Driver
from .listener import Listener
from .state import EngineState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gunicorn._types import Octets, Peer


class ClientDisconnected(Exception):
    """The client is gone: nothing that is written reaches it any more."""


class Exchange:
    """What is known of the client and its request, what the answer is given to, and what a gateway keeps with both.

    `request` is there while a request runs; `number` counts those of this client. `stream` is the body of a request
    that is read while it comes. `broken`: nothing that is written reaches the client any more.
    """

    __slots__ = (
        "body_size", "broken", "engine", "handed", "listener", "number", "peer", "request", "response", "shared",
        "stream", "taken_over",
    )

    def begin_exchange(self, engine: EngineState, peer: Peer, listener: Listener) -> None:
        """This part of what `__init__` would do."""
        self.engine = engine
        # As accept(2) has it: (address, port, ...), or a path or nothing where that is a unix socket.
        self.peer = peer
        self.listener = listener
        self.broken = False
        self.request: Request | None = None
        self.number = 0
        # Octets of a body that was buffered.
        self.body_size = 0
        self.stream: BodyStream | None = None
        # Set by whoever reads and writes the socket itself: there is no more HTTP on it.
        self.taken_over = False
        # What the gateway keeps: its response to the running request, and what it has made for all requests of this
        # client.
        self.response: Any = None
        self.shared: Any = None
        self.handed: Any = None

    # The client.

    def is_running(self) -> bool:
        """Whether the request is with the gateway: begun, and not finished."""
        raise NotImplementedError

    def is_lost(self) -> bool:
        """Whether the connection has ended, or nothing reaches the client any more."""
        raise NotImplementedError

    def is_over(self) -> bool:
        """Whether nothing is left of it that the engine looks after."""
        raise NotImplementedError

    def disconnected(self) -> bool:
        """Whether the client has left; asks the kernel. A client that has only shut its sending side counts as gone."""
        raise NotImplementedError

    def has_left(self) -> bool:
        """Whether the client has shut its side, or reset the connection, as far as one can tell without reading."""
        raise NotImplementedError

    def watch_client(self) -> bool:
        """Have the handler hear of the client's leaving while the request runs; True when it has left already."""
        raise NotImplementedError

    def is_secure(self) -> bool:
        """Whether TLS ends here."""
        raise NotImplementedError

    def facts(self) -> Any:
        """What the TLS handshake has settled, a `tls.facts.Facts`; None without TLS."""
        raise NotImplementedError

    def may_reconnect(self) -> bool:
        """Whether this client is better off with a new connection than where it waits behind others here."""
        raise NotImplementedError

    def partial_request(self) -> Request | None:
        """What has come of a request that is refused."""
        raise NotImplementedError

    def seconds_since_data(self) -> float:
        """How long ago the kernel got the last octets from the client; 0 where it does not tell."""
        raise NotImplementedError

    # The body of the request.

    def send_continue(self) -> None:
        """Tell a client that waits with its body to send it (RFC 9110 section 15.2.1). Raises `ClientDisconnected`."""
        raise NotImplementedError

    def pull(self) -> None:
        """Take in what has come of a streamed body."""
        raise NotImplementedError

    def await_body(self, waits: bool) -> None:
        """The reader of a streamed body waits for the client from now on, and not for ever; or it has what it wants."""
        raise NotImplementedError

    def wait_readable(self, pulse: Callable[[], object]) -> None:
        """Block until the client has sent more of a streamed body, or is given up; `pulse` is called now and then."""
        raise NotImplementedError

    def give_up_body(self, fault: HTTPError | None = None) -> None:
        """No more of a streamed body is waited for; `fault`: what the client has done wrong."""
        raise NotImplementedError

    # The answer: `start`, `send` until all is said, `finish`. What is sent to a client that has left raises
    # `ClientDisconnected`.

    def start(self, head: ResponseHead) -> None:
        """Begin a response; sets `framing` of the head, and `close` where it cannot be otherwise. Nothing is sent
        before the first piece of the content, or `push`."""
        raise NotImplementedError

    def send(self, head: ResponseHead, data: bytes, last: bool) -> None:
        """Send a piece of the content, behind what was begun or held; `last`: there is no more. What the client does
        not take at once is queued."""
        raise NotImplementedError

    def hold(self, head: ResponseHead, data: bytes) -> None:
        """A small piece of the content that others may follow soon: it is sent with them, or by `push`."""
        raise NotImplementedError

    def push(self) -> None:
        """Send what was begun or held."""
        raise NotImplementedError

    def send_file(self, fd: int, offset: int, count: int) -> int:
        """Send a part of a file as content, without reading it; octets sent or queued, fewer than `count` when the file
        has become shorter, -1 when the kernel cannot send from it, and none of it was sent."""
        raise NotImplementedError

    def read_file(self, fd: int, offset: int, count: int) -> int:
        """As `send_file`, where the kernel cannot, or is not to, send from the file: pieces of it are read as the
        client takes them."""
        raise NotImplementedError

    def takes_trailers(self, head: ResponseHead) -> bool:
        """Whether trailer fields can follow the content of this response, which is not begun yet."""
        raise NotImplementedError

    def send_trailers(self, head: ResponseHead, fields: list[FieldLine]) -> None:
        """The end of a response that was to have trailer fields: these, as far as its framing has a place for them."""
        raise NotImplementedError

    def promise_trailers(self) -> None:
        """Keep the end of the response for the trailer fields that `add_trailers` may bring until then. Of exchanges
        alone whose protocol has a place for them behind any content."""
        raise NotImplementedError

    def add_trailers(self, fields: list[FieldLine]) -> None:
        """Fields that go behind the content when the gateway is done."""
        raise NotImplementedError

    def inform(self, status: int, fields: list[FieldLine]) -> None:
        """An interim response (RFC 9110 section 15.2), now."""
        raise NotImplementedError

    def answer(self, page: Page) -> None:
        """Send an answer of the server's own."""
        self.start(page)
        self.send(page, page.body, True)

    def queued(self) -> int:
        """Octets that wait for the client to take them."""
        raise NotImplementedError

    def is_flushed(self) -> bool:
        """Whether the kernel has all that was written."""
        raise NotImplementedError

    def must_wait(self) -> bool:
        """Whether the application should wait for the client before it writes more."""
        raise NotImplementedError

    def wait_writable(self, pulse: Callable[[], object]) -> None:
        """Block until the client has taken enough, or is given up; `pulse` is called now and then."""
        raise NotImplementedError

    # The end.

    def finish(self, keep: bool) -> None:
        """The gateway is done with the request; `keep`: the response allows another one on this connection."""
        raise NotImplementedError

    def conclude(self, keep: bool) -> bool:
        """As `finish`, but no next request is begun inside this call; True when `Engine.attend` should look soon for
        one."""
        raise NotImplementedError

    def refuse(self, error: HTTPError) -> None:
        """Answer what cannot be served, and close."""
        raise NotImplementedError

    def break_off(self, head: ResponseHead) -> None:
        """The response ends in the middle: see that the client cannot take it for a whole one."""
        raise NotImplementedError

    def abort(self) -> None:
        """End it at once, without an answer."""
        raise NotImplementedError

    def drop(self) -> None:
        """End the connection after a failure of our own, in whatever state that has left it. Raises no Exception."""
        raise NotImplementedError

    def cut(self, page: Page | None) -> None:
        """Send this as far as the kernel takes it, and nothing after it. The running request keeps what it has of the
        client, which it may be using at this very moment; with `broken` set nothing more comes from it."""
        raise NotImplementedError

    # Another protocol.

    def write(self, data: Octets) -> None:
        """Send octets of the other protocol, or queue them. Raises `ClientDisconnected`."""
        raise NotImplementedError

    def write_two(self, head: bytes, body: Octets) -> None:
        """Send two runs of octets at once; as `write`."""
        raise NotImplementedError

    def become(self, driver: Driver) -> None:
        """From now on the octets of the client are those of another protocol (RFC 9110 section 7.8)."""
        raise NotImplementedError

    def go_on(self) -> None:
        """Its next turn has come: look at what the client has sent."""
        raise NotImplementedError

    def is_attended(self) -> bool:
        """Whether what the client has sent is being looked at just now, so that nobody needs to ask for it."""
        raise NotImplementedError

    # The socket itself, for applications that take it over.

    def fileno(self) -> int:
        """The descriptor; -1 where there is none of this exchange alone."""
        raise NotImplementedError

    def channel(self) -> Any:
        """TLS as a `tls.channel.Channel`; None without."""
        raise NotImplementedError

    def unread(self) -> bytes:
        """Octets that have come behind the request; they are the caller's from now on."""
        raise NotImplementedError
