"""The connection that `handle_request` of a thread worker is given, also where a subclass serves it in its own way."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.engine.listener import Listener
from gunicorn.workers.gthread import TConn, address_of

CLIENT, SERVER = ("192.0.2.1", 5), ("198.51.100.1", 80)


@pytest.mark.parametrize("certfile", [None, "/nowhere/server.pem"])
def test_nothing_is_pending_on_a_connection_that_its_handler_reads_by_itself(certfile: str | None) -> None:
    cfg = Config()
    cfg.settings["certfile"].value = certfile
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"GET / HTTP/1.1\r\n")
        connection = TConn(cfg, ours, CLIENT, SERVER)
        assert connection.is_pending() is False


def test_what_came_behind_a_request_is_pending() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET")
        connection = TConn(Config(), ours, CLIENT, SERVER)
        connection.init()
        assert connection.parser is not None
        next(connection.parser)
        assert connection.is_pending() is True


@pytest.mark.parametrize("name", ["127.0.0.1", "::1"])
def test_the_address_of_a_listener_is_that_of_its_socket(name: str) -> None:
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    with socket.socket(family) as sock:
        try:
            sock.bind((name, 0))
        except OSError:
            pytest.skip(f"no {name} here")
        listener = Listener(sock)
        expected = sock.getsockname()[:2]
    # The socket is closed, as it is while a worker stops.
    assert address_of(listener) == expected


def test_the_address_of_a_unix_listener_is_its_path(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        listener = Listener(sock)
    assert address_of(listener) == path
