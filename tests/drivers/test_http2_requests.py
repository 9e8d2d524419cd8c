"""What every worker type promises of requests that come by HTTP/2, with real processes and sockets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.drivers.http2_apps import BIG, CONCURRENT, WORKERS, Servers, connect, shared
from tests.support.http2 import DATA, END_STREAM, HEADERS, SETTINGS, HTTP2Client
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until

HOOKS = """
def pre_request(worker, req):
    worker.log.info("PRE %s %s", req.method, req.path)

def post_request(worker, req, environ, resp):
    worker.log.info("POST %s %s %s", req.path, resp.status, req.trailers)
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from shared(tmp_path_factory, "--access-logfile", "-", config=HOOKS)


@pytest.fixture(params=WORKERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str, servers: Servers) -> Server:
    return servers(kind)


@pytest.fixture
def client(server: Server) -> Iterator[HTTP2Client]:
    with connect(server) as made:
        yield made
        # Whatever a test has done on its streams, the connection goes on.
        assert made.request().body == b"Hello, World!"
        assert not made.farewells


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from shared(tmp_path_factory, "--no-buffer-request-body")


class TestRequests:
    def test_one_after_the_other(self, client: HTTP2Client) -> None:
        for _ in range(3):
            answer = client.request()
            assert (answer.status, answer.body) == (200, b"Hello, World!")
            assert answer.get("content-length") == "13"
            assert answer.get("content-type") == "text/plain"
            assert answer.get("server") is not None
            assert answer.get("date") is not None
            # Fields of one hop, which HTTP/2 forbids.
            assert answer.get("connection") is None
            assert answer.get("transfer-encoding") is None

    def test_a_hundred_at_once(self, client: HTTP2Client) -> None:
        streams = [client.begin(flush=False) for _ in range(100)]
        client.flush()
        assert {bytes(client.answer(stream).body) for stream in streams} == {b"Hello, World!"}

    def test_environ(self, client: HTTP2Client) -> None:
        answer = client.request("/environ?a=%20b", ("x-note", "n"), ("cookie", "a=1"), ("cookie", "b=2"),
                                scheme="https", authority="name.test:81", method="PATCH")
        assert answer.json() == {
            "REQUEST_METHOD": "PATCH", "PATH_INFO": "/environ", "QUERY_STRING": "a=%20b", "RAW_URI": "/environ?a=%20b",
            "SERVER_PROTOCOL": "HTTP/2.0", "HTTP_HOST": "name.test:81", "HTTP_COOKIE": "a=1; b=2",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_X_NOTE": "n", "CONTENT_LENGTH": None, "CONTENT_TYPE": None,
            # What the client says of the scheme is not what the connection is.
            "wsgi.url_scheme": "http",
        }

    @pytest.mark.parametrize("told", [True, False], ids=["content-length", "no length"])
    def test_a_body(self, client: HTTP2Client, told: bool) -> None:
        for size in (1, 1000, 200_000):
            body = os.urandom(size)
            fields = [("content-length", str(size))] if told else []
            assert client.request("/echo", *fields, body=body, method="POST").body == body
        assert client.request("/echo", body=b"", method="POST").body == b""

    def test_a_body_that_nobody_reads(self, client: HTTP2Client) -> None:
        for _ in range(5):
            answer = client.request("/ignore", body=b"x" * 100_000, method="POST")
            assert answer.body == b"not read"

    def test_head(self, client: HTTP2Client) -> None:
        stream = client.begin("/big", method="HEAD")
        answer = client.answer(stream)
        assert (answer.status, answer.body) == (200, b"")
        assert answer.get("content-length") == str(len(BIG))
        assert_ends_with_its_head(client, stream)

    @pytest.mark.parametrize("line", ["204 No Content", "304 Not Modified"])
    def test_answers_without_content(self, client: HTTP2Client, line: str) -> None:
        stream = client.begin("/status?" + line.replace(" ", "+"))
        answer = client.answer(stream)
        assert (answer.status, answer.body, answer.get("x-empty")) == (int(line[:3]), b"", "yes")
        assert_ends_with_its_head(client, stream)

    @pytest.mark.parametrize("line", ["100 Continue", "101 Switching Protocols"])
    def test_a_status_that_ends_no_response(self, client: HTTP2Client, line: str) -> None:
        assert client.request("/status?" + line.replace(" ", "+")).status == 500

    def test_content_of_unknown_length(self, client: HTTP2Client) -> None:
        answer = client.request("/parts")
        assert answer.body == BIG
        assert answer.get("content-length") is None
        assert answer.get("transfer-encoding") is None

    def test_large_answers(self, client: HTTP2Client) -> None:
        assert client.request("/big").body == BIG

    def test_a_file(self, client: HTTP2Client) -> None:
        for _ in range(2):
            assert client.request("/file").body == BIG

    def test_early_hints(self, client: HTTP2Client) -> None:
        answer = client.request("/hints")
        assert answer.interim == [(103, [("link", "</a.css>; rel=preload")])]
        assert (answer.status, answer.body) == (200, b"Hello, World!")

    def test_an_application_that_fails_before_its_head(self, client: HTTP2Client) -> None:
        answer = client.request("/raise")
        assert answer.status == 500
        assert b"Internal Server Error" in answer.body

    def test_an_application_that_fails_behind_its_head(self, client: HTTP2Client) -> None:
        answer = client.answer(client.begin("/breaks"))
        assert (answer.status, answer.reset, answer.ended) == (200, 2, False)

    def test_an_answer_that_is_shorter_than_it_says(self, client: HTTP2Client) -> None:
        # A client must not take it for the whole one (RFC 9113 section 8.1.1).
        answer = client.answer(client.begin("/half"))
        assert (answer.status, answer.reset, answer.ended) == (200, 2, False)

    def test_an_answer_that_is_longer_than_it_says(self, client: HTTP2Client) -> None:
        assert client.request("/over").body == b"1234567890"

    def test_fields_of_one_hop_are_left_out(self, client: HTTP2Client) -> None:
        answer = client.request("/hop")
        assert {name for name, _ in answer.fields} == {"server", "date", "content-type", "content-length", "x-upper"}
        assert answer.get("x-upper") == "Value"

    def test_write(self, client: HTTP2Client) -> None:
        assert client.request("/write").body == b"written twice, returned"

    def test_more_streams_than_are_allowed(self, servers: Servers, kind: str) -> None:
        with connect(servers(kind), takes=False, window=0) as client:
            client.until(lambda: client.count(SETTINGS))
            streams = [client.begin("/big") for _ in range(100)]
            client.ping()
            # The package keeps to the limit; so one more by hand, with the fields of a static table.
            more = streams[-1] + 2
            client.socket.sendall(b"\0\0\7\1\5" + more.to_bytes(4, "big") + b"\x82\x86\x84\x41\x02ab")
            client.until(lambda: more in client.refused)
            assert client.refused[more] == 7
            for stream in streams:
                client.reset(stream)
            client.ping()
            assert not client.farewells

    def test_what_the_application_returns_is_closed(self, server: Server, client: HTTP2Client) -> None:
        stream = client.begin("/endless?closed")
        client.until(lambda: len(client.answers[stream].body) > 100_000)
        client.reset(stream)
        wait_until(lambda: (server.folder / "closed").exists())

    def test_a_body_that_breaks_off(self, servers: Servers, streaming: Servers, kind: str) -> None:
        for server in (servers(kind), streaming(kind)):
            with connect(server) as client:
                stream = client.begin("/reads?broken", method="POST", ends=False)
                client.send(stream, b"some", ends=False)
                client.ping()
                client.reset(stream)
                assert client.request().body == b"Hello, World!"
        wait_until(lambda: (streaming(kind).folder / "broken").exists())
        # Where it is stored first, the application never hears of it.
        assert not (servers(kind).folder / "broken").exists()

    def test_expect_continue(self, client: HTTP2Client) -> None:
        assert_continued(client, "/echo")

    def test_trailers_of_a_request(self, server: Server, client: HTTP2Client) -> None:
        stream = client.begin("/echo?trailed", method="POST", ends=False)
        client.send(stream, b"content", ends=False)
        client.trailers(stream, ("x-sum", "42"))
        assert client.answer(stream).body == b"content"
        server.wait_for_log(r"POST /echo 200 OK \[\('X-SUM', '42'\)\]|POST /echo 200 OK \[\('x-sum', '42'\)\]")

    def test_hooks_and_access_log(self, server: Server, client: HTTP2Client) -> None:
        assert client.request("/logged?q=1", ("user-agent", "tests")).status == 200
        server.wait_for_log(r'^127\.0\.0\.1 - - \[[^]]+\] "GET /logged\?q=1 HTTP/2\.0" 200 13 "-" "tests"$')
        server.wait_for_log("PRE GET /logged")
        server.wait_for_log("POST /logged 200 OK")


