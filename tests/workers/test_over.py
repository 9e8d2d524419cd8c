"""A request that is over touches nothing: what its application has kept acts on no later request of the connection."""

from __future__ import annotations

import ast
import os
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.workers.kinds import PARAMS, Servers, one_of_each

APP = '''
import os, signal, threading, time

kept = {}
BODY = b"0123456789" * 10

def keep(environ, write):
    kept.clear()
    kept.update(
        write=write, hints=environ["wsgi.early_hints"], disconnected=environ["gunicorn.client_disconnected"],
        socket=environ["gunicorn.socket"], input=environ["wsgi.input"], environ=environ)

USES = {
    "write": lambda: kept["write"](b"EVIL"),
    "hints": lambda: kept["hints"]([("Link", "</evil>")]),
    "disconnected": lambda: kept["disconnected"](),
    "send": lambda: kept["socket"].send(b"EVIL"),
    "sendall": lambda: kept["socket"].sendall(b"EVIL"),
    "shutdown": lambda: kept["socket"].shutdown(2),
    "close": lambda: kept["socket"].close(),
    "getpeername": lambda: kept["socket"].getpeername(),
    "fileno": lambda: kept["socket"].fileno(),
    "read": lambda: kept["input"].read(),
    "readline": lambda: kept["input"].readline(),
}

def use(name):
    try:
        return repr(USES[name]())
    except Exception as error:
        return type(error).__name__

def in_a_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join(20)
    return found[0] if found else "stuck"

def app(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    body = b"ok"
    if path == "/use":
        body = in_a_thread(lambda: use(query)).encode() if environ["HTTP_X_THREAD"] == "1" else use(query).encode()
    if path == "/fork":
        pid = os.fork()
        if not pid:
            # It keeps the descriptors, as an application's helper process does; the test ends it.
            while True:
                signal.pause()
        body = str(pid).encode()
    if path == "/gone":
        end = time.monotonic() + 15
        while not os.path.exists(query) and time.monotonic() < end:
            time.sleep(0.01)
        body = str(environ["gunicorn.client_disconnected"]()).encode()
    if path == "/takes-over":
        environ["gunicorn.socket"].sendall(b"mine")
        environ["gunicorn.socket"].close()
        return []
    write = start_response("200 OK", [("Content-Length", str(len(body)))])
    if path == "/keep":
        keep(environ, write)
    return [body]
'''

#: What each of them answers, when the next request of the same connection runs.
OVER = {
    "write": "RuntimeError", "hints": "None", "disconnected": "True", "send": "OSError", "sendall": "OSError",
    "shutdown": "OSError", "close": "OSError", "getpeername": "OSError", "fileno": "-1",
}


@pytest.fixture(scope="module", params=["buffered", "streamed"])
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    streamed = ("--no-buffer-request-body",) if request.param == "streamed" else ()
    yield from one_of_each(tmp_path_factory, APP, *streamed)


@pytest.fixture(params=PARAMS)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    return servers(str(request.param))


def ask(wire: Wire, path: str, *fields: str, body: bytes = b"") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *fields, "", ""]
    wire.send("\r\n".join(lines).encode() + body)
    response = wire.read_response()
    assert response.status == 200
    assert not response.interim
    return response.body


@pytest.mark.parametrize("thread", ["0", "1"])
def test_what_was_kept_is_over(server: Server, thread: str) -> None:
    for requests_before in (0, 3):
        for name, answer in OVER.items():
            with server.connect(30) as wire:
                for _ in range(requests_before):
                    ask(wire, "/")
                ask(wire, "/keep")
                assert ask(wire, f"/use?{name}", f"X-Thread: {thread}").decode() == answer, name
                # Nothing stands before the next answer, and the connection is as it was.
                assert ask(wire, "/") == b"ok"
                assert ask(wire, "/") == b"ok"


@pytest.mark.parametrize("name", ["read", "readline"])
def test_a_body_that_is_over_ends(server: Server, name: str) -> None:
    """Reading it neither waits for the next request's body nor for ever."""
    with server.connect(30) as wire:
        ask(wire, "/keep", body=b"x" * 100)
        answer = ask(wire, f"/use?{name}", "X-Thread: 1", body=b"SECRET").decode()
        assert answer in ("BodyBrokenOff", "ValueError") or set(ast.literal_eval(answer)) <= {ord("x")}
        assert ask(wire, "/") == b"ok"


def test_a_socket_that_was_taken_over_and_closed(server: Server) -> None:
    """The server lets go of it without a word."""
    for _ in range(2):
        with server.connect(30) as wire:
            wire.send(b"GET /takes-over HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.read_until_eof() == b"mine"
    assert "Exception ignored" not in server.log()


def test_a_new_request_has_its_own(server: Server) -> None:
    """What is handed to the running request works, also when the one before has kept what it was handed."""
    with server.connect(30) as wire:
        for _ in range(3):
            ask(wire, "/keep")
            assert ask(wire, "/") == b"ok"
        wire.send(b"GET /gone?/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().body == b"False"


def test_a_child_that_keeps_descriptors_makes_no_one_disconnected(server: Server) -> None:
    """The events of a connection that is closed here, and still open in a child, are not those of the next one with
    its number."""
    first = server.connect(30)
    ask(first, "/")
    child = int(ask(first, "/fork"))
    try:
        # Closed here, since a request that closes ends it, but not in the child.
        first.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        first.read_response()
        with server.connect(30) as second:
            ask(second, "/")
            flag = server.folder / f"go-{os.getpid()}"
            second.send(f"GET /gone?{flag} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            # An event on the first one, while a request of the second runs.
            first.socket.shutdown(socket.SHUT_WR)
            first.close()
            flag.touch()
            assert second.read_response().body == b"False"
            flag.unlink()
            assert ask(second, "/") == b"ok"
    finally:
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: server.get().body == b"ok", 10)
