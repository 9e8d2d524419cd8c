"""Small answers of one turn go at its end, all at once: when they are held back, and that nobody waits for long."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gunicorn._build import build_kind
from gunicorn.engine._leaf import Poller
from gunicorn.engine.manners import Manners
from gunicorn.engine.transport import MOST_DELAYED
from gunicorn.http.response import UNTIL_CLOSE
from gunicorn.http.response_head import ResponseHead
from tests.engine.test_engine import ANSWER, GET, Bench, Recorder

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="the kernel holds nothing back here")

#: How many clients have their answer when the first, the second, and the third of a turn is served. Interpreted, each
#: is sent at once: flags of a send take a socket object, which costs more.
AT_ONCE = [0, 1, 2]
AT_THE_END = [0, 0, 0] if build_kind() == "compiled" else AT_ONCE
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MOST_DELAYED + b"x" * MOST_DELAYED


class Watcher(Recorder):
    """Answers at once; keeps how many clients had an answer to read when it was asked. Each call takes its time."""

    def __init__(self, bench: DelayBench) -> None:
        super().__init__()
        self.bench = bench
        self.seen: list[int] = []
        self.takes = 0.0
        self.octets = ANSWER
        self.keep = True

    def handle(self, connection: Any, request: Any) -> None:
        self.seen.append(self.bench.answered())
        self.bench.now += self.takes
        connection.write(self.octets)
        connection.finish(self.keep)


class DelayBench(Bench):
    """An engine whose worker type allows it, and three clients."""

    watcher: Watcher
    #: Events took their time in the turn before.
    holds = True

    def __init__(self) -> None:
        super().__init__(Poller())
        self.watcher = Watcher(self)
        self.engine.hand_to(self.watcher, Manners(delays=True))
        for _ in range(3):
            self.connect()
        self.turn()

    def answered(self) -> int:
        return len(select.select([client for client in self.clients if client.fileno() >= 0], [], [], 0)[0])

    def ask(self, takes: float = 0.0, octets: bytes = GET) -> list[int]:
        """All three in one turn: how many had their answer when each was served; behind the turn all have."""
        self.watcher.seen, self.watcher.takes = [], takes
        self.engine.holds = self.holds
        for client in self.clients:
            client.sendall(octets)
        self.engine.poll(0.5)
        seen = self.watcher.seen
        assert self.answered() == len(self.clients)
        return seen

    def drain(self) -> None:
        """Read all that there is."""
        for client in self.clients:
            while select.select([client], [], [], 0)[0] and client.recv(100000):
                pass


@pytest.fixture
def bench() -> Iterator[DelayBench]:
    made = DelayBench()
    yield made
    made.close()


def test_at_the_end_of_the_turn(bench: DelayBench) -> None:
    for _ in range(3):
        assert bench.ask() == AT_THE_END
        bench.drain()


def test_only_where_nothing_is_waited_for_in_a_turn(bench: DelayBench) -> None:
    bench.engine.delays = bench.holds = False
    assert bench.ask(0.0001) == AT_ONCE
    assert not bench.engine.holds


def test_where_an_event_takes_hardly_any_time_all_go_at_once(bench: DelayBench) -> None:
    bench.holds = False
    assert bench.ask() == AT_ONCE
    bench.drain()
    # As it was in this turn it is in the next one.
    for seconds in (0.000025, 0.000015, 0.000025):
        bench.ask(seconds)
        bench.drain()
        assert bench.engine.holds is (seconds > 0.00002)


def test_a_large_one_goes_at_once(bench: DelayBench) -> None:
    bench.watcher.octets = LARGE
    assert bench.ask() == AT_ONCE


def test_not_for_long(bench: DelayBench) -> None:
    assert bench.ask(0.0004) == AT_THE_END
    bench.drain()
    # The first one has waited for a call of 1.2 ms when the third is served.
    assert bench.ask(0.0012) == ([0, 0, 2] if build_kind() == "compiled" else AT_ONCE)


def test_nobody_waits_for_who_was_slow_lately(bench: DelayBench) -> None:
    bench.engine.share.ended(0.01, bench.now)
    assert bench.ask() == AT_ONCE
    bench.drain()
    bench.now += 0.21
    assert bench.ask() == AT_THE_END


def test_what_has_run_too_long_is_noticed_here_too(bench: DelayBench) -> None:
    # The gateways of coroutines do not tell how long each of them has run.
    bench.ask(0.01)
    bench.drain()
    assert bench.ask() == AT_ONCE
    bench.drain()
    bench.now += 0.5
    assert bench.ask() == AT_THE_END


def test_nobody_waits_for_a_request_that_waits_for_its_client(bench: DelayBench) -> None:
    seen = []

    def waits(connection: Any, request: Any) -> None:
        Watcher.handle(bench.watcher, connection, request)
        if len(bench.watcher.seen) == 2:
            bench.engine.send_delayed()
            seen.append(bench.answered())

    bench.watcher.handle = waits  # type: ignore[method-assign]
    bench.ask()
    assert seen == [2]


def test_a_slow_one_that_is_the_last_of_its_turn_is_noticed(bench: DelayBench) -> None:
    takes = iter([0.0, 0.0, 0.01])

    def handle(connection: Any, request: Any) -> None:
        bench.watcher.takes = next(takes, 0.0)
        Watcher.handle(bench.watcher, connection, request)

    bench.watcher.handle = handle  # type: ignore[method-assign]
    bench.ask()
    bench.drain()
    assert bench.ask() == AT_ONCE


def test_an_answer_bit_by_bit_is_held_back_once(bench: DelayBench) -> None:
    seen = []

    def handle(connection: Any, request: Any) -> None:
        connection.write(ANSWER[:10])
        seen.append(bench.answered())
        connection.write(ANSWER[10:])
        seen.append(bench.answered())
        connection.finish(True)

    bench.watcher.handle = handle  # type: ignore[method-assign]
    bench.ask()
    assert seen == ([0, 1, 1, 2, 3, 3] if build_kind() == "compiled" else [1, 1, 2, 2, 3, 3])


def test_a_reset_does_not_take_the_answer_before_it(bench: DelayBench) -> None:
    head = ResponseHead()
    head.framing = UNTIL_CLOSE

    def handle(connection: Any, request: Any) -> None:
        bench.watcher.seen.append(0)
        if len(bench.watcher.seen) % 2:
            connection.write(ANSWER)
            connection.finish(True)
        else:
            connection.break_off(head)
            connection.finish(False)

    bench.watcher.handle = handle  # type: ignore[method-assign]
    bench.ask(octets=GET * 2)
    for client in bench.clients:
        assert client.recv(10000) == ANSWER
        with pytest.raises(ConnectionResetError):
            client.recv(10000)


def test_several_answers_on_each_connection(bench: DelayBench) -> None:
    bench.ask(octets=GET * 3)
    for client in bench.clients:
        received = b""
        while len(received) < 3 * len(ANSWER):
            received += client.recv(10000)
        assert received == 3 * ANSWER


def test_a_connection_that_ends_with_its_answer(bench: DelayBench) -> None:
    bench.watcher.keep = False
    bench.ask()
    for client in bench.clients:
        assert client.recv(10000) == ANSWER
        client.shutdown(socket.SHUT_WR)
    bench.turn()
    assert bench.engine.count == 0


def test_one_that_has_gone_meanwhile(bench: DelayBench) -> None:
    gone, *others = bench.clients
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    for client in bench.clients:
        client.sendall(GET)
    gone.close()
    bench.engine.poll(0.5)
    for client in others:
        assert client.recv(10000) == ANSWER
    bench.turn()
    assert bench.engine.count == 2