@pytest.mark.parametrize("kind", WORKERS)
class TestStreamedBodies:
    """With `buffer_request_body` off the application reads while the client sends."""

    def test_come_back(self, streaming: Servers, kind: str) -> None:
        body = os.urandom(3_000_000)
        with connect(streaming(kind)) as client:
            for path in ("/echo", "/pieces"):
                stream = client.begin(path, method="POST", ends=False)
                client.send(stream, body)
                assert client.answer(stream).body == body
            assert client.request().body == b"Hello, World!"

    def test_are_answered_piece_by_piece(self, streaming: Servers, kind: str) -> None:
        """Whoever takes in what has come, the application hears of it at once, and not when it looks again."""
        with connect(streaming(kind)) as client:
            end = time.monotonic() + PATIENCE
            stream = client.begin("/lines", method="POST", ends=False)
            answer, sent = client.answers[stream], b""
            for number in range(1500):
                line = b"%d\n" % number
                client.send(stream, line, ends=False)
                sent += line
                client.until(lambda: len(answer.body) >= len(sent))  # noqa: B023
                assert time.monotonic() < end, f"only {number} lines have come back"
            client.send(stream, b"end")
            assert client.answer(stream).body == sent + b"end"

    def test_are_asked_for(self, streaming: Servers, kind: str) -> None:
        with connect(streaming(kind)) as client:
            assert_continued(client, "/echo")

    def test_that_wait_for_their_turn_hold_up_no_other(self, streaming: Servers, kind: str) -> None:
        """Not even where more of them wait than the connection's window has room for."""
        body = os.urandom(200_000)
        with connect(streaming(kind)) as client:
            streams = [client.begin("/echo", method="POST", ends=False) for _ in range(40)]
            for stream in streams:
                # As far as their windows go.
                client.send(stream, body[:60_000], ends=False)
            for stream in streams:
                client.send(stream, body[60_000:])
            for stream in streams:
                assert client.answer(stream).body == body

    def test_that_nobody_reads_use_up_no_window(self, streaming: Servers, kind: str) -> None:
        with connect(streaming(kind)) as client:
            # Together they are twice what the connection's window is.
            for _ in range(40):
                stream = client.begin("/ignore", method="POST", ends=False)
                client.send(stream, b"x" * 60_000, ends=False)
                client.answer(stream)
            assert client.request("/echo", body=b"read", method="POST").body == b"read"

    def test_are_not_asked_for_in_vain(self, streaming: Servers, kind: str) -> None:
        with connect(streaming(kind)) as client:
            stream = client.begin("/ignore", ("expect", "100-continue"), method="POST", ends=False)
            answer = client.answers[stream]
            client.until(lambda: answer.ended)
            assert (answer.status, answer.body, answer.interim) == (200, b"not read", [])
            # The client need not send what nobody wants (RFC 9113 section 8.1).
            client.until(lambda: answer.reset is not None)
            assert answer.reset == 0
            assert client.request().body == b"Hello, World!"


