"""Content that cannot reach anybody is not asked for: who would give it for ever is stopped and closed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until
from tests.workers.kinds import PARAMS, Servers, at_once, one_of_each

APP = '''
import os, time

HERE = os.path.dirname(os.path.abspath(__file__))

def note(name, text):
    with open(os.path.join(HERE, name), "a") as file:
        file.write(text)

class Endless:
    """Pieces without an end; notes in a file that it was closed."""
    def __init__(self, name, piece):
        self.name, self.piece = name, piece
        note(name, "begun ")
    def __iter__(self):
        return self
    def __next__(self):
        time.sleep(0.001)
        return self.piece
    def close(self):
        note(self.name, "closed")

class EndlessFile(Endless):
    def read(self, size=-1):
        return next(self)

def app(environ, start_response):
    _, how, status, length, name = environ["PATH_INFO"].split("/")
    headers = [("Content-Length", length)] if length else []
    write = start_response(status + " Status", headers)
    if how == "pieces":
        return Endless(name, b"x" * 1000)
    if how == "large":
        return Endless(name, b"x" * 100_000)
    if how == "empty":
        return Endless(name, b"")
    if how == "file":
        return environ["wsgi.file_wrapper"](EndlessFile(name, b"x" * 1000))
    if how == "function":
        note(name, "begun ")
        def pieces():
            try:
                while True:
                    time.sleep(0.001)
                    yield b"x" * 1000
            finally:
                note(name, "closed")
        return pieces()
    note(name, "begun ")
    try:
        while True:
            time.sleep(0.001)
            write(b"" if how == "write-empty" else b"x" * 1000)
    finally:
        note(name, "closed")
'''

numbers = itertools.count()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from one_of_each(tmp_path_factory, APP)


@pytest.fixture(params=PARAMS)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    return servers(str(request.param))


def noted(server: Server, name: str) -> str:
    path = server.folder / name
    return path.read_text() if path.exists() else ""


def expect_closed(server: Server, name: str) -> None:
    wait_until(lambda: noted(server, name).split() == ["begun", "closed"], PATIENCE, server.describe)


@pytest.mark.parametrize("how", ["pieces", "large", "file", "function", "write"])
def test_what_has_no_place_is_not_asked_for(server: Server, how: str) -> None:
    """The answer goes out whole, the iterable is closed, and the connection serves on."""
    with server.connect() as wire:
        for method, status, length, body in (
            ("HEAD", 200, "", 0), ("HEAD", 200, "5000", 0), ("GET", 204, "", 0), ("GET", 304, "", 0),
            ("GET", 304, "77", 0), ("GET", 205, "", 0), ("GET", 205, "9", 0), ("GET", 200, "0", 0),
            ("GET", 200, "2000", 2000), ("GET", 200, "1500", 1500), ("POST", 200, "1", 1),
        ):
            name = f"note-{next(numbers)}"
            wire.send(f"{method} /{how}/{status}/{length}/{name} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            response = wire.read_response(method)
            assert (response.status, len(response.body)) == (status, body)
            assert response.get("content-length") == {204: None, 205: "0"}.get(status, length or None)
            expect_closed(server, name)


#: What the application does, the request's method and version, and how much of the answer the client reads first.
LEAVING = [
    ("pieces", "GET", "1.1", 0), ("pieces", "GET", "1.0", 100), ("large", "GET", "1.1", 100),
    ("large", "GET", "1.0", 0), ("empty", "GET", "1.1", 0), ("empty", "HEAD", "1.0", 0), ("file", "GET", "1.1", 0),
    ("function", "GET", "1.0", 100),
    ("write", "GET", "1.1", 0), ("write", "GET", "1.0", 100), ("write-empty", "GET", "1.1", 0),
]


def test_a_client_that_has_left_ends_what_was_for_it(servers: Servers, kinds: list[str]) -> None:
    started = {kind: servers(kind) for kind in kinds}

    def leave(kind: str) -> None:
        server = started[kind]
        for how, method, version, reads in LEAVING:
            name = f"note-{next(numbers)}"
            with server.connect() as wire:
                wire.send(f"{method} /{how}/200//{name} HTTP/{version}\r\nHost: a\r\n\r\n".encode())
                wire.read_exactly(reads)
                wait_until(lambda name=name: noted(server, name), PATIENCE, server.describe)  # type: ignore[misc]
            expect_closed(server, name)

    at_once(started, leave)
