"""A client that waits to be asked for its body (RFC 9110 section 10.1.1), and an application that answers first."""

from __future__ import annotations

import pytest

from tests.conftest import Serve

APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    yield b"first"
    yield environ["wsgi.input"].read()
"""


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_nobody_is_asked_to_go_on_within_an_answer(kind: str, serve: Serve) -> None:
    server = serve(APP, "-k", kind, "--no-buffer-request-body")
    with server.connect() as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        while b"first" not in wire.buffer:
            assert wire.fill()
        wire.send(b"later")
        response = wire.read_response()
        assert (response.status, response.body) == (200, b"firstlater")
