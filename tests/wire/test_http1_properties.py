"""Whatever comes: an `HTTPError` or requests, the same for every cut, framed as stricter readers frame it."""

from __future__ import annotations

import h11
import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .feeding import Outcome, feed, feed_both

# Fragments that are nearly a request: random octets alone would hardly ever get past the method.
FRAGMENTS = st.sampled_from([
    b"GET", b"POST", b" ", b"/", b"/a?b", b"*", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b"Host: a\r\n",
    b"Host:",
    b"Content-Length: 3\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:", b"chunked",
    b"Connection: close\r\n", b"X: y\r\n", b":", b"\t", b"0\r\n\r\n", b"3\r\nabc\r\n", b"abc", b"\0", b"\xff", b";a=b",
    b"1",
    b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n", b"Expect: 100-continue\r\n",
])
NEARLY = st.lists(st.one_of(FRAGMENTS, st.binary(max_size=4)), max_size=20).map(b"".join)


def complete(outcome: Outcome) -> list[tuple[object, object, object]]:
    return [(part[1], part[2], part[4]) for part in outcome if part[0] == "request" and part[4] is not None]


@settings(max_examples=400, deadline=None)
@given(NEARLY, st.data())
def test_every_cut_says_the_same(data: bytes, draw: st.DataObject) -> None:
    whole = feed([data])
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=5)))
    pieces = [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    again = feed([piece for piece in pieces if piece])
    assert complete(again) == complete(whole)
    assert [part for part in again if part[0] == "error"] == [part for part in whole if part[0] == "error"]


@pytest.mark.parametrize("pieces", [[b"\r\n\r"], [b"\r\n", b"\r"], [b"\r", b"\n\r"], [b"\r", b"\n", b"\r"]])
def test_a_second_empty_line_is_refused_at_once(pieces: list[bytes]) -> None:
    assert feed(pieces) == [("error", 400)]


def read_by_h11(data: bytes) -> list[tuple[str, str, bytes]] | None:
    """Complete requests as h11 frames them; None when it refuses."""
    found: list[tuple[str, str, bytes]] = []
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                current, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((current.method.decode(), current.target.decode(), body))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is h11.MUST_CLOSE or connection.their_state is h11.MUST_CLOSE:
                    return found
                connection.start_next_cycle()
            else:
                return found
    except h11.RemoteProtocolError:
        return None


class HttptoolsReader:
    """Complete requests as httptools (llhttp) frames them."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, bytes]] = []
        self.url = self.body = b""

    def on_message_begin(self) -> None:
        self.url = self.body = b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.found.append((self.parser.get_method().decode(), self.url.decode(), self.body))

    def read(self, data: bytes) -> list[tuple[str, str, bytes]] | None:
        self.parser = httptools.HttpRequestParser(self)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None
        return self.found


@settings(max_examples=400, deadline=None)
@given(NEARLY)
@example(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n")
def test_what_both_accept_is_framed_alike(data: bytes) -> None:
    ours = feed([data])
    requests = complete(ours)
    if not requests or any(part[0] == "error" for part in ours):
        return
    # After `Connection: close` h11 stops; everything it has framed must be the beginning of what we have.
    theirs = read_by_h11(data)
    if theirs is not None:
        assert requests[:len(theirs)] == theirs
    # llhttp knows a fixed list of methods and refuses others; what it takes whole must be framed alike.
    llhttp = HttptoolsReader().read(data)
    if llhttp:
        assert requests[:len(llhttp)] == llhttp


BODIES = st.lists(st.binary(min_size=1, max_size=300), max_size=6)


@settings(max_examples=200, deadline=None)
@given(BODIES, st.booleans(), st.integers(1, 50))
def test_a_client_of_h11_is_understood(pieces: list[bytes], chunked: bool, step: int) -> None:
    client = h11.Connection(h11.CLIENT)
    body = b"".join(pieces)
    framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(len(body)))
    data = client.send(h11.Request(method="POST", target="/x", headers=[("host", "a"), framing])) or b""
    for piece in pieces:
        data += client.send(h11.Data(piece)) or b""
    data += client.send(h11.EndOfMessage()) or b""
    cut = [data[start:start + step] for start in range(0, len(data), step)]
    assert complete(feed(cut)) == [("POST", "/x", body)]


NAMES = st.sampled_from([b"X-A", b"x-a", b"X-B", b"Cookie", b"N" * 70, b"N" * 71])
VALUES = st.sampled_from([b"", b"a", b"b", b"a" * 128, b"a" * 129, b"\xe9", b"\xe8"])


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=5), min_size=1, max_size=6))
def test_names_and_values_remembered_change_nothing(messages: list[list[tuple[bytes, bytes]]]) -> None:
    requests = [
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"%b: %b\r\n" % pair for pair in pairs) + b"\r\n"
        for pairs in messages
    ]
    assert feed_both(b"".join(requests)) == [outcome for request in requests for outcome in feed([request])]
