"""WebSocket connections (the ASGI specification, "HTTP & WebSocket ASGI Message Format", part WebSocket)."""

from __future__ import annotations

from collections import deque

from gunicorn.engine.driver import Driver
from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.http.errors import HTTPError
from gunicorn.http.response import UPGRADE, FieldLine, plain_text
from gunicorn.wire.websocket import (
    ABNORMAL,
    CLOSE,
    INTERNAL_ERROR,
    MESSAGE,
    NEED_DATA,
    NO_STATUS,
    NORMAL,
    OP_BINARY,
    OP_PING,
    OP_PONG,
    OP_TEXT,
    PING,
    SERVICE_RESTART,
    Frames,
    WebSocketError,
    close_frame,
    control_frame,
    is_close_code,
)
from gunicorn.wire.websocket_handshake import agree_on_deflate, check_handshake, offered_subprotocols

from .cycle import Cycle
from .gateway_state import ASGIGatewayState
from .messages import Disconnected, Misuse, kind_of, octets_of, status_of, text_of, unexpected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gunicorn.wire.websocket import Deflate

CONNECTING = 0
OPEN = 1
# We have sent a close frame and wait for the client's.
CLOSING = 2
DENYING = 3
OVER = 4

# What an application may send, at one time or another.
KINDS = frozenset({
    "websocket.accept", "websocket.send", "websocket.close",
    "websocket.http.response.start", "websocket.http.response.body",
})
# How long a client may take to answer our close frame.
CLOSE_SECONDS = 3.0
# What the answer to a handshake says; where a stream is what is asked for, nothing does (RFC 8441 section 5).
UPGRADED = FieldLine(UPGRADE, b"Upgrade: websocket\r\n", "websocket")
# Received messages wait for the application up to so many octets; one message may be larger.
MOST_QUEUED_OCTETS = 1048576
# A client that asks and does not listen is read no further when answers of so many octets wait for it.
MOST_ANSWERS = 65536
# A frame up to this size is copied behind its header; a larger one goes out as it is.
JOINED_FRAME = 4096


class Inbox(Driver):
    """Gets the octets of the connection once HTTP is left."""

    __slots__ = ("cycle", "frames", "messages", "most", "octets")

    def __init__(self, cycle: WebSocketCycle, frames: Frames, most: int) -> None:
        self.cycle: WebSocketCycle | None = cycle
        self.frames = frames
        self.most = most
        # Messages that the application has not asked for yet.
        self.messages: deque[Any] = deque()
        self.octets = 0

    def receive(self, data: bytes) -> None:
        self.frames.receive(data)
        # Held here, since it may let go of this inbox, and with that of its last reference, inside the call: the
        # compiled form takes none of its own for a call on an attribute.
        cycle = self.cycle
        if cycle is not None:
            cycle.read()

    def full(self) -> bool:
        if len(self.messages) >= self.most or self.octets >= MOST_QUEUED_OCTETS:
            return True
        cycle = self.cycle
        return cycle is not None and cycle.is_unheard()

    def ended(self) -> None:
        cycle = self.cycle
        if cycle is not None:
            cycle.lost()

    def put(self, message: Any) -> None:
        """A message has come."""
        self.messages.append(message)
        self.octets += len(message)

    def get(self) -> Any:
        """The oldest message."""
        message = self.messages.popleft()
        self.octets -= len(message)
        return message


