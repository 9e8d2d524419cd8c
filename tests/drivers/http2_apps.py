"""The applications that the tests of HTTP/2 ask, and the servers that serve them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.http2 import HTTP2Client
from tests.support.server import Server
from tests.workers.kinds import KINDS

WSGI = '''
import json, os, time

HERE = os.path.dirname(os.path.abspath(__file__))
BIG = bytes(range(256)) * 20_000
SHOWN = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "HTTP_HOST", "HTTP_COOKIE", "REMOTE_ADDR",
         "wsgi.url_scheme", "CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_X_NOTE", "RAW_URI")
opened = set()
present = []

def note(name):
    with open(os.path.join(HERE, name), "a") as file:
        file.write(".")

def until(holds):
    end = time.monotonic() + 60
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for has not come")
        time.sleep(0.005)

def breaks(length):
    yield b"12345"
    raise RuntimeError("on purpose")

class Closed:
    """Pieces without end; notes that it was closed."""
    def __init__(self, name):
        self.name = name
    def __iter__(self):
        while True:
            yield b"x" * 10_000
    def close(self):
        note(self.name)

def drip(name):
    """A first piece, and a last one when a file says so."""
    yield b"first"
    note("dripping")
    until(lambda: os.path.exists(os.path.join(HERE, name)))
    yield b"last"

def app(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    plain = ("Content-Type", "text/plain")
    body = b"Hello, World!"
    if path == "/environ":
        body = json.dumps({name: environ.get(name) for name in SHOWN}).encode()
    elif path == "/echo":
        body = environ["wsgi.input"].read()
    elif path == "/pieces":
        start_response("200 OK", [plain])
        return iter(lambda: environ["wsgi.input"].read(50_000), b"")
    elif path == "/lines":
        start_response("200 OK", [plain])
        return iter(environ["wsgi.input"].readline, b"")
    elif path == "/ignore":
        body = b"not read"
    elif path == "/status":
        start_response(query.replace("+", " "), [("X-Empty", "yes")])
        return []
    elif path == "/big":
        body = BIG[:int(query or len(BIG))]
    elif path == "/parts":
        start_response("200 OK", [plain])
        size = int(query or len(BIG))
        return (BIG[at:min(at + 70_000, size)] for at in range(0, size, 70_000))
    elif path == "/file":
        size = int(query or len(BIG))
        start_response("200 OK", [plain, ("Content-Length", str(size))])
        return environ["wsgi.file_wrapper"](open("big.bin", "rb"))
    elif path == "/raise":
        raise RuntimeError("on purpose")
    elif path == "/half":
        start_response("200 OK", [plain, ("Content-Length", "10")])
        return [b"12345"]
    elif path == "/over":
        start_response("200 OK", [plain, ("Content-Length", "10")])
        return [b"12345", b"67890", b"beyond"]
    elif path == "/hop":
        start_response("200 OK", [plain, ("Connection", "close"), ("Content-Length", "0"), ("X-Upper", "Value")])
        return []
    elif path == "/write":
        write = start_response("200 OK", [plain])
        write(b"written ")
        write(b"twice, ")
        return [b"", b"returned"]
    elif path == "/reads":
        try:
            environ["wsgi.input"].read()
        except OSError:
            note(query)
            raise
    elif path == "/endless":
        start_response("200 OK", [plain])
        return Closed(query)
    elif path == "/breaks":
        start_response("200 OK", [plain, ("Content-Length", "10")])
        return breaks(10)
    elif path == "/hints":
        environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload")])
    elif path == "/drip":
        start_response("200 OK", [plain])
        return drip(query)
    elif path == "/meet":
        present.append(path)
        until(lambda: len(present) % int(query) == 0)
    elif path == "/wait":
        # Until a further request opens it.
        note("waiting")
        until(lambda: query in opened)
    elif path == "/open":
        opened.add(query)
    elif path == "/order":
        present.append(query)
    elif path == "/orders":
        body = ",".join(present).encode()
        present.clear()
    elif path == "/gone":
        note("asked")
        until(environ["gunicorn.client_disconnected"])
        note("gone")
    elif path == "/pid":
        body = str(os.getpid()).encode()
    start_response("200 OK", [plain, ("Content-Length", str(len(body)))])
    return [body]
'''

ASGI = '''
import asyncio, json, os

HERE = os.path.dirname(os.path.abspath(__file__))
BIG = bytes(range(256)) * 20_000
opened = {}

def note(name):
    with open(os.path.join(HERE, name), "a") as file:
        file.write(".")

async def read(receive):
    pieces = []
    while True:
        message = await receive()
        assert message["type"] == "http.request", message
        pieces.append(message["body"])
        if not message["more_body"]:
            return b"".join(pieces)

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only requests")
    path, query = scope["path"], scope["query_string"].decode()
    headers, status, body = [], 200, b"Hello, World!"

    async def start(**more):
        await send({"type": "http.response.start", "status": status, "headers": headers, **more})

    async def content(data=b"", more=False):
        await send({"type": "http.response.body", "body": data, "more_body": more})

    if path == "/scope":
        seen = {name: scope[name] for name in ("method", "path", "scheme", "http_version", "client")}
        seen["headers"] = [[name.decode(), value.decode()] for name, value in scope["headers"]]
        seen["extensions"] = sorted(scope["extensions"])
        body = json.dumps(seen).encode()
    elif path == "/echo":
        body = await read(receive)
    elif path == "/duplex":
        await start()
        await content(b"", True)
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await content(message["body"].upper(), more)
        return
    elif path == "/status":
        status = int(query)
        await start()
        await content()
        return
    elif path == "/big":
        body = BIG[:int(query or len(BIG))]
    elif path == "/parts":
        await start()
        size = int(query or len(BIG))
        for at in range(0, size, 70_000):
            await content(BIG[at:min(at + 70_000, size)], True)
        await content()
        return
    elif path == "/pathsend":
        await start()
        await send({"type": "http.response.pathsend", "path": os.path.join(HERE, "big.bin")})
        return
    elif path == "/raise":
        raise RuntimeError("on purpose")
    elif path == "/half":
        headers = [(b"content-length", b"10")]
        await start()
        await content(b"12345")
        return
    elif path == "/breaks":
        headers = [(b"content-length", b"10")]
        await start()
        await content(b"12345", True)
        raise RuntimeError("on purpose")
    elif path == "/hints":
        await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
    elif path == "/trailers":
        headers = [(b"trailer", b"x-sum")]
        await start(trailers=True)
        await content(b"a" * int(query), True)
        await content()
        await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"42")]})
        return
    elif path == "/wait":
        note("waiting")
        await opened.setdefault(query, asyncio.Event()).wait()
    elif path == "/open":
        opened.setdefault(query, asyncio.Event()).set()
    elif path == "/drip":
        await start()
        await content(b"first", True)
        note("dripping")
        while not os.path.exists(os.path.join(HERE, query)):
            await asyncio.sleep(0.005)
        await content(b"last")
        return
    elif path == "/events":
        headers = [(b"content-type", b"text/event-stream")]
        await start()
        await content(b"data: 0\\n\\n", True)
        await opened.setdefault(query, asyncio.Event()).wait()
        await content(b"data: 1\\n\\n")
        return
    elif path == "/flood":
        await start()
        try:
            while True:
                await content(b"x" * 10_000, True)
        except OSError:
            note(query)
            raise
    elif path == "/gone":
        await receive()
        note("asked")
        message = await receive()
        note(message["type"])
        return
    elif path == "/pid":
        body = str(os.getpid()).encode()
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await start()
    await content(body)
'''

HURRIED = "import sys\nsys.setswitchinterval(1e-6)\n"

#: The worker types that this engine drives by different code.
WORKERS = [kind for kind in KINDS if kind not in ("gevent_pywsgi", "gaiohttp")]
#: Those that run several requests of a connection at once.
CONCURRENT = [kind for kind in WORKERS if kind not in ("sync", "tornado")]
CLEARTEXT = ("--http2-cleartext", "both")
BIG = bytes(range(256)) * 20_000

Servers = Callable[..., Server]


def arguments(kind: str) -> tuple[str, ...]:
    """How a worker type is chosen; skips the test where what it stands on is not installed."""
    if kind in ("gevent", "eventlet", "tornado") and importlib.util.find_spec(kind) is None:
        pytest.skip(f"{kind} is not installed")
    return KINDS[kind]


def shared(
    tmp_path_factory: pytest.TempPathFactory, *args: str, config: str | None = None, hurried: bool = False
) -> Iterator[Servers]:
    """Servers by worker type, or "asgi-app" for the ASGI application, each started at its first use; `hurried`: their
    threads take turns as often as they can."""
    running: dict[str, Server] = {}

    def server(kind: str) -> Server:
        if kind not in running:
            folder = Path(tmp_path_factory.mktemp(kind))
            (folder / "big.bin").write_bytes(BIG)
            chosen = ("-k", "asgi") if kind == "asgi-app" else arguments(kind)
            app = (HURRIED if hurried else "") + (ASGI if kind == "asgi-app" else WSGI)
            running[kind] = Server(folder, app, *chosen, *CLEARTEXT, *args, config=config, expect_traceback=True)
            running[kind].start()
        return running[kind]

    yield server
    try:
        for each in running.values():
            assert each.stop() == 0
    finally:
        for each in running.values():
            each.kill()


def connect(server: Server, **options: object) -> HTTP2Client:
    return HTTP2Client.prior(server.address, **options)
