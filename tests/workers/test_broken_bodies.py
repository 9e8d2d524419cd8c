"""A request body that breaks off while a WSGI application reads it as it comes: the client is told why, the log tells
of it as of every request that is none, and nobody is told of a failure of the application's."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.conftest import Serve
from tests.drivers.http2_apps import CLEARTEXT, connect
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.workers.kinds import PARAMS, Servers, everywhere, one_of_each

APP = '''
def app(environ, start_response):
    path, given = environ["PATH_INFO"], environ["wsgi.input"]
    environ["wsgi.early_hints"]([("Link", "</runs>")])
    if path == "/answers":
        start_response("200 OK", [])
        return pieces(given)
    if path == "/catches":
        try:
            given.read()
        except OSError as error:
            body = b"caught " + type(error).__mro__[1].__name__.encode()
    elif path == "/lines":
        body = b"%d" % sum(map(len, given))
    else:
        body = given.read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

def pieces(given):
    yield b"begun"
    yield given.read()
'''
ARGUMENTS = (
    "--no-buffer-request-body", "--limit-request-body", "1000", "--access-logfile", "access.log", *CLEARTEXT,
)
CONFIG_OF_HOOK = """
def post_request(worker, request, environ, response):
    open("told", "a").write(f"{response.status_code}\\n")