class TestFlowControl:
    def test_an_upload_larger_than_every_window(self, client: HTTP2Client) -> None:
        body = os.urandom(3_000_000)
        assert client.request("/echo", body=body, method="POST").body == body

    @pytest.mark.parametrize("path", ["/big", "/parts", "/file"])
    def test_a_window_of_ten_octets(self, server: Server, kind: str, path: str) -> None:
        with connect(server, takes=False, window=10) as client:
            stream = client.begin(path)
            answer = client.answers[stream]
            first = 20_000 if (kind, path) in (("gthread", "/big"), ("asgi", "/parts"), ("sync", "/file")) else 500
            for size in range(10, first + 10, 10):
                client.until(lambda: len(answer.body) >= size)  # noqa: B023
                assert len(answer.body) == size
                client.open(10, stream)
            client.until(lambda: len(answer.body) >= first + 10)
            # Nothing goes beyond the window.
            client.ping()
            assert len(answer.body) == first + 10
            client.open(6_000_000)
            client.open(6_000_000, stream)
            assert client.answer(stream).body == BIG

    def test_the_initial_window_changes(self, server: Server) -> None:
        with connect(server, takes=False, window=50_000) as client:
            client.open(6_000_000)
            stream = client.begin("/big")
            answer = client.answers[stream]
            client.until(lambda: len(answer.body) == 50_000)
            # Below zero: 50,000 are sent of 20,000 that are allowed.
            client.set_window(20_000)
            client.open(25_000, stream)
            client.ping()
            assert len(answer.body) == 50_000
            client.open(5001, stream)
            client.until(lambda: len(answer.body) == 50_001)
            client.set_window(30_000)
            client.until(lambda: len(answer.body) == 60_001)
            client.ping()
            assert len(answer.body) == 60_001
            client.set_window(6_000_000)
            assert client.answer(stream).body == BIG

    @pytest.mark.parametrize("path", ["/big", "/file"])
    def test_a_stream_that_nobody_takes_from(self, server: Server, path: str) -> None:
        with connect(server, takes=False, window=1000) as client:
            client.open(1_000_000)
            streams = [client.begin(path) for _ in range(3)]
            for stream in streams:
                client.until(lambda: len(client.answers[stream].body) == 1000)  # noqa: B023
            for _ in range(20):
                assert client.request().body == b"Hello, World!"
            for stream in streams:
                client.open(6_000_000, stream)
            client.open(20_000_000)
            for stream in streams:
                assert client.answer(stream).body == BIG


