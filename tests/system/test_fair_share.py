"""Workers share the work, whichever of them holds the kept-alive connections; a lone client keeps its connection."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wire import Wire

SLOW = """
import os, time
def app(environ, start_response):
    time.sleep(0.02)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
pytestmark = pytest.mark.alone
KINDS = pytest.mark.parametrize(
    "args", [(), ("-k", "gthread", "--threads", "1"), ("--threads", "2")], ids=["sync", "gthread-1", "gthread-2"]
)
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLIENTS = 8
ROUNDS = 12


def play_round(server: Server, clients: list[Wire]) -> list[str]:
    """Every client asks, then every client reads, and connects anew when it was told to; who has answered."""
    for client in clients:
        client.send(REQUEST)
    answered = []
    for place, client in enumerate(clients):
        response = client.read_response()
        answered.append(response.body.decode())
        if response.get("connection") == "close":
            client.close()
            clients[place] = server.connect()
    return answered


@KINDS
def test_both_workers_get_their_share(args: tuple[str, ...], serve: Serve) -> None:
    server = serve(SLOW, *args, "-w", "2", workers=2)
    clients = [server.connect() for _ in range(CLIENTS)]
    served = Counter(pid for _ in range(ROUNDS) for pid in play_round(server, clients))
    for client in clients:
        client.close()
    assert len(served) == 2
    assert min(served.values()) >= CLIENTS * ROUNDS / 8, served


@KINDS
def test_a_lone_client_keeps_its_connection(args: tuple[str, ...], serve: Serve) -> None:
    server = serve(SLOW, *args, "-w", "2", workers=2)
    with server.connect() as client:
        for _ in range(5):
            client.send(REQUEST)
            assert client.read_response().get("connection") is None
