"""HTTP/2 beside another implementation: a client made of `h2` and this server agree on all that is said."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import h2.windows
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.request import Request
from gunicorn.wire import hpack
from gunicorn.wire.http2 import HTTP2
from gunicorn.wire.http2_frames import HTTP2Settings
from gunicorn.wire.http2_streams import Recipient, Stream

Pairs = list[tuple[bytes, bytes]]
RESPONSE: Pairs = [(b":status", b"200"), (b"content-type", b"text/plain"), (b"x", b"y" * 50)]
TRAILERS: Pairs = [(b"grpc-status", b"0")]


def packed(pairs: Pairs) -> bytes:
    return b"".join(hpack.packed(name, value) for name, value in pairs)


class Echo(Recipient):
    """A server that answers every request with its content, as windows allow; streams divisible by 3 with trailers."""

    def __init__(self) -> None:
        self.http2 = HTTP2(hpack.Static(FieldTable(Limits())), False, HTTP2Settings(), self)
        self.queues: dict[int, bytes] = {}
        self.requests: dict[int, tuple[str, str]] = {}
        self.ended: dict[int, object] = {}
        self.resets: dict[int, int] = {}

    def head(self, stream: Stream, request: Request) -> None:
        self.requests[stream.identifier] = (request.method, request.uri)
        self.queues[stream.identifier] = b""
        self.http2.send_head(stream, packed(RESPONSE), False)
        if not stream.receiving:
            self.ended[stream.identifier] = None
            self.flush(stream)

    def refused(self, stream: Stream, request: Request, error: HTTPError) -> None:
        raise AssertionError(error)

    def malformed(self, request: Request, error: HTTPError) -> None:
        raise AssertionError(error)

    def content(self, stream: Stream, data: bytes) -> None:
        self.queues[stream.identifier] += data
        self.http2.consumed(stream, len(data))
        self.flush(stream)

    def end(self, stream: Stream, trailers: list[tuple[str, str]] | None) -> None:
        self.ended[stream.identifier] = trailers
        self.flush(stream)

    def reset(self, stream: Stream, code: int) -> None:
        self.resets[stream.identifier] = code
        self.http2.release(stream)

    def writable(self, stream: Stream | None) -> None:
        for each in list(self.http2.streams.values()) if stream is None else [stream]:
            self.flush(each)

    def flush(self, stream: Stream) -> None:
        if not stream.sending:
            return
        queue = self.queues[stream.identifier]
        count = min(len(queue), self.http2.room(stream))
        whole = count == len(queue) and stream.identifier in self.ended
        self.queues[stream.identifier] = queue[count:]
        trailers = whole and stream.identifier % 3 == 0
        self.http2.send_data(stream, queue[:count], whole and not trailers)
        if trailers:
            self.http2.send_head(stream, packed(TRAILERS), True)
        if whole:
            self.http2.release(stream)


class Both:
    """A client and a server, and what the client has heard."""

    def __init__(self, piece: int) -> None:
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding=None))
        self.server = Echo()
        self.piece = piece
        self.sent: dict[int, bytes] = {}
        self.heard: dict[int, bytes] = {}
        self.over: set[int] = set()
        self.heads: dict[int, Pairs] = {}
        self.trailers: dict[int, Pairs] = {}
        self.pongs = 0
        self.client.initiate_connection()
        self.exchange()

    def exchange(self) -> None:
        """Until both have nothing more to say."""
        while octets := self.client.data_to_send():
            for start in range(0, len(octets), self.piece):
                self.server.http2.receive(octets[start:start + self.piece], 0.0)
            assert not self.server.http2.failed
            for event in self.client.receive_data(self.server.http2.take()):
                self.hear(event)

    def change(self, values: dict[h2.settings.SettingCodes, int]) -> None:
        """One change at a time: `h2` takes the acknowledgement of one for that of all that are on their way."""
        self.exchange()
        self.client.update_settings(values)

    def hear(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived():
                self.heads[event.stream_id] = [(bytes(name), bytes(value)) for name, value in event.headers]
            case h2.events.TrailersReceived():
                self.trailers[event.stream_id] = [(bytes(name), bytes(value)) for name, value in event.headers]
            case h2.events.DataReceived():
                self.heard[event.stream_id] = self.heard.get(event.stream_id, b"") + event.data
                self.client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self.over.add(event.stream_id)
            case h2.events.PingAckReceived():
                self.pongs += 1
            case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                raise AssertionError(event)


values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7e), max_size=60).map(str.encode)
names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20).map(lambda name: b"x-" + name.encode())
steps = st.lists(st.one_of(
    st.tuples(st.just("get"), st.lists(st.tuples(names, values), max_size=8)),
    st.tuples(st.just("post"), st.lists(st.tuples(names, values), max_size=8)),
    st.tuples(
        st.just("data"), st.integers(0, 9), st.binary(min_size=16, max_size=3000), st.none() | st.integers(0, 255)),
    st.tuples(st.just("end"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("reset"), st.integers(0, 9)),
    st.tuples(st.just("ping")),
    st.tuples(st.just("window"), st.integers(0, 100000)),
    st.tuples(st.just("frame size"), st.integers(16384, 100000)),
    st.tuples(st.just("exchange")),
), max_size=60)


@pytest.fixture(autouse=True, scope="module")
def judge_by_the_rules() -> Iterator[None]:
    """`h2` refuses an empty frame where a window has become negative: RFC 9113 section 6.9.1 allows it."""
    consumed = h2.windows.WindowManager.window_consumed
    with mock.patch.object(
        h2.windows.WindowManager, "window_consumed", lambda self, size: consumed(self, size) if size else None
    ):
        yield


@settings(deadline=None)
@given(steps, st.sampled_from([1, 9, 1000, 1 << 20]))
def test_a_client_of_another_kind(steps: list[tuple[object, ...]], piece: int) -> None:
    both = Both(piece)
    client = both.client
    sending: list[int] = []
    reset: set[int] = set()
    pings = 0
    for step in steps:
        match step:
            case ("get" | "post", list() as fields):
                if client.open_outbound_streams >= 100:
                    continue
                number = client.get_next_available_stream_id()
                whole = step[0] == "get"
                head = [(":method", str(step[0]).upper()), (":scheme", "https"), (":path", f"/{number}"),
                        (":authority", "a"), *fields]
                client.send_headers(number, head, end_stream=whole)
                both.sent[number] = b""
                if not whole:
                    sending.append(number)
            case ("data", int() as which, bytes() as data, padding):
                if sending:
                    number = sending[which % len(sending)]
                    need = len(data) + (0 if padding is None else 1 + padding)  # type: ignore[operator]
                    if client.local_flow_control_window(number) >= need:
                        client.send_data(number, data, pad_length=padding)
                        both.sent[number] += data
            case ("end", int() as which, bool() as trailers):
                if sending:
                    number = sending.pop(which % len(sending))
                    if trailers:
                        client.send_headers(number, [("x-a", "b")], end_stream=True)
                    else:
                        client.end_stream(number)
            case ("reset", int() as which):
                if sending:
                    number = sending.pop(which % len(sending))
                    reset.add(number)
                    client.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
            case ("ping",):
                client.ping(b"12345678")
                pings += 1
            case ("window", int() as size):
                both.change({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: size})
            case ("frame size", int() as size):
                both.change({h2.settings.SettingCodes.MAX_FRAME_SIZE: size})
            case _:
                both.exchange()
    both.change({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 24})
    for number in sending:
        client.end_stream(number)
    both.exchange()
    server = both.server
    assert both.pongs == pings
    assert set(server.requests) == set(both.sent)
    assert both.over == set(both.sent) - reset
    assert set(server.resets) == reset
    for number in both.over:
        assert server.requests[number][1] == f"/{number}"
        assert both.heard.get(number, b"") == both.sent[number]
        assert both.heads[number] == RESPONSE
        assert both.trailers.get(number) == (TRAILERS if number % 3 == 0 else None)
    assert not server.http2.streams