"""


class Break(NamedTuple):
    """A way to break a body off: its framing, what is sent of it, whether the client says that no more comes."""

    framing: str
    content: bytes
    ends: bool
    status: int
    said: str


BREAKS = {
    "ends": Break("Content-Length: 10", b"abc", True, 400, "Invalid request line: 'the connection ended"),
    "ends-in-a-chunk": Break("Transfer-Encoding: chunked", b"5\r\nab", True, 400, "Invalid request line: 'the connect"),
    "bad-size": Break("Transfer-Encoding: chunked", b"1\r\na\r\nxyz\r\n", False, 400, "Invalid chunk size"),
    "bad-end": Break("Transfer-Encoding: chunked", b"1\r\nabc\r\n", False, 400, "Invalid chunk terminator"),
    "bad-trailer": Break("Transfer-Encoding: chunked", b"1\r\na\r\n0\r\nX Y: z\r\n\r\n", False, 400, "Invalid header"),
    "too-large": Break(
        "Transfer-Encoding: chunked", b"200\r\n" + b"x" * 512 + b"\r\n300\r\n" + b"x" * 768, False, 413, "Request body"
    ),
    "large-of-one-chunk": Break("Transfer-Encoding: chunked", b"fffff\r\n" + b"x" * 2000, False, 413, "Request body"),
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from one_of_each(tmp_path_factory, APP, *ARGUMENTS)


@pytest.fixture(params=PARAMS)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    return servers(str(request.param))


def break_off(wire: Wire, how: Break, path: str) -> None:
    wire.send(f"POST {path} HTTP/1.1\r\nHost: a\r\n{how.framing}\r\n\r\n".encode())
    wire.send(how.content)
    if how.ends:
        wire.finish_sending()


def count(server: Server, said: str) -> int:
    return server.log().count(f"[WARNING] Invalid request from ip=127.0.0.1: {said}")


def lines(server: Server, text: str) -> int:
    return (server.folder / "access.log").read_text().count(text)


def tells_of_no_failure(server: Server) -> bool:
    return "Traceback" not in server.log() and "[ERROR]" not in server.log()


@pytest.mark.parametrize("path", ["/", "/lines"])
@pytest.mark.parametrize("name", BREAKS)
def test_the_client_is_told_why(server: Server, name: str, path: str) -> None:
    how = BREAKS[name]
    told, written = count(server, how.said), lines(server, f'"POST {path} HTTP/1.1" {how.status} ')
    with server.connect() as wire:
        break_off(wire, how, path)
        answer = wire.read_response()
        assert (answer.status, answer.get("Connection")) == (how.status, "close")
        assert b"500" not in answer.body
        wire.expect_eof()
    wait_until(lambda: lines(server, f'"POST {path} HTTP/1.1" {how.status} ') == written + 1, what=server.describe)
    assert count(server, how.said) == told + 1
    assert tells_of_no_failure(server)
    assert server.get().status == 200


@pytest.mark.parametrize("name", BREAKS)
def test_an_application_that_catches_it(server: Server, name: str) -> None:
    """Its answer stands, and is the last one: nobody knows where a next request would begin."""
    how = BREAKS[name]
    told = count(server, "")
    with server.connect() as wire:
        break_off(wire, how, "/catches")
        answer = wire.read_response()
        assert (answer.status, answer.body, answer.get("Connection")) == (200, b"caught NoMoreData", "close")
        wire.expect_eof()
    assert count(server, "") == told
    assert tells_of_no_failure(server)


@pytest.mark.parametrize("name", BREAKS)
def test_within_an_answer(server: Server, name: str) -> None:
    how = BREAKS[name]
    written = lines(server, '"POST /answers HTTP/1.1" 200 5 ')
    with server.connect() as wire:
        wire.send(f"POST /answers HTTP/1.1\r\nHost: a\r\n{how.framing}\r\n\r\n".encode())
        while b"begun" not in wire.buffer:
            assert wire.fill()
        wire.send(how.content)
        if how.ends:
            wire.finish_sending()
        # Nobody takes it for a whole one.
        assert not wire.read_until_eof().endswith(b"\r\n0\r\n\r\n")
    wait_until(lambda: lines(server, '"POST /answers HTTP/1.1" 200 5 ') == written + 1, what=server.describe)
    assert tells_of_no_failure(server)


def test_a_client_that_leaves(server: Server) -> None:
    """By a reset: there is nobody to tell, and nothing to tell of."""
    told = count(server, "")
    for path in ("/", "/answers", "/catches"):
        with server.connect() as wire:
            wire.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc".encode())
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert server.get().status == 200
    assert count(server, "") == told
    assert tells_of_no_failure(server)


@pytest.mark.parametrize("path", ["/", "/catches", "/answers"])
def test_http2(server: Server, path: str) -> None:
    if server.args[server.args.index("-k") + 1] in ("gevent_pywsgi", "gaiohttp"):
        pytest.skip("as their kin")
    with connect(server) as client:
        stream = client.begin(path, method="POST", ends=False)
        answer = client.answers[stream]
        # Before the application runs it would be refused without it.
        client.until(lambda: answer.body == b"begun" if path == "/answers" else answer.interim)
        client.send(stream, b"x" * 2000, ends=False)
        client.until(lambda: answer.ended or answer.reset is not None)
        assert answer.status == (413 if path == "/" else 200)
        assert answer.ended == (path != "/answers")
        # Others go on.
        assert client.request("/").status == 200
        left = client.begin(path, method="POST", ends=False)
        client.reset(left)
        assert client.request("/").status == 200
        assert not client.farewells
    assert tells_of_no_failure(server)


@pytest.mark.slow
def test_one_that_stops_coming(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        for path in ("/", "/catches", "/answers"):
            with server.connect() as wire:
                wire.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123".encode())
                answer = wire.read_until_eof()
                assert (b"HTTP/1.1 408 " if path == "/" else b"HTTP/1.1 200 ") in answer
                assert b"\r\n0\r\n" not in answer
        told = "[WARNING] Invalid request from ip=127.0.0.1: Request timeout: 'the body took too long to arrive'"
        assert server.log().count(told) == 2
        assert tells_of_no_failure(server)
        wait_until(lambda: lines(server, '"POST / HTTP/1.1" 408 ') == 1, what=server.describe)

    everywhere(make_server, kinds, scenario, APP, *ARGUMENTS, "--body-timeout", "1")


def test_the_hook_sees_the_status(serve: Serve) -> None:
    server = serve(APP, *ARGUMENTS, config=CONFIG_OF_HOOK)
    with server.connect() as wire:
        break_off(wire, BREAKS["ends"], "/")
        assert wire.read_response().status == 400
    wait_until(lambda: (server.folder / "told").exists() and (server.folder / "told").read_text() == "400\n")


RAISES_LATER = '''
kept = []

def app(environ, start_response):
    if environ["PATH_INFO"] == "/again":
        raise kept[0]
    try:
        environ["wsgi.input"].read()
    except OSError as error:
        kept.append(error)
    start_response("200 OK", [("Content-Length", "0")])
    return []
'''


def test_one_that_another_request_raises_is_that_applications_failure(serve: Serve) -> None:
    server = serve(RAISES_LATER, *ARGUMENTS, expect_traceback=True)
    with server.connect() as wire:
        break_off(wire, BREAKS["ends"], "/")
        assert wire.read_response().status == 200
    assert server.get("/again").status == 500
    assert "Error handling request GET /again" in server.log()
