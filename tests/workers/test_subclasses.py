"""What an application says may be of any subclass of what the specifications name: each is sent as what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.frames import Client, Frame
from tests.support.server import Server
from tests.workers.kinds import KINDS, Servers, one_of_each

CLASSES = '''
import enum

class Octets(bytes):
    """Lies about itself wherever Python asks politely."""
    def __str__(self): return "lie"
    def __bytes__(self): return b"lie"
    def __len__(self): return 1
    def __getitem__(self, key): return b"lie"
    def decode(self, *args): return "lie"

class Words(str):
    def __str__(self): return "lie\\r\\nX-Lie: 1"
    def __format__(self, spec): return "lie\\r\\nX-Lie: 1"
    def __len__(self): return 1
    def __getitem__(self, key): return "lie"
    def encode(self, *args): return b"lie"
    def strip(self, *args): return Words("lie")
    def lower(self): return "lie"

class Named(str, enum.Enum):
    STATUS = "201 Created"
    NAME = "X-Named"
    VALUE = "value"
    TYPE = "http.response.start"

class Number(int):
    def __int__(self): return 500
    def __index__(self): return 500
    def __str__(self): return "lie"

class Code(enum.IntEnum):
    CREATED = 201
    CLOSE = 4001

class Pairs(list): pass
class Pair(tuple): pass
class Message(dict): pass
'''

WSGI = CLASSES + '''
def plain(start_response, body):
    start_response("200 OK", [("Content-Length", "5")])
    return body

def iterated(start_response, parts):
    start_response("200 OK", [])
    return parts

class Parts(list): pass

def written(start_response):
    write = start_response("200 OK", [])
    write(Octets(b"he"))
    write(b"l")
    return [Octets(b"lo")]

def large(start_response):
    start_response("200 OK", [])
    return [Octets(b"x" * 50000)]

def words(start_response, status=Words("201 Created"), name=Words("X-Named"), value=Words("value")):
    start_response(status, Pairs([Pair((name, value)), Pair((Words("Content-Length"), Words("5")))]))
    return [b"hello"]

CASES = {
    "list": lambda s: plain(s, [Octets(b"hello")]),
    "list-of-two": lambda s: plain(s, [Octets(b"he"), Octets(b"llo")]),
    "tuple": lambda s: plain(s, (Octets(b"hello"),)),
    "list-subclass": lambda s: plain(s, Parts([Octets(b"hello")])),
    "no-length": lambda s: iterated(s, [Octets(b"hello")]),
    "iterator": lambda s: iterated(s, iter([Octets(b"he"), b"l", Octets(b"lo")])),
    "counted-iterator": lambda s: plain(s, iter([Octets(b"he"), b"l", Octets(b"lo")])),
    "written": written,
    "large": large,
    "words": words,
    "enumeration": lambda s: words(s, Named.STATUS, Named.NAME, Named.VALUE),
}

def app(environ, start_response):
    return CASES[environ["PATH_INFO"][1:]](start_response)
'''
WSGI_CASES = {
    "list": 200, "list-of-two": 200, "tuple": 200, "list-subclass": 200, "no-length": 200, "iterator": 200,
    "counted-iterator": 200, "written": 200, "large": 200, "words": 201, "enumeration": 201,
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from one_of_each(tmp_path_factory, WSGI, "--access-logfile", "-")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("tornado", "gevent_pywsgi")])
@pytest.mark.parametrize("case", WSGI_CASES)
def test_wsgi(kind: str, case: str, servers: Servers) -> None:
    with servers(kind).connect() as wire:
        for _ in range(2):
            # Twice: what was checked is remembered.
            wire.send(f"GET /{case} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            answer = wire.read_response()
            assert answer.body == (b"x" * 50000 if case == "large" else b"hello")
            assert answer.status == WSGI_CASES[case]
            assert answer.get("x-lie") is None
            if WSGI_CASES[case] == 201:
                assert answer.reason == "Created"
                assert answer.get("x-named") == "value"
    assert "Traceback" not in servers(kind).log()


ASGI = CLASSES + '''
def start(status=200, headers=()):
    return {"type": "http.response.start", "status": status, "headers": headers}

LENGTH = (b"content-length", b"5")

CASES = {
    "type": ({"type": Words("http.response.start"), "status": 201, "headers": [LENGTH]},
             {"type": Words("http.response.body"), "body": b"hello"}),
    "enumeration": ({"type": Named.TYPE, "status": Code.CREATED, "headers": [LENGTH]},
                    {"type": "http.response.body", "body": b"hello"}),
    "number": (start(Number(201), [LENGTH]), {"type": "http.response.body", "body": b"hello"}),
    "message": (Message(start(201, [LENGTH])), Message({"type": "http.response.body", "body": b"hello"})),
    "octets": (start(201, Pairs([Pair((Octets(b"x-named"), Octets(b"value"))), LENGTH])),
               {"type": "http.response.body", "body": Octets(b"hello")}),
    "in-parts": (start(201, [LENGTH]), {"type": "http.response.body", "body": Octets(b"he"), "more_body": True},
                 {"type": "http.response.body", "body": Octets(b"llo")}),
    "stream": (start(201, ()), {"type": "http.response.body", "body": Octets(b"he"), "more_body": True},
               {"type": "http.response.body", "body": bytearray(b"llo"), "more_body": Number(0)}),
    "large": (start(201, ()), {"type": "http.response.body", "body": Octets(b"x" * 50000)}),
    "bytearray": (start(201, [[bytearray(b"x-named"), bytearray(b"value")], LENGTH]),
                  {"type": "http.response.body", "body": bytearray(b"hello")}),
    "memoryview": (start(201, [(memoryview(b"x-named"), memoryview(b"value")), LENGTH]),
                   {"type": "http.response.body", "body": memoryview(b"h-e-l-l-o")[::2]}),
    "generator": (start(201, (pair for pair in [LENGTH])), {"type": "http.response.body", "body": b"hello"}),
    "trailers": ({"type": "http.response.start", "status": 201, "headers": [], "trailers": True},
                 {"type": "http.response.body", "body": b"hello"},
                 {"type": Words("http.response.trailers"), "headers": [[Octets(b"x-t"), bytearray(b"v")]]}),
}

async def socket(receive, send):
    await receive()
    await send({"type": Words("websocket.accept"), "subprotocol": Words("chat"),
                "headers": [[Octets(b"x-named"), bytearray(b"value")]]})
    await send({"type": Words("websocket.send"), "text": Words("text")})
    await send({"type": "websocket.send", "bytes": Octets(b"octets")})
    await send({"type": "websocket.close", "code": Code.CLOSE, "reason": Words("reason")})

async def app(scope, receive, send):
    if scope["type"] == "websocket":
        return await socket(receive, send)
    if scope["type"] == "http":
        for message in CASES[scope["path"][1:]]:
            await send(message)
'''
ASGI_CASES = (
    "type", "enumeration", "number", "message", "octets", "in-parts", "stream", "large", "bytearray", "memoryview",
    "generator", "trailers",
)


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(Path(tmp_path_factory.mktemp("asgi")), ASGI, "-k", "asgi", "--access-logfile", "-",
                    expect_traceback=True)
    try:
        yield server.start()
        assert server.stop() == 0
    finally:
        server.kill()


@pytest.mark.parametrize("case", ASGI_CASES)
def test_asgi(case: str, asgi: Server) -> None:
    with asgi.connect() as wire:
        for _ in range(1 if case == "generator" else 2):
            wire.send(f"GET /{case} HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n".encode())
            answer = wire.read_response()
            assert answer.body == (b"x" * 50000 if case == "large" else b"hello")
            assert answer.status == 201
            assert answer.get("x-lie") is None
            if case in ("octets", "bytearray", "memoryview"):
                assert answer.get("x-named") == "value"
            if case == "trailers":
                assert answer.trailers == [("x-t", "v")]
    assert "Traceback" not in asgi.log()


def test_websocket(asgi: Server) -> None:
    with Client(asgi.address, "/", "Sec-WebSocket-Protocol: chat") as client:
        assert client.response.get("sec-websocket-protocol") == "chat"
        assert client.response.get("x-named") == "value"
        client.says("text")
        assert client.read_frame() == Frame(2, b"octets")
        assert client.read_frame() == Frame(8, (4001).to_bytes(2) + b"reason")
    assert "Traceback" not in asgi.log()


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_exc_info_that_is_none(kind: str, tmp_path: Path) -> None:
    """Whatever stands in the place of `sys.exc_info()` after the head is out, the worker lives."""
    source = '''
import os
CASES = [(), (None,), [], (1, 2, 3), "abc", (None, None, None)]
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])(b"12")
    start_response("500 No", [], CASES[int(environ["PATH_INFO"][1:])])
    return [b"345"]
'''
    server = Server(tmp_path, source, *KINDS[kind], expect_traceback=True)
    try:
        server.start()
        workers = server.worker_pids()
        for number in range(6):
            with server.connect() as wire:
                wire.send(f"GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                assert b"\r\n\r\n12" in wire.read_until_eof()
        assert server.worker_pids() == workers
        assert server.stop() == 0
    finally:
        server.kill()