class TestSideBySide:
    @pytest.mark.parametrize("kind", CONCURRENT)
    def test_requests_of_one_connection(self, servers: Servers, kind: str) -> None:
        with connect(servers(kind)) as client:
            # None of them is answered before all are there.
            streams = [client.begin("/meet?4", flush=False) for _ in range(4)]
            client.flush()
            assert [client.answer(stream).status for stream in streams] == [200] * 4

    @pytest.mark.parametrize("kind", CONCURRENT)
    def test_one_that_waits_for_another(self, servers: Servers, kind: str) -> None:
        with connect(servers(kind)) as client:
            waiting = [client.begin("/wait?all") for _ in range(3)]
            client.request("/open?all")
            assert [client.answer(stream).status for stream in waiting] == [200] * 3

    @pytest.mark.parametrize("kind", ["sync", "tornado"])
    def test_the_most_urgent_first(self, servers: Servers, kind: str) -> None:
        with connect(servers(kind)) as client:
            client.request("/orders")
            streams = [client.begin(f"/order?{urgency}", ("priority", f"u={urgency}"), flush=False)
                       for urgency in (7, 3, 0, 5, 1)]
            client.flush()
            for stream in streams:
                client.answer(stream)
            assert client.request("/orders").body == b"0,1,3,5,7"


