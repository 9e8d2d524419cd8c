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


DOES_NOT_READ = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"no"]
"""


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent", "tornado"])
def test_an_answer_without_the_body_is_the_last_one_and_says_so(kind: str, serve: Serve) -> None:
    """Its client may send the body now, or never."""
    server = serve(DOES_NOT_READ, "-k", kind, "--no-buffer-request-body")
    with server.connect() as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        response = wire.read_response()
        assert (response.status, response.get("Connection"), response.interim) == (200, "close", [])
        wire.expect_eof()
    # Without a body there is nothing to wait for.
    with server.connect() as wire:
        for _ in range(2):
            wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
            response = wire.read_response()
            assert (response.status, response.get("Connection")) == (200, None)