class WebSocketCycle(Cycle):
    """A WebSocket from its handshake to its end."""

    __slots__ = ("accept_value", "answers", "asked_at", "asked_for", "code", "heard_at", "inbox", "reason", "said_last",
                 "stage")

    def open(self, owner: ASGIGatewayState) -> None:
        Cycle.open(self, owner)
        self.stage = CONNECTING
        self.inbox: Inbox | None = None
        self.accept_value: bytes = b""
        # Whether the application was told of the connection.
        self.asked_for = False
        # Whether the application has ended it.
        self.said_last = False
        self.code = ABNORMAL
        self.reason = ""
        # Octets of pongs since the client took all that was sent to it.
        self.answers = 0
        # When octets came last, and when we asked whether anybody is there (0.0: not since).
        self.heard_at = self.started
        self.asked_at = 0.0

    def make_scope(self) -> dict[str, Any]:
        """Raises `HTTPError` for a handshake that is none."""
        request = self.request
        self.accept_value = check_handshake(request)
        subprotocols = offered_subprotocols(request)
        scope: dict[str, Any] = self.owner.scopes.build_socket(self.exchange, request, subprotocols)
        return scope

    # Towards the application.

    def next_message(self) -> Any:
        inbox = self.inbox
        if inbox is not None and inbox.messages:
            was_full = inbox.full()
            data = inbox.get()
            if was_full and not inbox.full():
                self.go_on()
            if type(data) is str:
                return ({"type": "websocket.receive", "text": data},)
            return ({"type": "websocket.receive", "bytes": data},)
        if not self.asked_for:
            self.asked_for = True
            return ({"type": "websocket.connect"},)
        if self.stage >= CLOSING:
            self.knows()
            return ({"type": "websocket.disconnect", "code": self.code, "reason": self.reason},)
        return None

    def go_on(self) -> None:
        """The queue has room again: look at what was left, then at what the kernel has."""
        self.read()
        if self.stage == OPEN and not self.exchange.is_attended():
            self.look_again()

    def read(self) -> None:
        """Look at what has come."""
        inbox = self.inbox
        if inbox is None or self.stage not in (OPEN, CLOSING):
            return
        self.heard_at = self.owner.engine.now
        fault: WebSocketError | None = None
        try:
            if self.take_events(inbox):
                self.wake_for(inbox)
                self.client_closes(inbox.frames.code, inbox.frames.reason)
                return
        except WebSocketError as error:
            # Who is woken while it is handled goes on later, and messages in front of it count first.
            fault = error
        except ClientDisconnected:
            self.lost()
            return
        self.wake_for(inbox)
        if fault is not None:
            self.close_with(fault.code, fault.reason)
            self.finish_socket()

    def take_events(self, inbox: Inbox) -> bool:
        """Act on what has come, as far as there is room for it; whether the client closes with the last of it. Raises
        `WebSocketError`, and `ClientDisconnected`."""
        frames = inbox.frames
        while not inbox.full():
            event = frames.next_event()
            if event in (NEED_DATA, CLOSE):
                return event == CLOSE
            if self.stage != OPEN:
                continue
            if event == MESSAGE:
                inbox.put(frames.data)
            elif event == PING:
                self.answer_ping(frames.data)
        return False

    def answer_ping(self, data: bytes) -> None:
        """Send a pong. Raises `ClientDisconnected`."""
        pong = control_frame(OP_PONG, data)
        self.exchange.write(pong)
        if self.exchange.is_flushed():
            self.answers = 0
        else:
            self.answers += len(pong)

    def is_unheard(self) -> bool:
        """Whether the client makes us speak, or has the application speak, and does not listen."""
        exchange = self.exchange
        if exchange.is_flushed():
            return False
        return self.answers >= MOST_ANSWERS or exchange.must_wait()

    def heard(self) -> None:
        """The client has taken something: there may be room for what it has sent; `Connection.process` comes next."""
        if self.exchange.is_flushed():
            self.answers = 0
        self.wake()
        inbox = self.inbox
        if inbox is not None and inbox.frames.is_pending():
            self.read()

    def wake_for(self, inbox: Inbox) -> None:
        """Who waits for a message gets it, and answers it, before anything that came behind it counts."""
        if inbox.messages:
            self.wake()

    # From the application.

    def take(self, message: dict[str, Any]) -> None:
        kind = kind_of(message)
        stage = self.stage
        if stage == OPEN:
            if kind == "websocket.send":
                self.send_message(message)
            elif kind == "websocket.close":
                self.close_by(message)
            else:
                raise unexpected(kind, "websocket.send or websocket.close")
        elif stage == CONNECTING:
            self.answer(kind, message)
        elif stage == DENYING:
            self.deny_with(kind, message)
        elif self.said_last or kind not in KINDS:
            raise Misuse(f"unexpected message {kind!r}: the application has closed the WebSocket")
        else:
            raise Disconnected("the WebSocket is closed")

    def deny_with(self, kind: str, message: dict[str, object]) -> None:
        """A part of the content of a refusal."""
        if kind != "websocket.http.response.body" or self.concluded:
            raise unexpected(kind, "the rest of the response")
        more = bool(message.get("more_body", False))
        self.content(octets_of(message, "body"), more)
        if not more:
            self.said_last = self.informed = True
            self.finish_socket()

    def answer(self, kind: str, message: Any) -> None:
        """The application says what becomes of the handshake."""
        self.must_be_made()
        if kind == "websocket.accept":
            self.accept(message)
        elif kind == "websocket.close":
            self.said_last = self.informed = True
            self.deny(403)
        elif kind == "websocket.http.response.start":
            self.close = True
            self.begin_response(message, status_of(message))
            self.stage = DENYING
        else:
            raise unexpected(kind, "websocket.accept, websocket.close or websocket.http.response.start")

    def accept(self, message: Any) -> None:
        """Complete the handshake (RFC 6455 section 4.2.2)."""
        owner = self.owner
        deflate = agree_on_deflate(self.request) if owner.deflates else None
        headers = self._headers_of(message.get("headers") or (), message.get("subprotocol"), deflate)
        try:
            # On a stream of HTTP/2 it begins as the content of an ordinary answer (RFC 8441 section 5).
            self._start("101 Switching Protocols" if self.accept_value else "200 OK", headers)
        except (HTTPError, TypeError, ValueError) as error:
            self._restart()
            raise Misuse(f"'headers' of websocket.accept: {error}") from None
        self.upgrade = True
        self.fields.append(UPGRADED)
        exchange = self.exchange
        self._begin(-1)
        exchange.push()
        self.tell_board(101)
        self.stage = OPEN
        self.inbox = Inbox(self, Frames(owner.largest_message, deflate), owner.most_queued)
        exchange.become(self.inbox)
        owner.sockets.add(self)
        self._tell_number()
        self.heard_at = owner.engine.now
        if not exchange.is_attended():
            # What the client has sent already is looked at when this task waits.
            self.look_again()
        if owner.leaving:
            self.restart()

    def _headers_of(
        self, given: Iterable[tuple[object, object]], subprotocol: object, deflate: Deflate | None
    ) -> list[tuple[object, object]]:
        """The application's headers and those of the handshake. Raises `Misuse`."""
        headers = list(given)
        if any(_lower(name) == b"sec-websocket-protocol" for name, _ in headers):
            raise Misuse("'headers' of websocket.accept must not hold sec-websocket-protocol: use 'subprotocol'")
        if subprotocol is not None:
            headers.append((b"Sec-WebSocket-Protocol", text_of(subprotocol).encode("latin-1", "replace")))
        if deflate is not None:
            headers.append((b"Sec-WebSocket-Extensions", deflate.answer.encode()))
        if self.accept_value:
            headers.append((b"Sec-WebSocket-Accept", self.accept_value))
        return headers

    def send_message(self, message: dict[str, Any]) -> None:
        """A text or binary message."""
        text = message.get("text")
        opcode = OP_BINARY
        if text is not None:
            if not isinstance(text, str):
                raise Misuse(f"'text' of a websocket.send message must be str, not {type(text).__name__}")
            opcode = OP_TEXT
            try:
                data = plain_text(text).encode()
            except UnicodeEncodeError:
                raise Misuse("'text' of a websocket.send message holds lone surrogates") from None
        elif message.get("bytes") is not None:
            data = octets_of(message, "bytes")
        else:
            raise Misuse("a websocket.send message needs 'text' or 'bytes'")
        inbox = self.inbox
        if inbox is None:
            raise Misuse("the WebSocket is not open")
        header, data = inbox.frames.message(opcode, data)
        self.sent += len(data)
        if len(data) <= JOINED_FRAME:
            self.exchange.write(header + data)
        else:
            self.exchange.write_two(header, data)

    # The end.

    def close_by(self, message: Any) -> None:
        """The application ends the connection."""
        code = message.get("code", NORMAL)
        if code is None:
            code = NORMAL
        if isinstance(code, int) and not isinstance(code, bool):
            # An enumeration's, for example.
            code = int.__int__(code)
        if type(code) is not int or not (is_close_code(code) or code == NO_STATUS):
            raise Misuse(f"'code' of a websocket.close message must be a status code of RFC 6455, not {code!r:.20}")
        self.said_last = self.informed = True
        self.close_with(code, text_of(message.get("reason")))

    def close_with(self, code: int, reason: str) -> None:
        """Send a close frame; the client answers it, or is given up after a while."""
        if self.stage != OPEN:
            return
        self.stage = CLOSING
        self.code = code
        self.reason = reason
        self.asked_at = self.owner.engine.now
        try:
            self.exchange.write(close_frame(code, reason))
        except ClientDisconnected:
            self.finish_socket()
            return
        self.wake()

    def client_closes(self, code: int, reason: str) -> None:
        """A close frame has come: answer it, unless it is an answer."""
        if self.stage == OPEN:
            self.code = code
            self.reason = reason
            try:
                self.exchange.write(close_frame(code))
            except ClientDisconnected:
                pass
        self.finish_socket()

    def lost(self) -> None:
        self.finish_socket()

    def finish_socket(self) -> None:
        """Nothing can be sent or received any more."""
        if self.stage == OVER:
            return
        if self.inbox is None:
            # What the client has sent behind a handshake that nobody accepted is no request.
            self.close = True
        self.stage = OVER
        self.gone = True
        self.conclude()
        if self.task is not None:
            self.expect_end()

    def knows(self) -> None:
        """The application has been told of the end: what it does from now on is no affair of the client's any more."""
        self.informed = True
        if self.grace is not None:
            self.grace.cancel()
            self.grace = None

    def count(self) -> None:
        if not self.counted:
            self.tell_board(self.outcome())

    def tell_board(self, status: int) -> None:
        """A handshake is one GET, whatever asks for it in a version of HTTP, and is counted with its answer."""
        self.counted = True
        board = self.owner.board
        if board is not None:
            board.count("GET", status)

    def _tell_number(self) -> None:
        owner = self.owner
        if owner.board is not None:
            owner.board.hold(len(owner.sockets))

    def detach(self) -> None:
        self.owner.sockets.discard(self)
        self._tell_number()
        if self.inbox is not None:
            self.inbox.cycle = None

    def deny(self, status: int) -> None:
        """Answer the handshake with an error."""
        self.close = True
        self.status = f"{status}"
        self.headers = []
        self.exchange.answer(self.owner.page(self.request, status, ""))
        self.finish_socket()

    def restart(self) -> None:
        """This worker goes: the client may come back to another (RFC 6455 section 7.4, code 1012 of its registry)."""
        self.close_with(SERVICE_RESTART, "the server is restarting")

    def look_after(self, now: float) -> None:
        """Once a second: ask those that are silent whether they are there, and give up those that are not."""
        if self.stage == CLOSING:
            if now - self.asked_at >= CLOSE_SECONDS:
                self.finish_socket()
        elif self.stage == OPEN and self.owner.ping_interval:
            self.look_for_life(now)

    def look_for_life(self, now: float) -> None:
        """See what an open one has to say of itself."""
        owner = self.owner
        if self.is_busy():
            # An answer would not be seen, or the question not be sent.
            self.heard_at = now
        elif self.asked_at > self.heard_at:
            if owner.ping_timeout and now - self.asked_at >= owner.ping_timeout:
                self.close_with(INTERNAL_ERROR, "no answer to a ping")
                self.code = ABNORMAL
                self.finish_socket()
        elif now - self.heard_at >= owner.ping_interval:
            self.ping(now)

    def ping(self, now: float) -> None:
        """Ask whether anybody is there."""
        self.asked_at = now
        try:
            self.exchange.write(control_frame(OP_PING, b""))
        except ClientDisconnected:
            self.lost()

    def is_busy(self) -> bool:
        """Whether the application is slow to read, or the client is; that one has the time limit `send_timeout`."""
        return not self.exchange.is_flushed() or (self.inbox is not None and self.inbox.full())

    def unanswered(self) -> None:
        if self.stage == OPEN:
            self.close_with(NORMAL, "")
        elif self.dismissed:
            self.owner.log.debug("The worker stops before the answer to a handshake: %s", self.request.uri)
            self.give_up()
        elif self.stage == CONNECTING:
            self.owner.log.error("ASGI: %s: the application ended without an answer to the handshake", self.request.uri)
            self.give_up()
        elif self.stage == DENYING:
            self.owner.log.error("ASGI: %s: the application ended before its response was complete", self.request.uri)
            self.give_up()

    def give_up(self) -> None:
        if self.stage == OPEN or self.stage == CLOSING:
            self.close_with(INTERNAL_ERROR, "")
            return
        Cycle.give_up(self)
        self.finish_socket()

    def refuse(self, error: HTTPError) -> None:
        Cycle.refuse(self, error)
        self.finish_socket()


def _lower(name: Any) -> bytes:
    """The name of a field in lower case; nothing for what `FieldLines.learn` will not take as one."""
    return bytes(name).lower() if isinstance(name, bytes | bytearray | memoryview) else b""