class TestASGI:
    """An ASGI application on its own worker."""

    @pytest.fixture
    def client(self, servers: Servers) -> Iterator[HTTP2Client]:
        with connect(servers("asgi-app")) as made:
            yield made
            assert made.request().body == b"Hello, World!"
            assert not made.farewells

    def test_scope(self, client: HTTP2Client) -> None:
        seen = client.request("/scope", ("x-note", "n"), ("cookie", "a=1"), ("cookie", "b=2"), scheme="https",
                              authority="name.test:81").json()
        assert (seen["method"], seen["http_version"], seen["scheme"]) == ("GET", "2", "http")
        assert seen["client"][0] == "127.0.0.1"
        fields = [tuple(pair) for pair in seen["headers"]]
        assert sorted(fields) == [("cookie", "a=1; b=2"), ("host", "name.test:81"), ("x-note", "n")]
        assert {"http.response.early_hint", "http.response.pathsend", "http.response.trailers"} <= set(
            seen["extensions"]
        )

    def test_bodies(self, client: HTTP2Client) -> None:
        for size in (0, 1, 200_000, 3_000_000):
            body = os.urandom(size)
            assert client.request("/echo", body=body, method="POST").body == body

    def test_both_ways_at_once(self, client: HTTP2Client) -> None:
        stream = client.begin("/duplex", method="POST", ends=False)
        answer = client.answers[stream]
        client.until(lambda: answer.status)
        for number in range(50):
            client.send(stream, b"a", ends=False)
            client.until(lambda: len(answer.body) == number + 1)  # noqa: B023
        client.send(stream, b"end")
        assert client.answer(stream).body == b"A" * 50 + b"END"

    def test_head_and_status(self, client: HTTP2Client) -> None:
        for options in ({"method": "HEAD", "path": "/big"}, {"path": "/status?204"}, {"path": "/status?304"}):
            stream = client.begin(**options)
            assert client.answer(stream).body == b""
            assert_ends_with_its_head(client, stream)

    @pytest.mark.parametrize("path", ["/big", "/parts", "/pathsend"])
    def test_large_answers(self, client: HTTP2Client, path: str) -> None:
        for _ in range(2):
            assert client.request(path).body == BIG

    @pytest.mark.parametrize("path", ["/big", "/parts", "/pathsend"])
    def test_windows_of_the_client(self, servers: Servers, path: str) -> None:
        with connect(servers("asgi-app"), takes=False, window=10) as client:
            client.open(1000)
            streams = [client.begin(path) for _ in range(3)]
            for stream in streams:
                client.until(lambda: len(client.answers[stream].body) == 10)  # noqa: B023
            for _ in range(20):
                # Thirteen octets of ten.
                ordinary = client.begin()
                client.open(3, ordinary)
                assert client.answer(ordinary).body == b"Hello, World!"
            client.open(20_000_000)
            for stream in streams:
                client.open(6_000_000, stream)
                assert client.answer(stream).body == BIG

    def test_early_hints(self, client: HTTP2Client) -> None:
        answer = client.request("/hints")
        assert answer.interim == [(103, [("link", "</a.css>; rel=preload")])]
        assert answer.body == b"Hello, World!"

    @pytest.mark.parametrize("size", [0, 5, 200_000])
    def test_trailers(self, client: HTTP2Client, size: int) -> None:
        answer = client.request(f"/trailers?{size}", ("te", "trailers"))
        assert (answer.status, answer.get("trailer"), len(answer.body)) == (200, "x-sum", size)
        assert answer.trailers == [("x-sum", "42")]
        # Who does not ask for them does without.
        answer = client.request(f"/trailers?{size}")
        assert (answer.get("trailer"), len(answer.body), answer.trailers) == (None, size, None)

    def test_failures(self, client: HTTP2Client) -> None:
        assert client.request("/raise").status == 500
        for path in ("/breaks", "/half"):
            answer = client.answer(client.begin(path))
            assert (answer.status, answer.reset, answer.ended) == (200, 2, False)

    def test_expect_continue(self, client: HTTP2Client) -> None:
        assert_continued(client, "/echo")

    def test_requests_side_by_side(self, client: HTTP2Client) -> None:
        waiting = [client.begin("/wait?side") for _ in range(50)]
        client.request("/open?side")
        assert [client.answer(stream).status for stream in waiting] == [200] * 50

    def test_a_client_that_resets_what_is_sent(self, servers: Servers, client: HTTP2Client) -> None:
        stream = client.begin("/flood?flooded")
        client.until(lambda: len(client.answers[stream].body) > 1_000_000)
        client.reset(stream)
        wait_until(lambda: (servers("asgi-app").folder / "flooded").exists())

    def test_a_hundred_event_streams(self, servers: Servers) -> None:
        with connect(servers("asgi-app")) as client:
            # One place is left for ordinary requests: a hundred streams may be open.
            streams = [client.begin("/events?all") for _ in range(99)]
            for stream in streams:
                client.until(lambda: client.answers[stream].body == b"data: 0\n\n")  # noqa: B023
            for _ in range(10):
                assert client.request().body == b"Hello, World!"
            client.request("/open?all")
            for stream in streams:
                assert client.answer(stream).body == b"data: 0\n\ndata: 1\n\n"


def assert_ends_with_its_head(client: HTTP2Client, stream: int) -> None:
    found = [frame for frame in client.frames if frame.stream == stream and frame.kind in (HEADERS, DATA)]
    assert [(frame.kind, frame.flags & END_STREAM) for frame in found] == [(HEADERS, END_STREAM)]


def assert_continued(client: HTTP2Client, path: str) -> None:
    """A client that waits for 100 with its body gets it, once."""
    stream = client.begin(path, ("expect", "100-continue"), ("content-length", "7"), method="POST", ends=False)
    answer = client.answers[stream]
    client.until(lambda: answer.interim)
    client.send(stream, b"content")
    assert client.answer(stream).body == b"content"
    assert [status for status, _ in answer.interim] == [100]
