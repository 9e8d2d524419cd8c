"""A connection of HTTP/2 on an engine with an injected clock: what is left of it at its end, and its time limits."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gunicorn.drivers.http2_entry import HTTP2Entry, HTTP2Options
from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine._leaf import Poller
from gunicorn.engine.engine import Engine
from gunicorn.engine.settings import Settings
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from tests.engine.test_engine import Bench, Recorder
from tests.support import http2_raw as h2


class HTTP2Bench(Bench):
    """Its clients speak HTTP/2 without TLS."""

    def __init__(self, **settings: Any) -> None:
        self.now = 100.0
        self.handler = Recorder()
        self.handler.answers = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.engine = Engine(
            HTTPOpener(HTTP2Entry(HTTP2Options(prior_knowledge=True))), self.handler, Settings(**settings), Limits(),
            Peers(["127.0.0.1"]), Peers([]), lambda: self.now, Poller(), None,
        )
        self.engine.listen([self.listener])
        self.clients = []

    def client(self, octets: bytes, acknowledges: bool = True) -> socket.socket:
        client = self.connect()
        ack = h2.frame(h2.SETTINGS, h2.ACK) if acknowledges else b""
        client.sendall(h2.PREFACE + h2.settings() + ack + octets)
        self.turn()
        return client


@pytest.fixture
def bench() -> Iterator[HTTP2Bench]:
    made = HTTP2Bench()
    yield made
    made.close()


def test_request_that_ends_behind_its_connection(bench: HTTP2Bench) -> None:
    """A client that was told of an error is waited for as long as any: no request that ends meanwhile makes it less."""
    client = bench.client(h2.headers(1))
    exchange = bench.handler.requests[-1][0]
    client.sendall(h2.headers(2))
    bench.turn()
    assert exchange.is_lost()
    exchange.finish(True)
    bench.pass_time(1.5)
    assert bench.engine.count == 1
    assert bench.engine.running == 0
    bench.pass_time(1.5)
    assert bench.engine.count == 0


@pytest.mark.parametrize("acknowledges", [True, False], ids=["acknowledged", "silent"])
def test_settings_are_acknowledged_in_time(acknowledges: bool, bench: HTTP2Bench) -> None:
    client = bench.client(h2.headers(1), acknowledges)
    bench.pass_time(9.0)
    assert bench.engine.running == 1
    client.recv(1000)
    bench.pass_time(2.0)
    exchange = bench.handler.requests[-1][0]
    assert exchange.is_lost() is not acknowledges
    if not acknowledges:
        told = client.recv(1000)
        assert told[3] == h2.GOAWAY
        assert int.from_bytes(told[13:17]) == h2.SETTINGS_TIMEOUT
    exchange.finish(True)
    assert bench.engine.running == 0
