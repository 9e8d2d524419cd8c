"""The WSGI gateway on a real connection: what the application says, and what goes on the wire."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.config import Config
from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine.engine import Engine
from gunicorn.engine.manners import Manners
from gunicorn.engine.settings import Settings
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.wsgi.gateway import WSGIGateway

Application = Callable[[dict[str, Any], Any], Any]


class FakeLog(logging.Logger):
    def __init__(self) -> None:
        super().__init__("test")
        self.lines: list[str] = []

    def _log(self, level: int, msg: Any, args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        self.lines.append(msg % args if args else str(msg))

    def access(self, *args: Any) -> None:
        self.lines.append("access")


def serve(
    app: Application, data: bytes, limits: Limits | None = None, log: Any = None, **settings: Any
) -> tuple[bytes, Any]:
    """What the server sends for these octets, up to the end of the connection."""
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    log = log or FakeLog()
    worker = SimpleNamespace(cfg=cfg, log=log, max_requests=sys.maxsize, alive=True)
    gateway = WSGIGateway(worker, app, Manners(), False, "gunicorn", "gunicorn/28")
    engine = Engine(HTTPOpener(), gateway, Settings(keepalive=5.0), limits or Limits(), Peers(["*"]), Peers([]))
    gateway.attach(engine)
    gateway.wait_writable = lambda exchange: exchange.wait_writable(lambda: None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        engine.listen([listener])
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(0.05)
            received = b""
            while True:
                engine.poll(0.01)
                try:
                    piece = client.recv(1 << 20)
                except TimeoutError:
                    continue
                except ConnectionResetError:
                    received += b"<reset>"
                    break
                if not piece:
                    break
                received += piece
    engine.close()
    return received, log


def request(method: str = "GET", version: str = "1.1", *fields: str) -> bytes:
    return "\r\n".join((f"{method} / HTTP/{version}", "Host: a", *fields, "", "")).encode()


def answer(status: str, headers: list[tuple[str, str]], *body: bytes, generator: bool = False) -> Application:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response(status, headers)
        return iter(body) if generator else list(body)

    return app


def split(received: bytes) -> tuple[list[str], bytes]:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return [line for line in lines if not line.startswith(("Date:", "Server:"))], body


TEXT = ("Content-Type", "text/plain")
FRAMING = {
    "one piece": (answer("200 OK", [TEXT], b"abc"), request(), ["Content-Length: 3"], b"abc"),
    "several": (answer("200 OK", [TEXT], b"a", b"bc"), request(), ["Content-Length: 3"], b"abc"),
    "none": (answer("200 OK", [TEXT]), request(), ["Content-Length: 0"], b""),
    "generator": (
        answer("200 OK", [TEXT], b"a", b"", b"bc", generator=True), request(), ["Transfer-Encoding: chunked"],
        b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
    "generator for 1.0": (
        answer("200 OK", [TEXT], b"a", b"bc", generator=True), request(version="1.0"), ["Connection: close"], b"abc"),
    "own length": (
        answer("200 OK", [TEXT, ("Content-Length", "3")], b"a", b"bc", generator=True), request(),
        ["Content-Length: 3"], b"abc"),
    "head": (answer("200 OK", [TEXT], b"abc"), request("HEAD"), ["Content-Length: 3"], b""),
    "head without content": (answer("200 OK", [TEXT]), request("HEAD"), [], b""),
    "head of a generator": (answer("200 OK", [TEXT], b"a", generator=True), request("HEAD"), [], b""),
    "204": (answer("204 No Content", [("Content-Length", "0")]), request(), [], b""),
    "304": (answer("304 Not Modified", [("Content-Length", "9")]), request(), ["Content-Length: 9"], b""),
    "304 of no length": (answer("304 Not Modified", [("Content-Length", "0")]), request(), [], b""),
    "304 without content": (answer("304 Not Modified", []), request(), [], b""),
    "304 to HEAD": (answer("304 Not Modified", [("Content-Length", "0")]), request("HEAD"), [], b""),
    "205": (answer("205 Reset Content", []), request(), ["Content-Length: 0"], b""),
    "205 with content": (
        answer("205 Reset Content", [("Content-Length", "3")], b"abc"), request(), ["Content-Length: 0"], b""),
    "205 of a generator": (
        answer("205 Reset Content", [], b"abc", generator=True), request(version="1.0"),
        ["Content-Length: 0", "Connection: close"], b""),
    "head of no length": (
        answer("200 OK", [("Content-Length", "0")]), request("HEAD"), ["Content-Length: 0"], b""),
    "304 with content": (answer("304 Not Modified", [], b"abc"), request(), [], b""),
    "too much": (
        answer("200 OK", [("Content-Length", "2")], b"abc"), request(), ["Content-Length: 2"], b"ab"),
    "kept alive 1.0": (
        answer("200 OK", [], b"a"), request("GET", "1.0", "Connection: keep-alive"),
        ["Content-Length: 1", "Connection: keep-alive"], b"a"),
    "close by the application": (
        answer("200 OK", [("Connection", "close")], b"a"), request(), ["Content-Length: 1", "Connection: close"], b"a"),
    "hop by hop": (
        answer("200 OK", [("Transfer-Encoding", "chunked"), ("Keep-Alive", "x")], b"a"), request(),
        ["Content-Length: 1"], b"a"),
}


@pytest.mark.parametrize("name", FRAMING)
def test_framing(name: str) -> None:
    app, data, fields, body = FRAMING[name]
    received, log = serve(app, data)
    lines, content = split(received)
    assert [line for line in lines[1:] if line != "Content-Type: text/plain"] == fields
    assert content == body
    assert not [line for line in log.lines if "rror" in line]


WRONG = {
    "status": answer("OK", [], b"a"),
    "status with line": answer("200 OK\r\nX: y", [], b"a"),
    "value with line": answer("200 OK", [("X", "a\r\nY: b")], b"a"),
    "value with null": answer("200 OK", [("X", "a\0")], b"a"),
    "value no text": answer("200 OK", [("X", 1)], b"a"),  # type: ignore[list-item]
    "value beyond latin-1": answer("200 OK", [("X", "€")], b"a"),
    "name with space": answer("200 OK", [("X Y", "a")], b"a"),
    "empty name": answer("200 OK", [("", "a")], b"a"),
    "no pair": answer("200 OK", ["X"], b"a"),  # type: ignore[list-item]
    "length": answer("200 OK", [("Content-Length", "-1")], b"a"),
    "two lengths": answer("200 OK", [("Content-Length", "1"), ("Content-Length", "2")], b"a"),
    "text for content": answer("200 OK", [], "a"),  # type: ignore[arg-type]
    "no start": lambda environ, start_response: [b"a"],
    "nothing at all": lambda environ, start_response: None,
}


@pytest.mark.parametrize("name", WRONG)
def test_what_must_not_go_out_is_a_500(name: str) -> None:
    received, log = serve(WRONG[name], request())
    assert received.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"X: y" not in received
    assert len([line for line in log.lines if "Error handling request" in line]) == 1


def test_start_response_again() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("X", "1"), ("Content-Length", "9")])
        try:
            raise ValueError("before the head")
        except ValueError:
            start_response("500 Oops", [("X", "2")], sys.exc_info())
        return [b"sorry"]

    lines, body = split(serve(app, request())[0])
    assert lines == ["HTTP/1.1 500 Oops", "X: 2", "Content-Length: 5"]
    assert body == b"sorry"


def test_start_response_after_the_head() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        write = start_response("200 OK", [])
        write(b"begun")
        try:
            raise ValueError("after the head")
        except ValueError:
            start_response("500 Oops", [], sys.exc_info())
        return []

    received, log = serve(app, request())
    assert received.endswith(b"5\r\nbegun\r\n")
    assert len([line for line in log.lines if "Error handling request" in line]) == 1


def test_an_answer_until_the_end_that_breaks_off_is_a_reset() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"half"
        raise ValueError("in the middle")

    received, _ = serve(app, request(version="1.0"))
    assert received.endswith(b"<reset>")


def test_close_is_called_once_whatever_happens() -> None:
    closed: list[str] = []

    class Body:
        def __init__(self, name: str) -> None:
            self.name = name

        def __iter__(self) -> Any:
            yield b"a"
            if self.name == "raise":
                raise ValueError

        def close(self) -> None:
            closed.append(self.name)

    for name in ("whole", "raise"):
        def app(environ: dict[str, Any], start_response: Any, name: str = name) -> Any:
            start_response("200 OK", [])
            return Body(name)

        serve(app, request())
    assert closed == ["whole", "raise"]


def test_own_date_and_server() -> None:
    app = answer("200 OK", [("Date", "now"), ("Server", "mine")], b"a")
    head = serve(app, request())[0].partition(b"\r\n\r\n")[0]
    assert head.count(b"Date:") == head.count(b"Server:") == 1
    assert b"Date: now" in head
    assert b"Server: mine" in head


def test_early_hints() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload")])
        start_response("200 OK", [])
        return [b"a"]

    received, _ = serve(app, request())
    assert received.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert serve(app, request(version="1.0"))[0].startswith(b"HTTP/1.1 200 OK")


def test_early_hints_are_not_for_http_1_0() -> None:
    """Nor are they looked at: what an application gives there has no say."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.early_hints"]([("Li nk", "no field")])
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    received, _ = serve(app, request(version="1.0"))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")



