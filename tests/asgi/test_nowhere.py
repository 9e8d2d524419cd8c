"""ASGI: content that cannot reach anybody ends, with an error where the application may go on for ever."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asgi.conftest import ask
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until

APP = '''
import asyncio, os, sys

def say(*words):
    sys.stderr.write(" ".join(["SAW", *map(str, words)]) + "\\n")

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    _, how, status, length, name = scope["path"].split("/")
    headers = [(b"content-length", length.encode())] if length else []
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    if how == "path":
        await send({"type": "http.response.pathsend", "path": scope["query_string"].decode()})
        return
    piece = {"type": "http.response.body", "body": b"" if how == "empty" else b"x" * 100, "more_body": True}
    if how == "finite":
        for _ in range(5):
            await send(piece)
        await send({"type": "http.response.body", "body": b""})
        say(name, "sent")
        return
    say(name, "begun")
    try:
        while True:
            await send(piece)
            await asyncio.sleep(0.005)
    except BaseException as error:
        say(name, isinstance(error, (OSError, asyncio.CancelledError)))
        raise
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("asgi"), APP, "-k", "asgi", "--asgi-disconnect-grace-period", "1")
    try:
        yield running.start()
        assert running.stop() == 0
    finally:
        running.kill()
    assert "ERROR" not in running.log()


WITHOUT_CONTENT = [("HEAD", 200, ""), ("HEAD", 200, "9"), ("GET", 204, ""), ("GET", 205, ""), ("GET", 205, "9"),
                   ("GET", 304, ""), ("GET", 304, "0"), ("GET", 304, "77")]


@pytest.mark.parametrize("how", ["pieces", "empty", "finite"])
def test_a_response_without_content_is_complete_with_its_head(server: Server, how: str) -> None:
    """The connection serves its next request at once; what is sent for ever ends, what has an end passes."""
    names = []
    with server.connect() as wire:
        for number, (method, status, length) in enumerate(WITHOUT_CONTENT):
            name = f"{how}-{number}"
            wire.send(ask(f"/{how}/{status}/{length}/{name}", method=method))
            response = wire.read_response(method)
            assert response.status == status
            told = {204: None, 205: "0"}.get(status, length or None)
            assert response.get("content-length") == (None if (status, length) == (304, "0") else told)
            names.append(name)
        for name in names:
            server.wait_for_log(f"SAW {name} {'sent' if how == 'finite' else 'True'}")


@pytest.mark.parametrize("how", ["pieces", "empty"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_client_that_has_left_ends_what_was_for_it(server: Server, how: str, version: str) -> None:
    name = f"left-{how}-{version}"
    with server.connect() as wire:
        wire.send(ask(f"/{how}/200//{name}", version=version))
        server.wait_for_log(f"SAW {name} begun")
    server.wait_for_log(f"SAW {name} True")


@pytest.mark.parametrize("path", ["/proc/version", "/proc/self/status", "/sys/kernel/mm/transparent_hugepage/enabled"])
def test_files_that_the_kernel_makes_are_read(server: Server, path: str) -> None:
    if not os.path.exists(path):
        pytest.skip(f"there is no {path}")
    with server.connect() as wire:
        wire.send(ask(f"/path/200//x?{path}"))
        body = wire.read_response().body
    assert re.match(rb"Name:" if "self" in path else re.escape(Path(path).read_bytes()), body)


def test_a_file_that_is_all_hole(server: Server) -> None:
    for size in (1000, 3_000_000):
        with open(server.folder / "hole", "wb") as file:
            file.truncate(size)
        with server.connect() as wire:
            wire.send(ask(f"/path/200//x?{server.folder}/hole"))
            assert wire.read_response().body == bytes(size)


def test_nobody_is_left(server: Server) -> None:
    wait_until(lambda: server.log().count("begun") == server.log().count("True"), PATIENCE, server.log)
