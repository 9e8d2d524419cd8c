"""A caller on this machine, and its pool on another one: what is between them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gunicorn.tasks._octets import Frame, head
from gunicorn.tasks.addresses import GUEST, Greeting, door_at, way_to
from gunicorn.tasks.frames import CALL, PASSED, RESULT, STREAM, TAKES_PASSED, FrameReader
from gunicorn.tasks.passing import IS_POSSIBLE, Passed
from gunicorn.tasks.relay import Relay
from gunicorn.unix.unpatched import Socket
from tests.support.wait import PATIENCE

SECRET = bytes(32)


class Ends:
    """The caller's end, the pool's, and the thread of what is between them."""

    def __init__(self, caller: socket.socket, pool: socket.socket, thread: threading.Thread) -> None:
        self.caller = caller
        self.pool = pool
        self.thread = thread

    def arrived(self) -> Frame:
        """The next frame that the pool has got."""
        reader = FrameReader()
        while True:
            octets = self.pool.recv(65536)
            assert octets
            found = reader.feed(octets)
            if found:
                (frame,) = found
                return frame


@pytest.fixture
def ends() -> Iterator[Ends]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        caller, theirs = socket.socketpair()
        relay = Relay(Socket(fileno=theirs.detach()), way_to(door_at("127.0.0.1", listener.getsockname()[1], SECRET)))
        pool, _ = listener.accept()
        for end in (stack.enter_context(caller), stack.enter_context(pool)):
            end.settimeout(PATIENCE)
        greeting = Greeting.read(pool.recv(Greeting.SIZE, socket.MSG_WAITALL), SECRET, bytes.__eq__)
        assert greeting == Greeting(GUEST, 0)
        thread = threading.Thread(target=relay.run)
        thread.start()
        yield Ends(caller, pool, thread)
        caller.close()
        pool.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 300_000])
def test_a_frame_goes_there_and_back(ends: Ends, size: int) -> None:
    payload = bytes(size)
    octets = head(CALL, 7, 3 + size, STREAM | TAKES_PASSED, 3, 1.5) + b"a\0b" + payload
    sends = threading.Thread(target=ends.caller.sendall, args=(octets,))
    sends.start()
    frame = ends.arrived()
    sends.join(PATIENCE)
    # There no descriptor can be handed back.
    assert (frame.kind, frame.number, frame.marks, frame.amount) == (CALL, 7, STREAM, 1.5)
    assert (frame.target, frame.payload) == (b"a\0b", payload)
    ends.pool.sendall(head(RESULT, 7, 2) + b"ok")
    assert ends.caller.recv(100, socket.MSG_PEEK)
    answer = b""
    while len(answer) < len(head(RESULT, 7, 2)) + 2:
        answer += ends.caller.recv(100)
    assert answer == head(RESULT, 7, 2) + b"ok"


def test_frames_that_come_octet_by_octet(ends: Ends) -> None:
    for octet in head(CALL, 1, 5, 0, 3) + b"a\0bxy":
        ends.caller.sendall(bytes([octet]))
    assert ends.arrived().payload == b"xy"


@pytest.mark.skipif(not IS_POSSIBLE, reason="no files in memory")
def test_what_is_passed_goes_inline(ends: Ends) -> None:
    passed = Passed.of(b"z" * 400_000)
    ends.caller.sendmsg([head(CALL, 9, 3, PASSED | TAKES_PASSED, 3) + b"a\0b"], passed.rights())
    frame = ends.arrived()
    assert (frame.marks, frame.payload) == (0, b"z" * 400_000)


@pytest.mark.parametrize("who", ["caller", "pool", "nonsense"])
def test_the_end_of_one_is_the_end_of_both(ends: Ends, who: str) -> None:
    if who == "nonsense":
        ends.caller.sendall(b"\xff" * 100)
    else:
        getattr(ends, who).shutdown(socket.SHUT_RDWR)
    ends.thread.join(PATIENCE)
    assert not ends.thread.is_alive()
    for end in (ends.caller, ends.pool):
        assert end.recv(1) == b""