def test_environ_of_keep_alive_requests_do_not_mix() -> None:
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        seen.append(dict(environ))
        environ["mine"] = environ["REMOTE_ADDR"] = "changed"
        start_response("200 OK", [])
        return [b""]

    data = b"GET /a%20b?c HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n" + request() * 2
    serve(app, data)
    assert [environ["REMOTE_ADDR"] for environ in seen] == ["127.0.0.1"] * 3
    assert [environ.get("HTTP_X") for environ in seen] == ["1,2", None, None]
    assert [environ["PATH_INFO"] for environ in seen] == ["/a b", "/", "/"]
    assert [environ["QUERY_STRING"] for environ in seen] == ["c", "", ""]
    assert not any("mine" in environ for environ in seen)
    assert seen[0]["wsgi.input"].read() == b""


def test_hooks_around_a_request() -> None:
    calls: list[Any] = []

    def before(worker: Any, req: Any) -> None:
        req.mark = 1
        calls.append((req.method, req.path, dict(req.headers)["HOST"], req.scheme, req.trailers))

    def after(worker: Any, req: Any, environ: Any, resp: Any) -> None:
        calls.append((req.mark, environ["PATH_INFO"], resp.status, resp.sent, resp.headers))

    serve(answer("200 OK", [TEXT], b"abc"), request(), pre_request=before, post_request=after)
    assert calls == [("GET", "/", "a", "http", []), (1, "/", "200 OK", 3, [TEXT])]


