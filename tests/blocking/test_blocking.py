"""HTTP over blocking sources, as workers of third parties use it: the same requests and errors as of the one parser."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gunicorn import util
from gunicorn.blocking.answering import ALREADY_HANDLED
from gunicorn.blocking.answering import answer as answer_request
from gunicorn.config import Config
from gunicorn.http import Message, RequestParser, errors, get_parser
from gunicorn.http.body import Body, ChunkedReader, EOFReader, LengthReader
from gunicorn.http.message import Request
from gunicorn.http.parser import Parser
from gunicorn.http.unreader import IterUnreader, SocketUnreader, Unreader
from gunicorn.http.wsgi import FileWrapper, Response, base_environ, create, default_environ, proxy_environ
from gunicorn.instrument.scoreboard import PAGE, Slot
from gunicorn.logs.request_ids import running

PEER = ("192.0.2.1", 5)
SERVER = ("198.51.100.1", 80)
GET = b"GET /a%20b?x=1 HTTP/1.1\r\nHost: h:99\r\n\r\n"
IN_CHUNKS = b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = IN_CHUNKS + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
COUNTED = b"PUT /n HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nwxyz"


def config(**values: Any) -> Config:
    cfg = Config()
    for name, value in values.items():
        cfg.set(name, value)
    return cfg


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start:start + size] for start in range(0, len(data), size)]


def parse(data: bytes, size: int = 65536, peer: Any = PEER, **values: Any) -> list[Any]:
    return [(each, each.body.read()) for each in RequestParser(config(**values), pieces(data, size), peer)]


# Requests.


@pytest.mark.parametrize("size", [1, 2, 7, 65536])
@pytest.mark.parametrize("through", ["iterable", "socket"])
def test_the_requests_of_a_connection(size: int, through: str) -> None:
    data = GET + CHUNKED + b"\r\n" + COUNTED + GET
    source: Any = pieces(data, size)
    if through == "socket":
        source, ours = socket.socketpair()
        sender = threading.Thread(target=lambda: ([ours.sendall(piece) for piece in pieces(data, size)], ours.close()))
        sender.start()
    found = [(each, each.body.read()) for each in RequestParser(config(), source, PEER)]
    if through == "socket":
        sender.join()
        source.close()
    assert [(each.method, each.uri, body, each.req_number) for each, body in found] == [
        ("GET", "/a%20b?x=1", b"", 1), ("POST", "/c", b"abcde", 2), ("PUT", "/n", b"wxyz", 3),
        ("GET", "/a%20b?x=1", b"", 4)]
    get, chunked = found[0][0], found[1][0]
    assert (get.path, get.query, get.fragment, get.version) == ("/a%20b", "x=1", "", (1, 1))
    assert get.headers == [("HOST", "h:99")]
    assert (get.scheme, get.peer_addr, get.remote_addr, get.proxy_protocol_info) == ("http", PEER, PEER, None)
    assert (get.trailers, chunked.trailers) == ([], [("T", "u")])
    assert not get.should_close()
    assert not get.must_close
    assert isinstance(get, Message)
    assert isinstance(get, Request)


def test_what_is_not_read_of_a_body_is_passed_over() -> None:
    parser = RequestParser(config(), [CHUNKED + COUNTED + GET], PEER)
    assert [each.method for each in parser] == ["POST", "PUT", "GET"]


def test_a_long_rest_of_a_body_ends_the_connection() -> None:
    head = b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n"
    parser = RequestParser(config(), [head, b"x" * 200000, GET], PEER)
    assert [each.method for each in parser] == ["PUT"]


@pytest.mark.parametrize(
    ("head", "closes"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
    ],
)
def test_a_last_request(head: bytes, closes: bool) -> None:
    found = [request for request, _ in parse(head + GET)]
    assert found[0].should_close() is closes
    assert len(found) == (1 if closes else 2)


def test_force_close() -> None:
    parser = RequestParser(config(), [GET + GET], PEER)
    request = next(parser)
    request.force_close()
    assert request.must_close
    assert request.should_close()
    assert list(parser) == []


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"GARBAGE\r\n\r\n", errors.InvalidRequestLine, 400),
        (b"G\x01T / HTTP/1.1\r\n\r\n", errors.InvalidRequestLine, 400),
        (b"get / HTTP/1.1\r\n\r\n", errors.InvalidRequestMethod, 400),
        (b"GET / HTTP/x\r\n\r\n\r\n\r\n", errors.InvalidHTTPVersion, 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX y: z\r\n\r\n", errors.InvalidHeaderName, 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: \x01\r\n\r\n", errors.InvalidHeader, 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", errors.ObsoleteFolding, 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", errors.InvalidHeader, 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n", errors.UnsupportedTransferCoding, 501),
        (b"GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", errors.ExpectationFailed, 417),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", errors.LimitRequestLine, 414),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 9000 + b"\r\n\r\n", errors.LimitRequestHeaders, 431),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", errors.LimitRequestHeaders, 431),
        (IN_CHUNKS + b"z\r\n", errors.InvalidChunkSize, 400),
        (IN_CHUNKS + b"1\r\nabc", errors.ChunkMissingTerminator, 400),
    ],
)
@pytest.mark.parametrize("size", [1, 65536])
def test_errors(data: bytes, kind: type[errors.HTTPError], status: int, size: int) -> None:
    with pytest.raises(errors.ParseException) as caught:
        parse(data, size)
    assert type(caught.value) is kind
    assert caught.value.status == caught.value.code == status


@pytest.mark.parametrize("data", [GET[:3], GET[:-1], COUNTED[:-1], CHUNKED[:-1], CHUNKED[:-20]])
def test_a_peer_that_leaves_in_the_middle(data: bytes) -> None:
    with pytest.raises(errors.NoMoreData):
        parse(data)


def test_a_peer_that_says_nothing() -> None:
    assert parse(b"") == []
    with pytest.raises(StopIteration):
        Request(config(), IterUnreader([]), PEER)


def test_a_single_request() -> None:
    unreader = IterUnreader([COUNTED + b"next"])
    request = Request(config(), unreader, PEER)
    assert (request.method, request.req_number) == ("PUT", 1)
    assert isinstance(request.body, Body)
    assert request.body.read() == b"wxyz"
    assert unreader.read() == b"next"


def test_a_scheme_of_a_trusted_proxy() -> None:
    head = b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n\r\n"
    assert parse(head, peer=("127.0.0.1", 1))[0][0].scheme == "https"
    assert parse(head)[0][0].scheme == "http"


def test_a_proxy_header() -> None:
    line = b"PROXY TCP4 203.0.113.7 203.0.113.8 1111 80\r\n"
    cfg = config(proxy_protocol=True, proxy_allow_ips="*")
    first, second = RequestParser(cfg, [line + GET + GET], PEER)
    assert first.peer_addr == PEER
    told = {"PROXY_PROTOCOL": "TCP4", "REMOTE_ADDR": "203.0.113.7", "REMOTE_PORT": "1111",
            "PROXY_ADDR": "203.0.113.8", "PROXY_PORT": "80"}
    assert proxy_environ(first) == proxy_environ(second) == told
    with pytest.raises(errors.ForbiddenProxyRequest):
        list(RequestParser(config(proxy_protocol=True), [line + GET], PEER))


def test_parts_that_a_subclass_parses() -> None:
    class Mine(Request):
        def parse_request_line(self, line_bytes: bytes) -> None:
            super().parse_request_line(line_bytes.replace(b"/old", b"/new"))

        def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[tuple[str, str]]:
            return [*super().parse_headers(data, from_trailer), ("X-MINE", "1")]

        def set_body_reader(self) -> None:
            super().set_body_reader()
            self.seen = True

    class Requests(RequestParser):
        mesg_class = Mine

    (request,) = Requests(config(), [b"GET /old?x HTTP/1.1\r\nHost: h\r\n\r\n"], PEER)
    assert (request.path, request.query, request.seen) == ("/new", "x", True)
    assert request.headers == [("HOST", "h"), ("X-MINE", "1")]
    with quiet_pair() as (_, ours):
        _, environ = create(request, ours, PEER, SERVER, config())
    assert (environ["PATH_INFO"], environ["HTTP_X_MINE"], environ["HTTP_HOST"]) == ("/new", "1", "h")


def test_fields_and_request_lines_alone() -> None:
    request = Request(config(), IterUnreader([GET]), PEER)
    assert request.parse_headers(b"A: b\r\nC: d\r\n") == [("A", "b"), ("C", "d")]
    assert request.parse_headers(b"A: b\r\nC: d") == [("A", "b"), ("C", "d")]
    assert request.parse_headers(b"") == []
    with pytest.raises(errors.InvalidHeaderName):
        request.parse_headers(b"A b: c")
    request.parse_request_line(b"PUT /z?q HTTP/1.0")
    assert (request.method, request.uri, request.path, request.query, request.version) == (
        "PUT", "/z?q", "/z", "q", (1, 0))
    with pytest.raises(errors.InvalidRequestLine):
        request.parse_request_line(b"nothing")


def test_finish_body_with_a_deadline() -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        theirs.sendall(COUNTED[:-2])
        parser = get_parser(config(), ours, PEER)
        next(parser)
        assert parser.finish_body(deadline=0.0) is False
        assert ours.gettimeout() is None
        theirs.sendall(COUNTED[-2:])
        assert parser.finish_body() is True


# Octets and bodies.


def test_unreader() -> None:
    unreader = IterUnreader([b"abc", b"def", b"", b"not read"])
    assert unreader.read() == b"abc"
    assert unreader.read(0) == b""
    assert unreader.read(2) == b"de"
    unreader.unread(b"XY")
    assert unreader.read(1) == b"X"
    assert unreader.take_buffered() == b"Yf"
    assert unreader.read(5) == b""
    with pytest.raises(TypeError):
        unreader.read("1")  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError):
        Unreader().chunk()


def test_socket_unreader() -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        theirs.sendall(b"hello world")
        unreader = SocketUnreader(ours, 4)
        assert (unreader.read(), unreader.read(2), unreader.read(3)) == (b"hell", b"o ", b"wor")
        theirs.close()
        assert (unreader.read(99), unreader.read()) == (b"ld", b"")


def test_a_deadline_counts_however_often_something_comes() -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        unreader = SocketUnreader(ours)
        unreader.deadline = time.monotonic() + 60
        theirs.sendall(b"in time")
        assert unreader.read() == b"in time"
        assert ours.gettimeout() is not None
        unreader.deadline = time.monotonic() - 1
        theirs.sendall(b"late")
        with pytest.raises(TimeoutError):
            unreader.read()


def counted(*data: bytes) -> Body:
    return Body(LengthReader(IterUnreader(data), sum(map(len, data))))


def to_the_end(*data: bytes) -> Body:
    return Body(EOFReader(IterUnreader(data)))


def in_chunks(*data: bytes) -> Body:
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in data if piece)
    request = Request(config(), IterUnreader(pieces(IN_CHUNKS + coded + b"0\r\n\r\nrest", 5)), PEER)
    assert isinstance(request.body.reader, ChunkedReader)
    body: Body = request.body
    return body


@pytest.mark.parametrize("make", [counted, to_the_end, in_chunks])
@pytest.mark.parametrize(
    ("use", "result"),
    [
        (lambda body: body.read(), b"abc\ndef\ngh"),
        (lambda body: body.read(-1), b"abc\ndef\ngh"),
        (lambda body: body.read(None), b"abc\ndef\ngh"),
        (lambda body: (body.read(0), body.read(2), body.read(99), body.read(1)), (b"", b"ab", b"c\ndef\ngh", b"")),
        (lambda body: list(body), [b"abc\n", b"def\n", b"gh"]),
        (lambda body: body.readlines(), [b"abc\n", b"def\n", b"gh"]),
        (lambda body: body.readlines(1), [b"abc\n"]),
        (lambda body: (body.readline(2), body.readline(0), body.readline(), body.read()),
         (b"ab", b"", b"c\n", b"def\ngh")),
        (lambda body: (next(body), body.readline(-1), body.readline(), body.readline()),
         (b"abc\n", b"def\n", b"gh", b"")),
    ],
)
def test_bodies(make: Callable[..., Body], use: Callable[[Body], Any], result: Any) -> None:
    assert use(make(b"abc\nd", b"ef", b"\ngh")) == result


def test_a_line_does_not_wait_for_what_is_behind_it() -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        ours.settimeout(60)
        theirs.sendall(b"line\nre")
        assert Body(LengthReader(SocketUnreader(ours), 100)).readline() == b"line\n"


def test_sizes_that_are_none() -> None:
    reader = LengthReader(IterUnreader([b"abc"]), 3)
    with pytest.raises(ValueError):
        reader.read(-1)
    with pytest.raises(TypeError):
        reader.read(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Body(reader).read("1")  # type: ignore[arg-type]


# Answers.


class quiet_pair:
    """Two ends of a connection: theirs and ours."""

    def __enter__(self) -> tuple[socket.socket, socket.socket]:
        self.ends = socket.socketpair()
        return self.ends

    def __exit__(self, *exc_info: object) -> None:
        for end in self.ends:
            end.close()


def answer(
    data: bytes, play: Callable[[Response], Any], client: Any = PEER, server: Any = SERVER, **values: Any
) -> tuple[bytes, Response, dict[str, Any]]:
    """What is on the wire when `play` has answered the request; with Date left out."""
    cfg = config(**values)
    request = next(RequestParser(cfg, [data], client))
    with quiet_pair() as (theirs, ours):
        response, environ = create(request, ours, client, server, cfg)
        play(response)
        ours.shutdown(socket.SHUT_WR)
        sent = b"".join(iter(lambda: theirs.recv(65536), b""))
    lines = sent.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(b"Date: ")), response, environ


def say(*parts: bytes, status: str = "200 OK", headers: Any = ()) -> Callable[[Response], None]:
    def play(response: Response) -> None:
        write = response.start_response(status, list(headers))
        assert write == response.write
        for part in parts:
            response.write(part)
        response.close()

    return play


OLD = b"GET / HTTP/1.0\r\n\r\n"
KEPT = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\n"


@pytest.mark.parametrize(
    ("data", "play", "wire", "closes"),
    [
        (GET, say(b"abc", b"", b"de"), OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         False),
        (GET, say(b"abc", headers=[("Content-Length", "3")]), OK + b"Content-Length: 3\r\n\r\nabc", False),
        (GET, say(b"abc", headers=[("Content-Length", "2")]), OK + b"Content-Length: 2\r\n\r\nab", False),
        (GET, say(b"abc", headers=[("Content-Length", "5")]), OK + b"Content-Length: 5\r\n\r\nabc", True),
        (GET, say(), OK + b"Content-Length: 0\r\n\r\n", False),
        (GET, say(b"x", status="204 No"), b"HTTP/1.1 204 No\r\nServer: gunicorn\r\n\r\n", False),
        (GET, say(b"x", status="304 No"), b"HTTP/1.1 304 No\r\nServer: gunicorn\r\n\r\n", False),
        (GET, say(b"x", status="304 No", headers=[("Content-Length", "0")]),
         b"HTTP/1.1 304 No\r\nServer: gunicorn\r\n\r\n", False),
        (HEAD, say(b"abc"), OK + b"\r\n", False),
        (HEAD, say(b"abc", headers=[("Content-Length", "3")]), OK + b"Content-Length: 3\r\n\r\n", False),
        (OLD, say(b"abc"), OK + b"Connection: close\r\n\r\nabc", True),
        (KEPT, say(b"abc"), OK + b"Connection: close\r\n\r\nabc", True),
        (KEPT, say(b"abc", headers=[("Content-Length", "3")]),
         OK + b"Connection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", False),
        (GET, say(headers=[("Connection", "close"), ("Keep-Alive", "1"), ("X", " y ")]),
         OK + b"Connection: close\r\nContent-Length: 0\r\nX: y\r\n\r\n", True),
        (GET, say(status="101 Go", headers=[("Connection", "upgrade"), ("Upgrade", "x")]),
         b"HTTP/1.1 101 Go\r\nServer: gunicorn\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", True),
        (GET, say(headers=[("Server", "me")]), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: me\r\n\r\n", False),
    ],
)
def test_responses(data: bytes, play: Callable[[Response], None], wire: bytes, closes: bool) -> None:
    sent, response, _ = answer(data, play)
    assert sent == wire
    assert response.should_close() is closes
    assert response.headers_sent
    assert response.status_code == int(wire.split(b" ")[1])
    assert response.is_chunked() is response.chunked is (b"chunked" in wire)


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        ("200 OK", [("X", "a\nb")], errors.InvalidResponseHeader),
        ("200 OK", [("X y", "a")], errors.InvalidResponseHeaderName),
        ("200 OK", [("Content-Length", "x")], errors.InvalidResponseHeader),
        ("200 OK", [("Content-Length", "1"), ("Content-Length", "2")], errors.InvalidResponseHeader),
        ("2x", [], errors.HTTPError),
    ],
)
def test_what_must_not_go_on_the_wire(status: str, headers: Any, kind: type[errors.HTTPError]) -> None:
    def play(response: Response) -> None:
        with pytest.raises(kind) as caught:
            response.start_response(status, headers)
        assert caught.value.status == 500
        assert not response.headers_sent

    assert answer(GET, play)[0] == b""


def test_start_response_twice() -> None:
    def play(response: Response) -> None:
        response.start_response("200 OK", [("X", "1")])
        with pytest.raises(AssertionError):
            response.start_response("200 OK", [])
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            response.start_response("500 No", [], sys.exc_info())
            response.write(b"x")
            with pytest.raises(ZeroDivisionError):
                response.start_response("500 No", [], sys.exc_info())

    assert answer(GET, play)[0] == (
        b"HTTP/1.1 500 No\r\nServer: gunicorn\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
    with quiet_pair() as (_, ours):
        with pytest.raises(AssertionError):
            Response(Request(config(), IterUnreader([GET]), PEER), ours, config()).write(b"x")
        with pytest.raises(TypeError):
            Response(Request(config(), IterUnreader([GET]), PEER), ours, config()).write("x")


@pytest.mark.parametrize("sendfile", [True, False])
@pytest.mark.parametrize("plain", [True, False])
def test_files(sendfile: bool, plain: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with open(tmp_path / "file", "rb") as file:
        file.seek(2)
        source = file if plain else io.BytesIO(b"23456789")

        def play(response: Response) -> None:
            response.start_response("200 OK", [("Content-Length", "5")])
            assert response.can_sendfile() is sendfile
            response.write_file(FileWrapper(source))
            response.close()
            assert response.sent == 5

        assert answer(GET, play, sendfile=sendfile)[0] == OK + b"Content-Length: 5\r\n\r\n23456"


def test_headers_of_a_subclass() -> None:
    class Mine(Response):
        def default_headers(self) -> list[str]:
            return [line for line in super().default_headers() if not line.startswith("Server:")]

    cfg = config()
    (request,) = RequestParser(cfg, [GET], PEER)
    with quiet_pair() as (theirs, ours):
        response, _ = create(request, ours, PEER, SERVER, cfg, response_class=Mine)
        say(b"x")(response)
        assert b"Server" not in theirs.recv(9999)


# Environs.


def test_environ() -> None:
    head = (b"POST /a%20b?x=1 HTTP/1.1\r\nHost: h:99\r\nContent-Type: t\r\nContent-Length: 1\r\nX-Y: 1\r\nX_Y: 3\r\n"
            b"X-Y: 2\r\nExpect: 100-continue\r\n\r\nz")
    sent, _, environ = answer(head, lambda response: response)
    assert sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert environ["wsgi.input"].read() == b"z"
    assert {name: value for name, value in environ.items() if isinstance(value, str)} == {
        "SERVER_SOFTWARE": base_environ(config())["SERVER_SOFTWARE"], "REQUEST_METHOD": "POST", "QUERY_STRING": "x=1",
        "RAW_URI": "/a%20b?x=1", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "h:99", "CONTENT_TYPE": "t",
        "CONTENT_LENGTH": "1", "HTTP_X_Y": "1,2", "HTTP_EXPECT": "100-continue", "wsgi.url_scheme": "http",
        "REMOTE_ADDR": PEER[0], "REMOTE_PORT": "5", "SERVER_NAME": SERVER[0], "SERVER_PORT": "80",
        "PATH_INFO": "/a b", "SCRIPT_NAME": "",
    }
    assert environ["wsgi.version"] == (1, 0)
    assert environ["wsgi.file_wrapper"] is FileWrapper
    assert (environ["wsgi.multithread"], environ["wsgi.multiprocess"], environ["wsgi.run_once"]) == (False,) * 3


def test_environ_of_a_unix_socket() -> None:
    _, _, environ = answer(GET, lambda response: response, client=b"", server="/run/a.sock")
    assert (environ["REMOTE_ADDR"], "REMOTE_PORT" in environ) == ("", False)
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("h", "99")


def test_default_environ() -> None:
    request = Request(config(), IterUnreader([GET]), PEER)
    environ = default_environ(request, None, config())
    assert (environ["REQUEST_METHOD"], environ["RAW_URI"], environ["gunicorn.socket"]) == ("GET", "/a%20b?x=1", None)


def test_script_name(monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"GET /m/x HTTP/1.1\r\nHost: h\r\nSCRIPT_NAME: /m\r\n\r\n"
    _, _, environ = answer(head, lambda response: response, client=("127.0.0.1", 1))
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/m", "/x")
    _, _, environ = answer(head, lambda response: response)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/m/x")
    monkeypatch.setenv("SCRIPT_NAME", "/other")
    with pytest.raises(errors.ConfigurationProblem):
        answer(head, lambda response: response)


def test_early_hints() -> None:
    cfg = config()
    (request,) = RequestParser(cfg, [GET], PEER)
    with quiet_pair() as (theirs, ours):
        _, environ = create(request, ours, PEER, SERVER, cfg)
        environ["wsgi.early_hints"]([("Link", "</a>")])
        assert theirs.recv(999) == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


# Helpers of old.


def test_helpers_that_write() -> None:
    with quiet_pair() as (theirs, ours):
        util.write(ours, b"abc")
        util.write(ours, b"def", True)
        util.write_chunk(ours, "g")
        util.write_chunk(ours, b"")
        util.write_nonblock(ours, b"h")
        assert ours.gettimeout() is None
        assert theirs.recv(999) == b"abc3\r\ndef\r\n1\r\ng\r\n0\r\n\r\nh"
        util.write_error(ours, 400, "Bad", "a<b")
        page = theirs.recv(9999)
        assert page.startswith(b"HTTP/1.1 400 Bad\r\nConnection: close\r\n")
        assert b"a&lt;b" in page
        assert int(page.partition(b"Content-Length: ")[2].split(b"\r\n")[0]) == len(page.partition(b"\r\n\r\n")[2])
        util.close_graceful(ours, timeout=0.01)
        assert ours.fileno() == -1
    assert util.is_hoppish("Keep-Alive ")
    assert not util.is_hoppish("Accept")
    with pytest.raises(ZeroDivisionError, match="x"):
        util.reraise(ZeroDivisionError, ZeroDivisionError("x"))
    with pytest.raises(ZeroDivisionError):
        util.reraise(ZeroDivisionError, None)


def test_what_serves_does_not_load_this() -> None:
    modules = ["sync", "gthread", "ggevent", "geventlet", "gtornado", "gasgi"]
    code = (f"import sys, gunicorn.app.wsgiapp, {', '.join(f'gunicorn.workers.{name}' for name in modules)};"
            "print([name for name in sys.modules if name.startswith('gunicorn.blocking')])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# What is not whole.


def test_a_message_without_a_head_has_no_chunks() -> None:
    class Headless(Message):
        def parse(self, unreader: Unreader) -> bytes:
            return b""

    with pytest.raises(ValueError, match="head has not been read"):
        ChunkedReader(Headless(config(), IterUnreader([]), PEER), IterUnreader([]))


def test_a_parser_that_makes_no_messages_says_so() -> None:
    with pytest.raises(NotImplementedError, match="mesg_class"):
        next(Parser(config(), [GET], PEER))


# A whole request.


class Worker:
    """As much of a worker of others as an answer needs. `application` gets the environ and `start_response`."""

    def __init__(self, application: Callable[..., Any], **values: Any) -> None:
        self.cfg = config(**values)
        self.log = self
        self.alive = True
        self.nr, self.max_requests = 0, 100
        self.slot = Slot(memoryview(bytearray(PAGE)), 0)
        self.application = application
        self.lines: list[tuple[str, str | None]] = []

    def traced_application(self) -> Callable[..., Any]:
        return self.application

    def access(self, response: Any, req: Any, environ: Any, took: Any) -> None:
        self.lines.append((response.status, running.get()))


@pytest.mark.parametrize(("result", "goes_on", "statuses"), [
    ([b"x"], True, ["200 OK"]), (ALREADY_HANDLED, False, []),
])
def test_the_id_of_a_request_leaves_with_it(result: Any, goes_on: bool, statuses: list[str]) -> None:
    seen = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        seen.append((environ["gunicorn.request_id"], running.get()))
        if result is not ALREADY_HANDLED:
            start_response("200 OK", [("Content-Length", "1")])
        return result

    worker: Any = Worker(application, request_id_header="X-Request-ID", keepalive=2)
    request = next(RequestParser(worker.cfg, [GET], PEER))
    with quiet_pair() as (_, ours):
        assert answer_request(worker, SERVER, request, ours, PEER, False, True) is goes_on
    (told, in_log), = seen
    assert told
    assert in_log == told
    assert worker.lines == [(status, told) for status in statuses]
    assert running.get() is None
