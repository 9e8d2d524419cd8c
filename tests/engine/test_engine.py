"""The engine over real sockets with an injected clock: deadlines, limits and states, stepped by hand."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine._leaf import Poller
from gunicorn.engine.engine import Engine
from gunicorn.engine.handler import Handler
from gunicorn.engine.intake import FEW_DRAINED
from gunicorn.engine.portable import PortablePoller
from gunicorn.engine.settings import Settings
from gunicorn.engine.share import Share
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.http.request import Request
from gunicorn.http.response_head import Page, Prefix

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Recorder(Handler):
    """Answers at once unless told to wait; keeps what it was given."""

    def __init__(self) -> None:
        self.answers_at_once = True
        self.requests: list[Any] = []
        self.refusals: list[int] = []

    def handle(self, connection: Any, request: Any) -> None:
        body = request.body.read() if request.body is not None else b""
        self.requests.append((connection, request.uri, body))
        if self.answers_at_once:
            self.answer()

    def answer(self, data: bytes = ANSWER, keep: bool = True) -> None:
        connection = self.requests[-1][0]
        connection.write(data)
        connection.finish(keep)

    def refused(self, exchange: Any, error: Any) -> Page:
        self.refusals.append(error.status)
        return Page(Request(), Prefix(error.status, b"HTTP/1.1 %d No\r\n" % error.status), [], b"")


class Bench:
    """An engine, the clock it reads, and its clients."""

    def __init__(self, poller: Any, share: Share | None = None, **settings: Any) -> None:
        self.now = 100.0
        self.handler = Recorder()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.engine = Engine(
            HTTPOpener(), self.handler, Settings(**settings), Limits(), Peers([]), Peers([]), lambda: self.now, poller,
            share,
        )
        self.engine.listen([self.listener])
        self.clients: list[socket.socket] = []

    def connect(self) -> socket.socket:
        client = socket.create_connection(self.listener.getsockname())
        client.settimeout(5)
        self.clients.append(client)
        return client

    def turn(self, times: int = 3) -> None:
        for _ in range(times):
            self.engine.poll(0.05)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.turn()

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.engine.close()
        self.listener.close()


@pytest.fixture(params=[Poller, PortablePoller], ids=["epoll", "portable"])
def make_bench(request: pytest.FixtureRequest) -> Iterator[Any]:
    made: list[Bench] = []

    def make(**settings: Any) -> Bench:
        made.append(Bench(request.param(), **settings))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


def test_requests_one_after_another(make_bench: Any) -> None:
    bench = make_bench()
    client = bench.connect()
    for _ in range(3):
        client.sendall(GET)
        bench.turn()
        assert client.recv(1000) == ANSWER
    assert bench.engine.count == 1


def test_what_runs_is_counted_once(make_bench: Any) -> None:
    """A connection that is closed with its answer was counted out twice: the number went below zero, for good."""
    bench = make_bench()
    for _ in range(3):
        client = bench.connect()
        client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        bench.handler.answers_at_once = False
        bench.turn()
        assert bench.engine.running == 1
        bench.handler.answer(keep=False)
        assert client.recv(1000) == ANSWER
        bench.turn()
        assert bench.engine.running == 0
    assert bench.engine.count == 0


def test_pipelined_requests_wait_for_the_answer(make_bench: Any) -> None:
    bench = make_bench()
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET * 3)
    bench.turn()
    assert len(bench.handler.requests) == 1
    for count in (2, 3, 3):
        bench.handler.answer()
        assert len(bench.handler.requests) == count


def test_a_body_in_pieces(make_bench: Any) -> None:
    bench = make_bench(body_buffer_size=1000)
    client = bench.connect()
    for size in (10, 1000, 1001, 100_000):
        body = bytes(range(256)) * (size // 256 + 1)
        body = body[:size]
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + body[:5])
        bench.turn()
        client.sendall(body[5:])
        bench.turn(6)
        assert bench.handler.requests[-1][2] == body
        assert client.recv(1000) == ANSWER


DEADLINES = {
    "silent": (b"", 10.0, b""),
    "head": (GET[:10], 10.0, b"HTTP/1.1 408"),
    "body": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 7.0, b"HTTP/1.1 408"),
    "idle": (GET, 3.0, ANSWER),
}


@pytest.mark.parametrize("name", DEADLINES)
def test_deadlines(name: str, make_bench: Any) -> None:
    data, seconds, answer = DEADLINES[name]
    bench = make_bench(header_timeout=10.0, body_timeout=7.0, keepalive=3.0)
    client = bench.connect()
    client.sendall(data)
    bench.turn()
    bench.pass_time(seconds - 0.5)
    assert bench.engine.count == 1
    bench.pass_time(2.0)
    # What was refused lingers until the client closes, or for a moment.
    bench.pass_time(3.0)
    assert bench.engine.count == 0
    received = b""
    while piece := client.recv(1000):
        received += piece
    assert received.startswith(answer)


def test_a_trickled_head_has_one_deadline(make_bench: Any) -> None:
    bench = make_bench(header_timeout=10.0, keepalive=3.0)
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    assert client.recv(1000) == ANSWER
    for octet in (b"G", b"E", b"T", b" "):
        client.sendall(octet)
        bench.pass_time(2.4)
        assert bench.engine.count == 1
    bench.pass_time(4.0)
    assert bench.handler.refusals == [408]


def test_a_client_that_takes_nothing_is_given_up(make_bench: Any) -> None:
    bench = make_bench(send_timeout=5.0, response_buffer_size=1000)
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    bench.handler.answer(b"x" * 30_000_000)
    bench.pass_time(4.0)
    assert bench.engine.count == 1
    bench.pass_time(2.0)
    assert bench.engine.count == 0


def test_what_is_queued_arrives_in_order(make_bench: Any) -> None:
    bench = make_bench(response_buffer_size=100_000)
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    connection = bench.handler.requests[-1][0]
    pieces = [bytes([number]) * 300_000 for number in range(40)]
    for piece in pieces:
        connection.write(piece)
    connection.finish(False)
    received = bytearray()
    while len(received) < 12_000_000:
        bench.engine.poll(0.01)
        received += client.recv(1 << 20)
    assert received == b"".join(pieces)


def test_the_last_octets_arrive_before_the_end(make_bench: Any) -> None:
    bench = make_bench()
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    bench.turn()
    connection = bench.handler.requests[-1][0]
    connection.write(ANSWER[:-2])
    connection.write_last(ANSWER[-2:])
    connection.finish(False)
    received = b""
    while piece := client.recv(1000):
        received += piece
    assert received == ANSWER


def test_connections_above_the_limit_wait(make_bench: Any) -> None:
    bench = make_bench(max_connections=2)
    clients = [bench.connect() for _ in range(3)]
    bench.turn()
    assert bench.engine.count == 2
    clients[0].close()
    bench.turn()
    assert bench.engine.count == 2


def test_a_reset_is_no_error(make_bench: Any) -> None:
    bench = make_bench()
    client = bench.connect()
    client.sendall(GET[:5])
    bench.turn()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    bench.turn()
    assert bench.engine.count == 0


def test_a_refusal_survives_what_the_client_still_sends(make_bench: Any) -> None:
    bench = make_bench()
    client = bench.connect()
    client.sendall(b"bad\r\n\r\n" + b"x" * 200_000)
    bench.turn(10)
    received = b""
    while piece := client.recv(1000):
        received += piece
        bench.turn(1)
    assert received.startswith(b"HTTP/1.1 400")


def test_leaving_idle_clients_have_a_moment(make_bench: Any) -> None:
    bench = make_bench(keepalive=30.0)
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    bench.engine.stop_accepting()
    bench.engine.shorten_idle(2.0)
    bench.pass_time(1.0)
    assert bench.engine.count == 1
    bench.pass_time(2.0)
    assert bench.engine.count == 0


def test_the_moment_of_leaving_clients_is_kept(make_bench: Any) -> None:
    """The end of the process waits for it: it is no longer for the engine having looked just before."""
    bench = make_bench(keepalive=30.0)
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    bench.pass_time(0.9)
    bench.engine.shorten_idle(1.0)
    for _ in range(9):
        bench.pass_time(0.1)
    assert bench.engine.count == 1
    bench.pass_time(0.1)
    bench.pass_time(0.16)
    assert bench.engine.count == 0


@pytest.mark.parametrize("stops_first", [True, False])
def test_the_end_does_not_wait_long_for_those_who_do_not_listen(stops_first: bool, make_bench: Any) -> None:
    """Our side is shut, the client has its answer: what it may still send matters less than the end of the process."""
    bench = make_bench()
    client = bench.connect()
    steps = [bench.engine.stop_accepting, lambda: bench.engine.shorten_idle(1.0)]
    if stops_first:
        for step in steps:
            step()
    client.sendall(GET.replace(b" HTTP/1.1", b" HTTP/1.1x"))
    bench.turn()
    if not stops_first:
        for step in steps:
            step()
    bench.pass_time(0.4)
    assert bench.engine.count == 1
    bench.pass_time(0.3)
    assert bench.engine.count == 0
    assert client.recv(1000).startswith(b"HTTP/1.1 4")


def test_an_answer_given_while_leaving_promises_no_more_than_a_moment(make_bench: Any) -> None:
    # A thread has sent its answer, without `Connection: close`, and is yet to end the request.
    bench = make_bench(keepalive=30.0)
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    bench.engine.shorten_idle(2.0)
    bench.handler.answer()
    bench.pass_time(1.0)
    assert bench.engine.count == 1
    bench.pass_time(2.0)
    assert bench.engine.count == 0


def test_no_connection_is_lost_by_stopping(make_bench: Any) -> None:
    bench = make_bench()
    clients = [bench.connect() for _ in range(5)]
    for client in clients:
        client.sendall(GET)
    bench.engine.stop_accepting()
    bench.turn()
    assert [client.recv(1000) for client in clients] == [ANSWER] * 5


def test_neighbours_get_what_waits(make_bench: Any) -> None:
    bench = make_bench()
    for _ in range(FEW_DRAINED + 4):
        bench.connect()
    bench.engine.stop_accepting(neighbours=True)
    assert bench.engine.count == FEW_DRAINED


PEERS = [
    (["127.0.0.1"], ("127.0.0.1", 1), True),
    (["127.0.0.1"], ("127.0.0.2", 1), False),
    (["10.0.0.0/8"], ("10.1.2.3", 1), True),
    (["::1"], ("::1", 1, 0, 0), True),
    (["127.0.0.1"], ("::ffff:127.0.0.1", 1, 0, 0), True),
    (["*"], ("8.8.8.8", 1), True),
    ([], ("127.0.0.1", 1), False),
    ([], "", True),
]


@pytest.mark.parametrize(("allowed", "peer", "expected"), PEERS)
def test_peers(allowed: list[str], peer: Any, expected: bool) -> None:
    assert Peers(allowed).allows(peer) is expected


def test_silent_clients_are_waited_for_once_a_second_while_requests_are_slow(make_bench: Any) -> None:
    bench = make_bench(share=Share(fair=True))
    engine = bench.engine
    engine.share.ended(1.0, bench.now)
    assert engine.share.is_slow(bench.now + 1.0)
    bench.connect().sendall(GET)
    bench.turn()
    assert len(bench.handler.requests) == 1
    assert engine.share.awaits_request(bench.now), "a request that is there is not waited for"
    silent = bench.connect()
    bench.turn()
    assert not engine.share.awaits_request(bench.now + 0.9)
    assert engine.share.awaits_request(bench.now + 1.0)
    bench.now += 0.5
    bench.connect()
    bench.turn()
    assert engine.share.awaits_request(bench.now + 0.5), "it is not waited for once more"
    assert engine.count == 3
    silent.sendall(GET)
    bench.turn()
    assert silent.recv(1000) == ANSWER


TURNS = [
    pytest.param(False, 2, False, [2, 4, 5], id="two"),
    pytest.param(False, 2, True, [2, 4, 5], id="two, slow without neighbours"),
    pytest.param(True, 16, False, [5], id="all"),
    pytest.param(True, 16, True, [1, 2, 3, 4, 5], id="one, slow with neighbours"),
]


@pytest.mark.parametrize(("fair", "accepts", "slow", "counts"), TURNS)
def test_connections_of_a_turn(make_bench: Any, fair: bool, accepts: int, slow: bool, counts: list[int]) -> None:
    bench = make_bench(share=Share(fair, accepts))
    bench.engine.share.ended(1.0 if slow else 0.0, bench.now)
    for _ in range(5):
        bench.connect().sendall(GET)
    for count in counts:
        bench.turn(1)
        assert bench.engine.count == count


#: Whether the requests of connections were there when somebody looked -> whether each connection is looked at.
LOOKS = [
    ([True] * 5, [True] * 5),
    ([False] * 4, [True, False] + [True] + [False] * 3 + [True] + [False] * 7 + [True] + [False] * 15),
    ([False, True, True, False], [True, False, True, True, True, False, True]),
]


@pytest.mark.parametrize(("found", "looks"), LOOKS)
def test_requests_that_come_later_are_looked_for_now_and_then(
    make_bench: Any, found: list[bool], looks: list[bool]
) -> None:
    listener = make_bench().engine.listeners[0]
    answers = iter(found)
    for expected in looks:
        assert listener.looks() is expected
        if expected:
            listener.looked(next(answers, True))


def test_it_is_never_long_that_nobody_looks(make_bench: Any) -> None:
    listener = make_bench().engine.listeners[0]
    seen = []
    for _ in range(1000):
        seen.append(listener.looks())
        if seen[-1]:
            listener.looked(False)
    assert seen[-200:].count(True) == 6


def test_who_is_not_looked_at_is_served_in_the_next_turn(make_bench: Any) -> None:
    bench = make_bench()
    # One whose request comes later, or never.
    bench.connect()
    bench.turn(1)
    bench.connect().sendall(GET)
    for served in (0, 1):
        bench.turn(1)
        assert len(bench.handler.requests) == served
    # The next one is looked at again, and its request is there, so that all are.
    for served in (2, 3):
        bench.connect().sendall(GET)
        bench.turn(1)
        assert len(bench.handler.requests) == served
    for client in bench.clients[1:]:
        assert client.recv(1000) == ANSWER


def test_what_is_queued_gives_a_client_no_more_time(make_bench: Any) -> None:
    bench = make_bench(send_timeout=5.0, response_buffer_size=1 << 20)
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    connection = bench.handler.requests[-1][0]
    connection.write(b"x" * 30_000_000)
    assert not connection.broken
    # The kernel may take some more of it at first; that counts as the client's taking.
    for _ in range(10):
        if connection.broken:
            break
        connection.write(b"more")
        bench.pass_time(2.0)
    assert connection.broken


def test_who_takes_a_little_has_time_again(make_bench: Any) -> None:
    bench = make_bench(send_timeout=5.0)
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    bench.handler.answer(b"x" * 60_000_000)
    for _ in range(4):
        taken = 0
        while taken < 8_000_000:
            bench.engine.poll(0.01)
            taken += len(client.recv(1 << 20))
        bench.pass_time(4.0)
        assert bench.engine.count == 1
    bench.pass_time(6.0)
    assert bench.engine.count == 0


def test_the_time_of_a_client_does_not_begin_before_its_answer(make_bench: Any) -> None:
    """The application has run for longer than `send_timeout` when it answers."""
    bench = make_bench(send_timeout=5.0)
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    bench.now += 60.0
    bench.handler.answer(b"x" * 30_000_000)
    bench.turn()
    bench.pass_time(3.0)
    assert bench.engine.count == 1
    bench.pass_time(3.0)
    assert bench.engine.count == 0


def test_nobody_waits_twice_for_a_turn(make_bench: Any) -> None:
    bench = make_bench()
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    connection = bench.handler.requests[-1][0]
    for _ in range(5):
        connection.take_turn()
    assert len(bench.engine.again) == 1
    bench.turn()
    assert not bench.engine.again
    connection.take_turn()
    assert len(bench.engine.again) == 1


class Interrupting:
    """A guard of the engine; each time it is let go, another thread may come between: `then` is what that one does."""

    def __init__(self) -> None:
        self.then: list[Any] = []

    def __enter__(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None:
        if self.then:
            self.then.pop(0)()


def test_octets_that_come_while_a_thread_begins_to_wait_for_them(make_bench: Any) -> None:
    """Who leads the engine read them; the thread then waited in the kernel for octets that had been taken from it."""
    bench = make_bench()
    engine, handler = bench.engine, bench.handler
    engine.stream_bodies = True
    handler.handle = lambda connection, request: handler.requests.append((connection, request))
    client = bench.connect()
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
    bench.turn()
    connection, request = handler.requests[-1]
    engine.guard = Interrupting()
    engine.guard.then = [lambda: (client.sendall(b"abcdef"), bench.turn())]

    def late() -> None:
        raise AssertionError("waited for what was there")

    connection.wait_readable(late)
    assert request.body.take() == b"abcdef"
    assert request.body.complete
    # The next one is read by the engine again.
    connection.finish(True)
    client.sendall(GET)
    bench.turn()
    assert handler.requests[-1][1].uri == request.uri


def test_nobody_is_woken_by_a_descriptor_that_is_closed_meanwhile(
    make_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that ends its request while the worker stops."""
    bench = make_bench()
    engine = bench.engine
    engine.threaded = True
    engine.guard = threading.RLock()
    closed = threading.Event()

    def close() -> None:
        engine.close()
        closed.set()

    thread = threading.Thread(target=close)

    def write(fd: int, data: bytes) -> int:
        thread.start()
        closed.wait(0.1)
        return os.write(fd, data)

    monkeypatch.setattr("gunicorn.engine.engine.write", write)
    engine.wake()
    thread.join(10)
    assert closed.is_set()
    # There is nobody any more.
    engine.wake()
