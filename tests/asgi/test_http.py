"""HTTP under ASGI, octet by octet: messages in both directions, framing, back-pressure, disconnection, misuse."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator

import pytest

from tests.asgi.conftest import Saw, ask, exchange
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until

BODY = bytes(range(256)) * 400


# Requests.


def test_scope(server: Server) -> None:
    seen = exchange(server, "/x/scope%20/../caf%C3%A9%2Fscope/scope?a=%20b&c", "X-Two: a", "X-Two: b").json()
    client = seen.pop("client")
    assert client[0] == "127.0.0.1"
    assert client[1] > 1023
    assert seen.pop("headers") == [["host", "test"], ["x-two", "a"], ["x-two", "b"]]
    assert sorted(seen.pop("extensions")) == [
        "http.response.early_hint", "http.response.pathsend", "http.response.trailers",
    ]
    assert seen == {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.5"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/x/scope /../café/scope/scope", "root_path": "", "query_string": "a=%20b&c",
        "raw_path": "/x/scope%20/../caf%C3%A9%2Fscope/scope", "server": ["127.0.0.1", server.port],
    }


def test_scope_of_http_1_0_and_of_an_absolute_target(server: Server) -> None:
    with server.connect() as wire:
        wire.send(b"GET http://other.example/scope?q HTTP/1.0\r\nHost: ignored\r\n\r\n")
        seen = wire.read_response().json()
        assert seen["http_version"] == "1.0"
        assert (seen["path"], seen["query_string"], seen["headers"]) == ("/scope", "q", [["host", "other.example"]])
        wire.expect_eof()


def test_a_body_by_length_and_in_chunks(server: Server) -> None:
    assert exchange(server, "/echo", method="POST", body=BODY).body == BODY
    parts = [BODY[at:at + 999] for at in range(0, len(BODY), 999)]
    chunks = b"".join(b"%x;e=1\r\n%s\r\n" % (len(part), part) for part in parts)
    with server.connect() as wire:
        wire.send(ask("/echo", "Transfer-Encoding: chunked", method="POST") + chunks + b"0\r\nX-T: 1\r\n\r\n")
        assert wire.read_response().body == BODY
        wire.send(ask("/echo", method="POST", body=b"next"))
        assert wire.read_response().body == b"next"


def test_a_body_comes_in_pieces_while_it_is_sent(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/duplex", "Transfer-Encoding: chunked", method="POST"))
        assert wire.read_head().status == 200
        for word in (b"one", b"two", b"three"):
            wire.send(b"%x\r\n%s\r\n" % (len(word), word))
            wanted = b"%x\r\n%s\r\n" % (len(word), word.upper())
            assert wire.read_exactly(len(wanted)) == wanted
        wire.send(b"0\r\n\r\n")
        assert wire.read_exactly(5) == b"0\r\n\r\n"


def test_a_large_upload_is_streamed(server: Server) -> None:
    size = 20_000_000
    with server.connect() as wire:
        wire.send(ask("/sizes", f"Content-Length: {size}", method="POST"))
        for _ in range(size // 100_000):
            wire.send(b"u" * 100_000)
        pieces = wire.read_response().json()
    assert sum(pieces) == size
    assert len(pieces) > 10
    assert max(pieces) <= 2 * 1048576


def test_an_upload_nobody_reads_stays_with_its_client(server: Server) -> None:
    go = server.folder / "go"
    go.unlink(missing_ok=True)
    size = 30_000_000
    with server.connect() as wire:
        wire.send(ask("/stop-and-go", f"Content-Length: {size}", method="POST"))
        wire.socket.setblocking(False)
        sent, quiet = 0, time.monotonic() + 0.5
        while time.monotonic() < quiet:
            try:
                sent += wire.socket.send(b"v" * 65536)
                quiet = time.monotonic() + 0.5
            except BlockingIOError:
                time.sleep(0.005)  # the absence of progress is what is measured
        assert sent < size - 10_000_000, "the server has taken in what nobody reads"
        go.touch()
        wire.socket.settimeout(PATIENCE)
        wire.send(b"v" * (size - sent))
        assert wire.read_response().body == b"%d" % size


def test_continue_is_said_when_the_application_asks(server: Server, saw: Saw) -> None:
    go = server.folder / "ask"
    go.unlink(missing_ok=True)
    with server.connect() as wire:
        wire.send(ask("/asks-late", "Expect: 100-continue", "Content-Length: 4", method="POST"))
        saw("not asked yet")
        assert wire.is_silent(0.1)
        go.touch()
        assert wire.read_head().status == 100
        wire.send(b"body")
        response = wire.read_response()
        assert (response.body, response.get("connection")) == (b"body", None)


def test_continue_is_not_said_when_it_does_not(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/asks-late?never", "Expect: 100-continue", "Content-Length: 4", method="POST"))
        response = wire.read_response()
        assert (response.status, response.interim, response.get("connection")) == (200, [], "close")
        wire.expect_eof()


def test_a_body_that_is_not_wanted(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/pid", method="POST", body=b"here") + ask("/pid"))
        assert [wire.read_response().status for _ in range(2)] == [200, 200]
    with server.connect() as wire:
        wire.send(ask("/pid", "Content-Length: 5000000", method="POST") + b"part")
        assert wire.read_response().status == 200
        wire.expect_eof()


def test_a_small_body_that_nobody_wants_does_not_cost_the_connection(server: Server) -> None:
    with server.connect() as wire:
        for head, body in (
            (ask("/asks-late?never", "Content-Length: 9", method="POST"), b"not read!"),
            (ask("/asks-late?never", "Transfer-Encoding: chunked", method="POST"), b"3\r\nabc\r\n0\r\n\r\n"),
        ):
            wire.send(head)
            assert wire.read_response("POST").body == b"not wanted"
            wire.send_bytewise(body)
        wire.send(ask("/pid"))
        assert wire.read_response().status == 200


def test_a_large_body_that_nobody_wants_is_not_waited_for(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/asks-late?never", "Content-Length: 1000000", method="POST"))
        assert wire.read_response("POST").body == b"not wanted"
        wire.expect_eof()
    with server.connect() as wire:
        wire.send(ask("/asks-late?never", "Transfer-Encoding: chunked", method="POST"))
        assert wire.read_response("POST").body == b"not wanted"
        wire.send(b"ffff\r\n" + b"x" * 65535 + b"\r\n" + b"2\r\nxx\r\n")
        wire.expect_eof()
    with server.connect() as wire:
        wire.send(ask("/asks-late?never", "Transfer-Encoding: chunked", method="POST"))
        assert wire.read_response("POST").body == b"not wanted"
        wire.send(b"no chunk\r\n")
        # The request is answered: there is nobody to tell of the error.
        assert wire.read_until_eof() == b""


@pytest.mark.parametrize(
    ("chunk", "status"), [(b"x\r\n", 400), (b"2\r\nabc\r\n", 400), (b"ffffffffffffffffff\r\n", 413)]
)
def test_a_body_that_is_wrong(server: Server, chunk: bytes, status: int) -> None:
    for first in (b"", b"2\r\nok\r\n"):
        with server.connect() as wire:
            wire.send(ask("/echo", "Transfer-Encoding: chunked", method="POST") + first)
            time.sleep(0.02)  # so that the request is with the application in one of the two cases
            wire.send(chunk)
            response = wire.read_response()
            assert (response.status, response.get("connection")) == (status, "close")
            wire.expect_eof()


def test_a_body_that_ends_early(server: Server) -> None:
    """It is the client's fault, and is told as that: no failure of the application's."""
    for framing, part in (("Content-Length: 5", b"so"), ("Transfer-Encoding: chunked", b"5\r\nso")):
        with server.connect() as wire:
            wire.send(ask("/echo", framing, method="POST") + part)
            wire.finish_sending()
            response = wire.read_response()
            assert (response.status, response.get("connection")) == (400, "close")
            wire.expect_eof()


# Responses.


def test_keep_alive_and_pipelining(server: Server) -> None:
    with server.connect() as wire:
        for number in range(20):
            wire.send(ask("/echo", method="POST", body=b"%d" % number))
            assert wire.read_response().body == b"%d" % number
        wire.send(b"".join(ask(f"/slow?0.0{9 - number}") for number in range(1, 9)) + ask("/pid"))
        for _ in range(8):
            assert wire.read_response().body == b"slow"
        wire.send(ask("/pid", "Connection: close"))
        assert wire.read_response().get("connection") is None
        assert wire.read_response().get("connection") == "close"
        wire.expect_eof()


def test_a_stream_is_chunked_and_goes_on(server: Server) -> None:
    with server.connect() as wire:
        for _ in range(2):
            wire.send(ask("/stream?500"))
            response = wire.read_response()
            assert response.get("transfer-encoding") == "chunked"
            assert response.body == b"".join(b"%d;" % number for number in range(500))


def test_a_stream_to_http_1_0_ends_with_the_connection(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/stream?3", version="1.0"))
        response = wire.read_response()
        assert (response.until_eof, response.body) == (True, b"0;1;2;")
        assert response.get("transfer-encoding") is None


def test_one_part_gets_a_length(server: Server) -> None:
    response = exchange(server, "/hints")
    assert (response.get("content-length"), response.body) == ("6", b"hinted")


@pytest.mark.parametrize(
    ("query", "method", "length", "content"),
    [
        ("200&content-length=7", "HEAD", "7", b""),
        ("200", "HEAD", "7", b""),
        ("204", "GET", None, b""),
        ("204&content-length=7", "GET", None, b""),
        ("304&content-length=7", "GET", "7", b""),
        ("304&etag=x", "HEAD", None, b""),
        ("200", "GET", "7", b"content"),
        ("599", "GET", "7", b"content"),
        ("205", "GET", "0", b""),
    ],
)
def test_framing(server: Server, query: str, method: str, length: str | None, content: bytes) -> None:
    with server.connect() as wire:
        wire.send(ask(f"/status?{query}", method=method) + ask("/pid"))
        response = wire.read_response(method)
        assert (response.status, response.body) == (int(query[:3]), content)
        assert response.get("content-length") == length
        assert response.get("transfer-encoding") is None
        assert wire.read_response().status == 200


def test_head_of_a_stream(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/stream?3", method="HEAD") + ask("/pid"))
        assert wire.read_response("HEAD").get("content-length") is None
        assert wire.read_response().status == 200


def test_connection_close_by_the_application(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/status?200&connection=close"))
        assert wire.read_response().get("connection") == "close"
        wire.expect_eof()


def test_hop_by_hop_fields_are_the_servers(server: Server) -> None:
    response = exchange(server, "/status?200&transfer-encoding=chunked&keep-alive=x")
    assert (response.get("transfer-encoding"), response.get("keep-alive")) == (None, None)
    assert response.body == b"content"


def test_trailers(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/trailers", "TE: trailers", "Connection: TE"))
        response = wire.read_response()
        assert response.body == b"one,two"
        assert response.trailers == [("x-sum", "1"), ("x-end", "2")]
        wire.send(ask("/trailers"))
        assert wire.read_response().trailers == []
        wire.send(ask("/pid"))
        assert wire.read_response().status == 200


def test_early_hints(server: Server) -> None:
    response = exchange(server, "/hints")
    assert [hint.status for hint in response.interim] == [103]
    assert response.interim[0].all("link") == ["</a.css>; rel=preload", "</b.js>; rel=preload"]
    with server.connect() as wire:
        wire.send(ask("/hints", version="1.0"))
        assert wire.read_response().interim == []


def test_a_file_by_path(server: Server) -> None:
    source = (server.folder / "app.py").read_bytes()
    with server.connect() as wire:
        wire.send(ask("/path") + ask("/path", method="HEAD") + ask("/pid"))
        response = wire.read_response()
        assert (response.body, response.get("content-length")) == (source, str(len(source)))
        assert wire.read_response("HEAD").get("content-length") == str(len(source))
        assert wire.read_response().status == 200
    large = server.folder / "large"
    large.write_bytes(BODY * 100)
    with server.connect() as wire:
        wire.send(ask(f"/path?{large}"))
        assert wire.read_response().body == BODY * 100


def test_a_slow_reader_makes_send_wait(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        wire.send(ask("/flood"))
        saw("flood waits after")
        # Nothing was read: so much is in the kernels' buffers at most, and little with us.
        waits = len(re.findall("flood waits", server.log()))
        assert exchange(server, "/pid").status == 200
        wire.read_exactly(10_000_000)
        wait_until(lambda: len(re.findall("flood waits", server.log())) > waits)
    saw("flood ended OSError")


def test_senders_give_others_a_turn(server: Server) -> None:
    assert int(exchange(server, "/fair").body.split()[1]) > 10


# The client's end.


def test_disconnect_is_said_when_the_client_leaves(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(ask("/wait"))
        saw("SAW waiting")
        assert wire.is_silent(0.1)
    saw("heard http.disconnect.*heard http.disconnect")


def test_disconnect_by_reset(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(ask("/wait"))
        saw("SAW waiting")
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    saw("heard http.disconnect")


def test_disconnect_is_not_said_before(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(ask("/wait-or-answer") + ask("/pid"))
        assert wire.read_response().body == b"answered"
        saw("nothing yet.*then http.disconnect")
        assert wire.read_response().status == 200
    assert "early disconnect" not in server.log()


def test_disconnect_in_the_middle_of_a_body(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(ask("/echo", "Content-Length: 100", method="POST") + b"some")
    saw("left while sending")


def test_two_tasks_may_wait(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(ask("/two-readers"))
        assert wire.read_response().body == b"x"
    saw(r"both \['http.disconnect', 'http.disconnect'\]")


def test_who_takes_no_notice_is_cancelled(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(ask("/stubborn"))
        saw("stubborn begins")
    saw("stubborn cancelled.*stubborn cleaned up")
    assert "Exception in ASGI application: /stubborn" not in server.log()


def test_a_client_that_shut_its_side_is_answered(server: Server) -> None:
    with server.connect() as wire:
        wire.send(ask("/slow?0.1"))
        wire.finish_sending()
        assert wire.read_response().body == b"slow"
        wire.expect_eof()


def test_pieces_of_all_sizes_stay_in_order(server: Server) -> None:
    sizes = (1, 4096, 0, 4097, 20_000, 3, *[4000] * 8, 5, 70_000, 2)
    expected = b"".join(bytes([97 + number]) * size for number, size in enumerate(sizes)) + b"end"
    assert exchange(server, "/mixed").body == expected
    with server.connect() as wire:
        wire.send(b"GET /mixed HTTP/1.0\r\n\r\n")
        assert wire.read_until_eof().endswith(b"\r\n\r\n" + expected)


def test_a_client_does_not_end_what_runs_behind_its_response(server: Server, saw: Saw) -> None:
    assert exchange(server, "/background").body == b"done"
    saw("background finished")


def test_the_next_request_does_not_wait_for_what_runs_behind_a_response(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(ask("/background?behind") + ask("/pid"))
        assert [wire.read_response().status for _ in range(2)] == [200, 200]
    (server.folder / "behind").touch()
    saw("background finished")


def test_cancelling_a_part(server: Server, saw: Saw) -> None:
    assert exchange(server, "/swallowed").body == b"CancelledError"
    saw("part cancelled.*timed out")


def test_what_receive_and_send_return_passes_for_native(server: Server) -> None:
    assert exchange(server, "/native").json() == [True] * 5


# Misuse and failure.


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("no-start", "unexpected message 'http.response.body': expected http.response.start"),
        ("start-twice", "unexpected message 'http.response.start': expected http.response.body"),
        ("no-dict", "a message must be a dict, not str"),
        ("no-type", "a message needs a 'type', a str"),
        ("unknown", "unknown message 'http.response.wrong'"),
        ("status", "'status' of a http.response.start message must be an int, not '200'"),
        ("status-range", "'status' of a http.response.start message must be from 200 to 999, not 100"),
        ("body-str", "'body' of a http.response.body message must be bytes, not str"),
        ("header-break", "'headers' of a http.response.start message: Invalid response header: 'x-a'"),
        ("header-pair", "'headers' of a http.response.start message: Invalid response header"),
        ("header-str", "'headers' of a http.response.start message: Invalid response header"),
        ("late-hint", "unexpected message 'http.response.early_hint': expected http.response.body"),
        ("trailers", "unexpected message 'http.response.trailers': expected http.response.body"),
        ("no-file", "http.response.pathsend: .*No such file"),
        ("folder", "http.response.pathsend: '/' is not a regular file"),
        ("nothing", "the application ended without a response"),
        ("start-only", "the application ended before its response was complete"),
    ],
)
def test_misuse_before_the_head(server: Server, saw: Saw, kind: str, words: str) -> None:
    with server.connect() as wire:
        wire.send(ask(f"/misuse?{kind}"))
        response = wire.read_response()
        assert (response.status, response.get("connection")) == (500, "close")
        wire.expect_eof()
    saw(rf"\[ERROR\] ASGI: /misuse\?{kind}: {words}")


@pytest.mark.parametrize(
    ("kind", "octets", "words"),
    [
        ("too-long", b"Content-Length: 3.*\r\n\r\n123$", "more content than the Content-Length of 3 bytes"),
        ("too-short", b"Content-Length: 10.*\r\n\r\n12345$", "content of 5 bytes, less than the Content-Length of 10"),
        ("half", b"chunked.*\r\n\r\n4\r\nhalf\r\n$", "the application ended before its response was complete"),
        ("after-end", b"\r\n\r\nok$", "unexpected message 'http.response.body': the response is complete"),
    ],
)
def test_misuse_after_the_head(server: Server, saw: Saw, kind: str, octets: bytes, words: str) -> None:
    with server.connect() as wire:
        wire.send(ask(f"/misuse?{kind}", *["Connection: close"] * (kind in ("after-end", "too-long"))))
        data = wire.read_until_eof()
    assert re.search(octets, data, re.DOTALL | re.IGNORECASE), data
    saw(rf"\[ERROR\] ASGI: /misuse\?{kind}: {words}")


def test_a_refused_start_may_be_followed_by_a_good_one(server: Server) -> None:
    response = exchange(server, "/recovers")
    assert (response.status, response.body) == (503, b"Misuse")


@pytest.mark.parametrize("where", ["before", "between"])
def test_a_failure_before_the_head(server: Server, saw: Saw, where: str) -> None:
    with server.connect() as wire:
        wire.send(ask(f"/fails?{where}"))
        response = wire.read_response()
        assert response.status == 500
        assert b"ZeroDivision" not in response.body
        wire.expect_eof()
    saw(rf"Exception in ASGI application: /fails\?{where}.*ZeroDivisionError: on purpose")


def test_a_failure_after_the_head_cuts_the_response(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(ask("/fails?after"))
        data = wire.read_until_eof()
        assert data.endswith(b"4\r\nsome\r\n"), data
    saw("ZeroDivisionError")
    with server.connect() as wire:
        wire.send(ask("/fails?after", version="1.0"))
        wire.read_until_eof()
        assert wire.reset, "without a reset a client would take the half for the whole"


# Settings.


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from tests.asgi.conftest import APPLICATION

    server = Server(
        tmp_path_factory.mktemp("proxied"), APPLICATION, "-k", "asgi", "--root-path", "/api/",
        "--forwarded-for", "x-forwarded-for",
        "--header", "X-Always: yes", "--access-logfile", "-", expect_traceback=True,
    )
    try:
        yield server.start()
        server.stop()
    finally:
        server.kill()


def test_root_path(proxied: Server) -> None:
    seen = exchange(proxied, "/scope").json()
    assert (seen["root_path"], seen["path"], seen["raw_path"]) == ("/api", "/api/scope", "/scope")
    seen = exchange(proxied, "/api/scope").json()
    assert (seen["root_path"], seen["path"], seen["raw_path"]) == ("/api", "/api/scope", "/api/scope")


def test_a_trusted_proxy_tells_scheme_and_client(proxied: Server) -> None:
    seen = exchange(proxied, "/scope", "X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.7").json()
    assert (seen["scheme"], seen["client"][0]) == ("https", "192.0.2.7")


def test_fields_of_every_response(proxied: Server) -> None:
    assert exchange(proxied, "/pid").get("x-always") == "yes"
    assert exchange(proxied, "/fails?before").get("x-always") == "yes"


def test_access_log(proxied: Server) -> None:
    assert exchange(proxied, "/stream?3", "User-Agent: a test").status == 200
    proxied.wait_for_log(r'127\.0\.0\.1 - - \[.*\] "GET /stream\?3 HTTP/1\.1" 200 6 "-" "a test"$')
    with proxied.connect() as wire:
        wire.send(ask("/echo", "Transfer-Encoding: chunked", method="POST") + b"x\r\n")
        assert wire.read_response().status == 400
    proxied.wait_for_log('"POST /echo HTTP/1.1" 400')
    time.sleep(0.3)  # a second line would have been written by then
    assert proxied.log().count('"POST /echo HTTP/1.1"') == 1


def test_json_of_a_scope_is_whole(proxied: Server) -> None:
    assert json.loads(exchange(proxied, "/scope").body)["type"] == "http"
