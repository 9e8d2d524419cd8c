"""A client of HTTP/2 on the package `h2`, which shares no code with the server under test.

Nothing happens behind the caller's back but what every client does: SETTINGS and PING are acknowledged, and with
`takes=True` the windows are opened again as content comes. GOAWAY is kept away from `h2`, which knows no more of a
connection after the first one.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import h2.config
import h2.connection
import h2.events
import h2.settings
from h2.settings import SettingCodes

from tests.support.wait import PATIENCE
from tests.support.wire import Address

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM = 1
NO_ERROR, REFUSED_STREAM, CANCEL = 0, 7, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#: What a window can be at most, and what the first GOAWAY of a farewell names as the last stream.
LARGEST = 2**31 - 1

Fields = list[tuple[str, str]]


class Frame(NamedTuple):
    """A frame that has come, without its payload."""

    kind: int
    flags: int
    stream: int
    size: int


class Farewell(NamedTuple):
    """A GOAWAY."""

    last: int
    code: int


@dataclass
class Answer:
    """What has come on a stream so far; complete when `ended`, and never when `reset` holds a code."""

    stream: int
    status: int = 0
    fields: Fields = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    trailers: Fields | None = None
    interim: list[tuple[int, Fields]] = field(default_factory=list)
    ended: bool = False
    reset: int | None = None

    def get(self, name: str) -> str | None:
        values = [value for key, value in self.fields if key == name]
        assert len(values) <= 1, f"{name} stands {len(values)} times in {self.fields}"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


class HTTP2Client:
    """One connection, over TCP or TLS. Every read has a deadline and raises AssertionError at it."""

    def __init__(self, wire: socket.socket, *, takes: bool = True, window: int = 65535, starts: bool = True) -> None:
        self.socket = wire
        self.takes = takes
        self.answers: dict[int, Answer] = {}
        self.frames: list[Frame] = []
        self.farewells: list[Farewell] = []
        #: The codes of RST_STREAM by stream, also where `h2` knows nothing of that.
        self.refused: dict[int, int] = {}
        #: Streams that we have reset.
        self.left: set[int] = set()
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self.eof = False
        self.buffer = b""
        config = h2.config.H2Configuration(
            client_side=True, header_encoding="latin-1", validate_outbound_headers=False,
            normalize_outbound_headers=False, split_outbound_cookies=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = h2.settings.Settings(
            client=True, initial_values={SettingCodes.INITIAL_WINDOW_SIZE: window, SettingCodes.ENABLE_PUSH: 0},
        )
        if starts:
            self.h2.initiate_connection()
            self.flush()

    @classmethod
    def prior(cls, address: Address, **options: Any) -> HTTP2Client:
        """By prior knowledge (RFC 9113 section 3.3)."""
        return cls(connected(address), **options)

    @classmethod
    def tls(cls, port: int, context: ssl.SSLContext, offers: Iterable[str] = ("h2",), **options: Any) -> HTTP2Client:
        """By ALPN (RFC 9113 section 3.2); AssertionError when the server chooses anything else."""
        context.set_alpn_protocols(list(offers))
        wire = context.wrap_socket(connected(("127.0.0.1", port)), server_hostname="localhost")
        assert wire.selected_alpn_protocol() == "h2"
        return cls(wire, **options)

    @classmethod
    def upgrade(
        cls, where: Address | socket.socket, head: str, body: bytes = b"", **options: Any
    ) -> HTTP2Client:
        """By Upgrade (RFC 7540 section 3.2), on a new connection or one that is there: `head` is a request's without
        the fields of the upgrade; its answer is that of stream 1."""
        client = cls(where if isinstance(where, socket.socket) else connected(where), starts=False, **options)
        settings = client.h2.initiate_upgrade_connection()
        assert settings is not None
        lines = [*head.split("\n"), "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                 f"HTTP2-Settings: {settings.decode().rstrip('=')}", "", ""]
        client.socket.sendall("\r\n".join(lines).encode() + body)
        client.answers[1] = Answer(1)
        answer = b""
        while b"\r\n\r\n" not in answer:
            # Octet by octet: what follows is HTTP/2.
            octet = client.socket.recv(1)
            assert octet, f"closed after {answer!r}"
            answer += octet
        lines = answer.decode().lower().split("\r\n")
        assert lines[0].startswith("http/1.1 101 "), answer
        assert {"connection: upgrade", "upgrade: h2c"} <= set(lines), answer
        client.flush()
        return client

    def __enter__(self) -> HTTP2Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def vanish(self) -> None:
        """End the connection by a TCP RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    # Sending.

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data:
            try:
                self.socket.sendall(data)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                # What has come all the same is still to be read.
                pass

    def begin(self, path: str = "/", *fields: tuple[str, str], method: str = "GET", ends: bool = True,
              scheme: str = "http", authority: str = "test", flush: bool = True) -> int:
        """The head of a request; returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]
        self.h2.send_headers(stream, [*pseudo, *fields], end_stream=ends)
        self.answers[stream] = Answer(stream)
        if flush:
            self.flush()
        return stream

    def send(self, stream: int, data: bytes, ends: bool = True) -> None:
        """Content, as the server's windows allow; it is given up when the server resets the stream."""
        answer, at = self.answers[stream], 0
        while at < len(data) and answer.reset is None and not answer.ended:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data) - at)
            if not room:
                self.step()
                continue
            self.h2.send_data(stream, data[at:at + room], end_stream=ends and at + room == len(data))
            at += room
            self.flush()
        if ends and not data:
            self.h2.end_stream(stream)
            self.flush()

    def trailers(self, stream: int, *fields: tuple[str, str]) -> None:
        self.h2.send_headers(stream, list(fields), end_stream=True)
        self.flush()

    def reset(self, stream: int, code: int = CANCEL) -> None:
        self.h2.reset_stream(stream, code)
        self.left.add(stream)
        self.flush()

    def open(self, count: int, stream: int | None = None) -> None:
        """Let the server send so much more, on a stream or on the connection."""
        self.h2.increment_flow_control_window(count, stream)
        self.flush()

    def set_window(self, size: int) -> None:
        """Change INITIAL_WINDOW_SIZE, and wait until the server knows."""
        count = self.count(SETTINGS)
        self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: size})
        self.flush()
        self.until(lambda: self.count(SETTINGS) > count)

    def ping(self, octets: bytes = b"12345678") -> None:
        """Send a PING and wait for its answer: what was sent before has been looked at."""
        count = len(self.pongs)
        self.h2.ping(octets)
        self.flush()
        self.until(lambda: len(self.pongs) > count)

    # Receiving.

    def count(self, kind: int) -> int:
        return sum(frame.kind == kind for frame in self.frames)

    def step(self) -> bool:
        """Read once; False at the end of the connection."""
        self.socket.settimeout(PATIENCE)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            raise AssertionError(f"nothing more came in {PATIENCE:g} s; frames: {self.frames[-20:]}") from None
        except (ConnectionResetError, ssl.SSLEOFError):
            data = b""
        self.eof = not data
        self.take_in(data)
        return bool(data)

    def take_in(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 9:
            size = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + size:
                break
            octets, self.buffer = self.buffer[:9 + size], self.buffer[9 + size:]
            frame = Frame(octets[3], octets[4], int.from_bytes(octets[5:9], "big") & LARGEST, size)
            self.frames.append(frame)
            if frame.kind == GOAWAY:
                last, code = (int.from_bytes(octets[at:at + 4], "big") for at in (9, 13))
                self.farewells.append(Farewell(last, code))
                continue
            if frame.kind == HEADERS and frame.stream in self.left:
                # `h2` fails at an informational one. The server has no dynamic table: nothing is missed.
                continue
            if frame.kind == RST_STREAM:
                self.refused[frame.stream] = int.from_bytes(octets[9:13], "big")
                if frame.stream not in self.answers:
                    continue
            for event in self.h2.receive_data(octets):
                self.hear(event)
        self.flush()

    def hear(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.PingReceived():
                self.pings.append(event.ping_data)
                return
            case h2.events.PingAckReceived():
                self.pongs.append(event.ping_data)
                return
        answer = self.answers.get(getattr(event, "stream_id", None) or 0)
        if answer is None:
            return
        match event:
            case h2.events.InformationalResponseReceived():
                answer.interim.append((int(dict(event.headers)[":status"]), event.headers[1:]))
            case h2.events.ResponseReceived():
                assert not answer.status, "a second head"
                answer.status, answer.fields = int(event.headers[0][1]), event.headers[1:]
            case h2.events.TrailersReceived():
                answer.trailers = list(event.headers)
            case h2.events.DataReceived():
                answer.body += event.data
                if self.takes and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                answer.ended = True
            case h2.events.StreamReset():
                answer.reset = int(event.error_code)

    def until(self, condition: Callable[[], object]) -> None:
        """Read until that is so."""
        while not condition():
            assert self.step(), f"the server has closed; frames: {self.frames[-20:]}, farewells: {self.farewells}"

    def until_eof(self) -> None:
        while self.step():
            pass

    def answer(self, stream: int) -> Answer:
        """The answer of a stream, complete or reset."""
        found = self.answers[stream]
        self.until(lambda: found.ended or found.reset is not None)
        return found

    def request(self, path: str = "/", *fields: tuple[str, str], body: bytes | None = None, **options: Any) -> Answer:
        """A request and its whole answer, which is not reset."""
        stream = self.begin(path, *fields, ends=body is None, **options)
        if body is not None:
            self.send(stream, body)
        answer = self.answer(stream)
        assert answer.reset is None, f"reset with {answer.reset}"
        return answer


def connected(address: Address) -> socket.socket:
    """A socket that sends at once and waits long."""
    if isinstance(address, str):
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        wire.settimeout(PATIENCE)
        wire.connect(address)
        return wire
    wire = socket.create_connection(address, PATIENCE)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire
