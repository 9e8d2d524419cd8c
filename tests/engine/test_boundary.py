"""One boundary around one connection: whatever is raised while it is served, the engine goes on with the others."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable
from socket import SO_LINGER, SOL_SOCKET
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.drivers.http1_ending import READING
from gunicorn.drivers.secure import Clear
from gunicorn.engine._leaf import Poller
from gunicorn.engine.driver import Driver
from gunicorn.engine.portable import PortablePoller
from gunicorn.http.response_head import Page
from tests.engine.test_engine import ANSWER, GET, Bench, Recorder


class Speechless(Clear):
    """TLS that cannot say its farewell."""

    def farewell(self) -> bytes:
        raise LookupError("farewell")


class Failing(Recorder):
    """Raises where it is told to, for requests of `/fail` alone; notes what the engine tells of it."""

    def __init__(self) -> None:
        super().__init__()
        self.where = ""
        self.told: list[Exception] = []

    def fail_if(self, where: str) -> None:
        if self.where == where:
            raise LookupError(where)

    def handle(self, connection: Any, request: Any) -> None:
        if request.uri == "/fail":
            self.fail_if("handle")
            if self.where == "another protocol":
                connection.become(Broken())
                return
            if self.where == "handle after the answer":
                connection.write(ANSWER)
                raise OSError("no fault of the client's")
            if self.where == "finish":
                connection.write(ANSWER)
                connection.finish(False)
            if self.where:
                # It runs, and is not answered; the poller is to tell of its client.
                connection.watch()
                return
        super().handle(connection, request)

    def refused(self, exchange: Any, error: Any) -> Page:
        self.fail_if("refused")
        return super().refused(exchange, error)

    def disconnected(self, connection: Any) -> None:
        self.fail_if("disconnected")

    def writable(self, connection: Any) -> None:
        self.fail_if("writable")

    def connection_failed(self, connection: Any, error: Exception) -> None:
        self.told.append(error)
        self.fail_if("refused")


class Broken(Driver):
    """Another protocol, which fails where it should not."""

    def receive(self, data: bytes) -> None:
        raise OSError("no fault of the client's")


class Full(PortablePoller):
    """Has no place for the next so many descriptors."""

    left = 0

    def add(self, fd: int) -> None:
        if self.left:
            self.left -= 1
            raise OSError(errno.ENOSPC, "no place")
        super().add(fd)

    def add_listener(self, fd: int) -> None:
        if self.left:
            self.left -= 1
            raise OSError(errno.ENOSPC, "no place")
        super().add_listener(fd)


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Any:
    made = FailingBench(getattr(request, "param", Full)())
    yield made
    made.close()


class FailingBench(Bench):
    def __init__(self, poller: Any, **settings: Any) -> None:
        super().__init__(poller, **settings)
        self.handler: Failing = Failing()
        self.engine.hand_to(self.handler)
        self.witness = self.connect()
        self.is_well()

    def is_well(self) -> None:
        self.witness.sendall(GET)
        self.turn()
        assert self.witness.recv(1000) == ANSWER
        assert self.engine.running == 0


def handled(bench: FailingBench) -> None:
    bench.connect().sendall(GET.replace(b"/", b"/fail", 1))


def handled_in_tls(bench: FailingBench) -> None:
    bench.engine.listeners[0].terminator = SimpleNamespace(open=Speechless)
    handled(bench)
    bench.turn()
    bench.engine.listeners[0].terminator = None


def refused(bench: FailingBench) -> None:
    bench.connect().sendall(b"no request\r\n\r\n")


def refused_in_a_sweep(bench: FailingBench) -> None:
    bench.connect().sendall(b"GET / HTTP/1.1\r\n")
    bench.turn()
    bench.pass_time(1000)


def reset_while_it_runs(bench: FailingBench) -> None:
    client = bench.connect()
    client.sendall(GET.replace(b"/", b"/fail", 1))
    bench.turn()
    client.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


# Where a handler raises, and what leads there.
PLACES: dict[str, Callable[[FailingBench], None]] = {
    "handle": handled,
    "handle after the answer": handled,
    "finish": handled_in_tls,
    "refused": refused,
    "refused ": refused_in_a_sweep,
    "disconnected": reset_while_it_runs,
}


@pytest.mark.parametrize("bench", [Poller], indirect=True)
@pytest.mark.parametrize("where", PLACES)
def test_what_a_handler_raises_ends_its_connection(where: str, bench: FailingBench) -> None:
    bench.handler.where = where.strip()
    PLACES[where](bench)
    bench.turn()
    assert len(bench.handler.told) == 1
    if where != "refused ":
        # That one's time is up by now as well.
        bench.is_well()
    bench.handler.where = ""
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    assert client.recv(1000) == ANSWER
    left = [known for known in bench.engine.connections if known is not None]
    assert bench.engine.count == len(left)
    # None is forgotten in the middle: whoever lingers has a time limit.
    assert all(known.state == READING or known.deadline for known in left)
    assert bench.engine.running == 0


@pytest.mark.parametrize("behind", [True, False], ids=["behind the request", "later"])
def test_another_protocol_that_fails_is_told_of(behind: bool, bench: FailingBench) -> None:
    bench.handler.where = "another protocol"
    client = bench.connect()
    client.sendall(GET.replace(b"/", b"/fail", 1) + b"octets" * behind)
    bench.turn()
    if not behind:
        client.sendall(b"octets")
        bench.turn()
    assert client.recv(1000) == b""
    assert ["no fault" in str(error.__cause__ or error) for error in bench.handler.told] == [True]
    bench.is_well()


@pytest.mark.parametrize("octets", [
    GET.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost") + b"no chunk\r\n",
    GET.replace(b"Host", b"Content-Length: 5\r\nHost"),
], ids=["a body that is wrong", "a body that does not come"])
def test_a_request_that_nothing_can_answer(octets: bytes, bench: FailingBench) -> None:
    """The failure of the answer is no reason to keep the connection."""
    bench.handler.where = "refused"
    client = bench.connect()
    client.sendall(octets)
    bench.turn()
    bench.pass_time(1000)
    assert client.recv(1000) == b""
    assert bench.engine.count == 0
    assert bench.engine.running == 0


@pytest.mark.parametrize(("octets", "answer"), [
    (GET[:-1], b""), (GET.replace(b"Host", b"Content-Length: 5\r\nHost"), b"HTTP/1.1 500 "),
], ids=["a part of a head", "a head"])
def test_a_poller_without_a_place_ends_that_connection(octets: bytes, answer: bytes, bench: FailingBench) -> None:
    bench.engine.poller.left = 1
    client = bench.connect()
    client.sendall(octets)
    bench.turn()
    assert client.recv(1000)[:13] == answer
    assert [type(error) for error in bench.handler.told] == [OSError]
    bench.is_well()


def test_a_poller_without_a_place_for_output(bench: FailingBench) -> None:
    """What nobody will be told of cannot be sent later: the client sees a short answer, and soon."""
    bench.handler.answers_at_once = False
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    connection = bench.handler.requests[-1][0]
    if connection.watched:
        connection.watched = False
        bench.engine.poller.forget(connection.fd)
    bench.engine.poller.left = 1
    with pytest.raises(OSError, match="no place"):
        connection.write(b"x" * 20_000_000)
    connection.finish(True)
    while client.recv(1 << 20):
        pass
    bench.handler.answers_at_once = True
    bench.is_well()


def test_a_poller_without_a_place_for_listeners(bench: FailingBench) -> None:
    """They are watched again as soon as there is one."""
    bench.engine.hold_accepting()
    bench.engine.poller.left = 1
    bench.engine.resume_accepting()
    client = bench.connect()
    client.sendall(GET)
    bench.turn()
    bench.is_well()
    bench.pass_time(1.5)
    bench.turn()
    assert client.recv(1000) == ANSWER


def test_100_continue_to_a_client_that_has_reset(bench: FailingBench) -> None:
    for _ in range(20):
        client = bench.connect()
        client.sendall(GET.replace(b"Host", b"Content-Length: 5\r\nExpect: 100-continue\r\nHost"))
        client.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        bench.turn()
    assert bench.handler.told == []
    assert bench.engine.count == 1
    bench.is_well()