def test_the_application_sees_what_a_hook_has_made_of_the_request() -> None:
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        seen.append(environ)
        start_response("200 OK", [])
        return [b""]

    def adds(worker: Any, req: Any) -> None:
        req.headers.append(("X-FORWARDED-PROTO", "https"))

    def replaces(worker: Any, req: Any) -> None:
        # As a worker that names who has a certificate does it: one of them has no name.
        req.headers = [*dict(req.headers, X=None).items(), ("X-Since", 5), ("CONTENT-TYPE", "a/b")]
        req.version, req.remote_addr, req.proxy_protocol_info = (1, 0), ("192.0.2.1", 1), None

    def removes(worker: Any, req: Any) -> None:
        req.headers[:] = [(name, value) for name, value in req.headers if name != "X"]
        req.peer_addr = ("192.0.2.1", 1)

    for hook in (adds, replaces, removes):
        serve(app, b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n", pre_request=hook)
    added, replaced, removed = seen
    assert (added["HTTP_X_FORWARDED_PROTO"], added["HTTP_X"], added["HTTP_HOST"]) == ("https", "1,2", "a")
    assert (replaced["HTTP_X"], replaced["HTTP_X_SINCE"], replaced["CONTENT_TYPE"]) == (None, "5", "a/b")
    assert replaced["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert "HTTP_X" not in removed
    assert [environ["REMOTE_ADDR"] for environ in seen] == ["127.0.0.1"] * 3


def test_hooks_know_which_request_of_its_connection_it_is() -> None:
    numbers: list[int] = []
    serve(answer("200 OK", [TEXT], b"a"), request() * 3, pre_request=lambda worker, req: numbers.append(req.req_number))
    assert numbers == [1, 2, 3]


def test_the_socket_may_be_taken_over() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        environ["gunicorn.socket"].sendall(b"raw")
        raise StopIteration

    received, log = serve(app, request())
    assert received == b"raw"
    assert not [line for line in log.lines if "Error" in line]


def test_the_socket_may_be_looked_at() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return [str(environ["gunicorn.socket"].getpeername()[1] == int(environ["REMOTE_PORT"])).encode()]

    assert split(serve(app, request())[0])[1] == b"True"
