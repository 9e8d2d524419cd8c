"""A connection of HTTP/2 on an engine with an injected clock: what is left of it at its end, and its time limits."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gunicorn.drivers.http2_entry import HTTP2Entry, HTTP2Options
from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine._leaf import Poller
from gunicorn.engine.engine import Engine
from gunicorn.engine.manners import Manners
from gunicorn.engine.settings import Settings
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.http.response_head import Page, Prefix
from tests.engine.test_engine import Bench, Recorder
from tests.support import http2_raw as h2


class HTTP2Bench(Bench):
    """Its clients speak HTTP/2 without TLS."""

    def __init__(self, **settings: Any) -> None:
        self.now = 100.0
        self.handler = Recorder()
        self.handler.answers_at_once = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.engine = Engine(
            HTTPOpener(HTTP2Entry(HTTP2Options(prior_knowledge=True))), self.handler, Settings(**settings), Limits(),
            Peers(["127.0.0.1"]), Peers([]), lambda: self.now, Poller(), None,
        )
        self.engine.listen([self.listener])
        self.clients = []
        # The highest stream that all clients have opened.
        self.asked = -1

    def client(self, octets: bytes, acknowledges: bool = True) -> socket.socket:
        client = self.connect()
        ack = h2.frame(h2.SETTINGS, h2.ACK) if acknowledges else b""
        client.sendall(h2.PREFACE + h2.settings() + ack + octets)
        self.turn()
        return client


    @staticmethod
    def has_answer(client: socket.socket) -> bool:
        return bool(select.select([client], [], [], 0)[0])

    def answered(self) -> int:
        """How many clients have something to read."""
        return sum(map(self.has_answer, self.clients))

    def drain(self) -> None:
        """Read all that there is."""
        for client in self.clients:
            while self.has_answer(client):
                client.recv(10000)


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


# What several connections have to send.


class Watcher(Recorder):
    """Answers at once; keeps how many clients had an answer to read when it was asked. Each call takes its time."""

    def __init__(self, bench: HTTP2Bench) -> None:
        super().__init__()
        self.bench, self.takes = bench, 0.0
        self.seen: list[int] = []

    def handle(self, exchange: Any, request: Any) -> None:
        self.bench.now += self.takes
        self.seen.append(self.bench.answered())
        exchange.answer(Page(request, Prefix(200, b"HTTP/1.1 200 OK\r\n"), [], b"ok"))
        exchange.finish(True)


def ask_at_once(bench: HTTP2Bench, takes: float, delays: bool = True, things: int = 5) -> list[int]:
    """Three clients ask in one turn, each for so many things: how many had answers when the first one was called for
    each of them."""
    watcher: Any = bench.engine.handler
    watcher.takes, watcher.seen = takes / things, []
    bench.engine.delays = bench.engine.stream_bodies = delays
    bench.engine.holds = delays
    for client in bench.clients:
        client.sendall(b"".join(h2.headers(bench.asked + 2 * number) for number in range(1, 1 + things)))
    bench.asked += 2 * things
    bench.engine.poll(0.5)
    assert bench.answered() == len(bench.clients)
    bench.drain()
    return watcher.seen[::things]


@pytest.fixture
def three(bench: HTTP2Bench) -> HTTP2Bench:
    for _ in range(3):
        bench.client(b"")
    bench.drain()
    bench.engine.hand_to(Watcher(bench), Manners(delays=True))
    return bench


def test_they_go_at_the_end_of_the_turn(three: HTTP2Bench) -> None:
    assert ask_at_once(three, 0.0) == [0, 0, 0]
    assert ask_at_once(three, 0.0, delays=False) == [0, 1, 2]


def test_who_has_asked_for_one_thing_gets_it_at_once(three: HTTP2Bench) -> None:
    assert ask_at_once(three, 0.0, things=1) == [0, 1, 2]


def test_they_do_not_wait_for_long(three: HTTP2Bench) -> None:
    assert ask_at_once(three, 0.0004) == [0, 0, 0]
    assert ask_at_once(three, 0.0012) == [0, 0, 2]


def test_they_wait_for_nothing_that_is_slow(three: HTTP2Bench) -> None:
    # Who is the first one to be slow is not foreseen; after that nobody waits, for a while.
    assert ask_at_once(three, 0.01) == [0, 0, 2]
    assert ask_at_once(three, 0.0) == [0, 1, 2]
    three.now += 3.0
    assert ask_at_once(three, 0.0) == [0, 0, 0]


def test_a_client_that_shuts_its_side_gets_what_was_gathered(three: HTTP2Bench) -> None:
    three.engine.delays = three.engine.stream_bodies = three.engine.holds = True
    for client in three.clients:
        client.sendall(b"".join(h2.headers(2 * number + 1) for number in range(5)))
        client.shutdown(socket.SHUT_WR)
    three.engine.poll(0.5)
    three.turn()
    for client in three.clients:
        assert client.recv(10000).count(b"ok") == 5
    assert three.engine.count == 0


def test_one_that_cannot_be_sent_ends_alone(three: HTTP2Bench) -> None:
    gone, *others = three.clients
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    for client in three.clients:
        client.sendall(b"".join(h2.headers(2 * number + 1) for number in range(5)))
    gone.close()
    three.engine.poll(0.5)
    assert all(three.has_answer(client) for client in others)
    three.turn()
    assert three.engine.count == 2
