"""One connection ends nothing but itself: system calls that fail, callbacks that raise, clients that reset.

Each worker type has one server with one worker. Whatever happens to a client, that worker stays, and a client that asks
again and again on another connection is answered every time.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support import faults
from tests.support.server import HELLO as HELLO_APP
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.workers.crew import (
    BIG,
    CHUNKS,
    CLOSING,
    CUT_SHORT,
    EXPECTING,
    HELLO,
    Crew,
    drain,
    ending_anyhow,
    meet_failing_calls,
    reset,
    reset_at_every_moment,
)
from tests.workers.kinds import PARAMS

#: Paths of the application and the hooks that fail, with what is told of it in the log.
CALLBACKS = ["/raise", "/iter", "/next", "/close", "/start", "/headers", "/status", "/body", "/environ", "/values",
             "/nothing", "/pre-request", "/post-request", "/access", "/access/post-request"]


Crews = Callable[[str], Crew]


@pytest.fixture(scope="module")
def crews(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crews]:
    made: dict[str, Crew] = {}

    def crew(kind: str) -> Crew:
        if kind not in made:
            made[kind] = Crew(Path(tmp_path_factory.mktemp(kind)), kind)
        return made[kind]

    yield crew
    for each in made.values():
        each.end()


@pytest.fixture(params=PARAMS)
def crew(request: pytest.FixtureRequest, crews: Crews) -> Crew:
    return crews(str(request.param))


def test_system_calls_that_fail(crew: Crew) -> None:
    crew.is_well()
    meet_failing_calls(crew)


def test_a_slow_client_whose_rest_cannot_be_sent(crew: Crew) -> None:
    """The first octets of a large answer go out, the rest waits, and then the client's connection is no more."""
    for error in ("EIO", "ECONNRESET", "EPIPE"):
        for nth in (2, 3, 4):
            with faults.connect(crew.server.address, faults.address_of("send", error, nth)) as client:
                client.sendall(BIG.replace(b"Host", b"Connection: close\r\nHost"))
                with ending_anyhow():
                    client.recv(1000)
                    drain(client)
            crew.is_well()


@pytest.mark.parametrize("path", CALLBACKS)
def test_callbacks_that_raise(crew: Crew, path: str) -> None:
    for number in range(9):
        with crew.server.connect(20) as client:
            client.send(f"GET {path}?{number} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            # A whole answer, a broken one, or none: but neither silence nor an octet that is no answer.
            client.finish_sending()
            data = client.read_until_eof()
            assert not data or re.match(rb"HTTP/1\.1 [25]\d\d ", data), data
    crew.is_well()


def test_what_a_logger_raises_is_told_once(crew: Crew) -> None:
    before = crew.server.log().count("on purpose: access")
    with crew.server.connect(20) as client:
        client.send(b"GET /access HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read_response().status == 200
        client.expect_eof()
    wait_until(lambda: crew.server.log().count("on purpose: access") > before, 20, crew.server.describe)
    crew.is_well()
    assert crew.server.log().count("on purpose: access") == before + 1


@pytest.mark.parametrize("octets", CUT_SHORT.values(), ids=CUT_SHORT)
def test_resets_at_every_moment(crew: Crew, octets: bytes) -> None:
    reset_at_every_moment(crew, octets)
    crew.is_well()


def test_twenty_clients_that_expect_and_reset(crew: Crew) -> None:
    for _ in range(20):
        client = socket.create_connection(crew.server.address)
        client.sendall(EXPECTING)
        reset(client)
        crew.is_well()


def test_no_descriptor_is_left_behind(crew: Crew) -> None:
    crew.is_well()
    wait_until(lambda: crew.descriptors() <= 40, 30, lambda: f"{crew.descriptors()} descriptors: only a few left")


def test_half_closed_and_split(crew: Crew) -> None:
    for octets in (HELLO, CHUNKS, CLOSING):
        with Wire(crew.server.address) as client:
            client.send_bytewise(octets)
            client.finish_sending()
            assert client.read_response().status == 200
    crew.is_well()


BROKEN = """
import os, time
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

def first_worker():
    return not os.path.exists("healed")

class worker_class(ThreadWorker):
    def _turn(self, timeout):
        super()._turn(timeout)
        if os.path.exists("break") and first_worker():
            raise OSError("the engine is broken")

class logger_class(Logger):
    def warning(self, msg, *args, **kwargs):
        super().warning(msg, *args, **kwargs)
        while "Invalid request" in msg and first_worker():
            time.sleep(0.1)
"""


def test_a_thread_that_ends_ends_the_worker(serve: Serve) -> None:
    """The engine of a thread worker has failed: another worker serves, whatever the heartbeat of this one would say."""
    server = serve(HELLO_APP, "--threads", "8", config=BROKEN, expect_traceback=True)
    before = server.worker_pids()
    (server.folder / "break").touch()
    server.wait_for_log("the worker ends", 30)
    (server.folder / "healed").touch()
    server.wait_for_workers(lambda pids: len(pids) == 1 and pids != before, 30)
    assert server.get().status == 200


def test_an_engine_that_hangs_is_no_living_worker(serve: Serve) -> None:
    """All threads are free, and none can be given a request: the master must notice."""
    server = serve(HELLO_APP, "--threads", "8", "--timeout", "3", config=BROKEN, expect_traceback=True)
    before = server.worker_pids()
    with server.connect() as client:
        client.send(b"no request\r\n\r\n")
        server.wait_for_log("WORKER TIMEOUT", 60)
        (server.folder / "healed").touch()
    server.wait_for_workers(lambda pids: len(pids) == 1 and pids != before, 30)
    assert server.get().status == 200
