"""What receives and sends octets and descriptors for tasks: the native leaf and its twin, by real sockets."""

from __future__ import annotations

import array
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gunicorn.tasks import _channel
from gunicorn.tasks.sending import send_all
from gunicorn.unix.unpatched import Socket
from tests.support.twins import EDGES, WRONG, outcome, twin_of

TWIN = twin_of("gunicorn.tasks._channel")
BOTH = pytest.mark.parametrize("leaf", [_channel, TWIN], ids=["imported", "twin"])

Pair = tuple[Socket, Socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ends = [Socket(fileno=end.detach()) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)]
    yield ends[0], ends[1]
    for end in ends:
        end.close()


def fill(leaf: Any, sock: Socket) -> int:
    """Send until nothing more is taken; how many octets that were."""
    total = 0
    while (sent := leaf.send(sock, b"x" * 65536)) > 0:
        total += sent
    assert sent == -1
    return total


def passed_fds(messages: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in messages:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        found.frombytes(data)
    return list(found)


@BOTH
@pytest.mark.parametrize("seconds", [0.0, 5.0, None])
def test_what_comes(leaf: Any, pair: Pair, seconds: float | None) -> None:
    ours, theirs = pair
    receiver = leaf.Receiver(theirs)
    assert leaf.send(ours, b"abcdef") == 6
    assert receiver.receive(4, seconds) == (b"abcd", None)
    assert receiver.receive(100_000, seconds) == (b"ef", None)
    ours.close()
    assert receiver.receive(4, seconds) == (b"", None)


@BOTH
@pytest.mark.parametrize("size", [1, 65536, 65537, 150_000, 1 << 20])
def test_as_many_as_are_asked_for(leaf: Any, pair: Pair, size: int) -> None:
    ours, theirs = pair
    octets = os.urandom(150_000)
    sent = leaf.send(ours, octets)
    found = b""
    receiver = leaf.Receiver(theirs)
    while len(found) < sent:
        part, messages = receiver.receive(size, [0.0, 5.0, None][len(found) % 3])
        assert 0 < len(part) <= size
        assert messages is None
        found += part if size > 1 else part + theirs.recv(70_000)
    assert found == octets[:sent]


@BOTH
def test_nothing_comes(leaf: Any, pair: Pair) -> None:
    receiver = leaf.Receiver(pair[1])
    # How long the socket waits changes from call to call, and shorter than the kernel can count is not for ever.
    assert [receiver.receive(100, seconds) for seconds in (0.0, 0.01, 1e-9, 0.01, 0.0, -1.0)] == [None] * 6


@BOTH
def test_what_comes_while_it_waits(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    receiver = leaf.Receiver(theirs)
    for seconds in (20.0, None, 20.0):
        later = threading.Timer(0.02, leaf.send, (ours, b"late"))
        later.start()
        assert receiver.receive(100, seconds) == (b"late", None)
        later.join()


@BOTH
@pytest.mark.parametrize("seconds", [0.0, 5.0, None])
def test_descriptors(leaf: Any, pair: Pair, seconds: float | None) -> None:
    ours, theirs = pair
    reader, writer = os.pipe()
    socket.send_fds(ours, [b"two"], [reader, writer])  # type: ignore[arg-type]
    octets, messages = leaf.Receiver(theirs).receive(100, seconds)
    fds = passed_fds(messages)
    assert octets == b"two"
    assert [os.get_inheritable(fd) for fd in fds] == [False, False]
    os.write(fds[1], b"x")
    assert os.read(reader, 10) == b"x"
    for fd in (reader, writer, *fds):
        os.close(fd)


@BOTH
@pytest.mark.parametrize("seconds", [0.0, 5.0, None])
def test_more_descriptors_than_there_is_room_for(leaf: Any, pair: Pair, seconds: float | None) -> None:
    ours, theirs = pair
    before = len(os.listdir("/proc/self/fd"))
    socket.send_fds(ours, [b"x"], [0] * 200)  # type: ignore[arg-type]
    _, messages = leaf.Receiver(theirs).receive(100, seconds)
    fds = passed_fds(messages)
    assert 16 <= len(fds) < 200
    for fd in fds:
        os.close(fd)
    assert len(os.listdir("/proc/self/fd")) == before


@BOTH
def test_a_signal_is_handled_while_it_waits(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    main = threading.get_ident()
    before = signal.signal(signal.SIGUSR1, lambda number, frame: leaf.send(ours, b"handled"))
    later = threading.Timer(0.02, signal.pthread_kill, (main, signal.SIGUSR1))
    later.start()
    try:
        receiver = leaf.Receiver(theirs)
        while (found := receiver.receive(100, 20.0)) is None:
            continue
        assert found == (b"handled", None)
    finally:
        later.join()
        signal.signal(signal.SIGUSR1, before)


@BOTH
def test_a_handler_that_raises(leaf: Any, pair: Pair) -> None:
    def refuse(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, refuse)
    later = threading.Timer(0.02, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
    later.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            leaf.Receiver(pair[1]).receive(100, None)
    finally:
        later.join()
        signal.signal(signal.SIGUSR1, before)


@BOTH
def test_sockets_that_are_gone(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    assert outcome(leaf.send, ours, b"x") is OSError
    ours.close()
    assert outcome(leaf.send, ours, b"x") is OSError
    for seconds in (0.0, None):
        assert outcome(leaf.Receiver(ours).receive, 10, seconds) is OSError


@BOTH
@pytest.mark.parametrize("size", [edge for edge in EDGES if not 0 < edge < 2**31])
def test_sizes_that_are_none(leaf: Any, pair: Pair, size: int) -> None:
    for seconds in (0.0, None):
        assert outcome(leaf.Receiver(pair[1]).receive, size, seconds) in (ValueError, OverflowError)


@BOTH
def test_how_long_it_waits(leaf: Any, pair: Pair) -> None:
    assert outcome(leaf.Receiver(pair[1]).receive, 10, float("nan")) is ValueError
    leaf.send(pair[0], b"x")
    assert leaf.Receiver(pair[1]).receive(10, float("inf")) == (b"x", None)


@BOTH
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_octets(leaf: Any, pair: Pair, wrong: object) -> None:
    assert outcome(leaf.send, pair[0], wrong) is TypeError


@BOTH
def test_a_full_socket_takes_nothing_and_nobody_waits(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    total = fill(leaf, ours)
    received = 0
    receiver = leaf.Receiver(theirs)
    while (found := receiver.receive(65536, 0.0)) is not None:
        received += len(found[0])
    assert received == total
    assert leaf.send(ours, b"x") == 1


def test_all_is_sent_when_there_is_room(pair: Pair) -> None:
    ours, theirs = pair
    octets = os.urandom(3_000_000)
    sender = threading.Thread(target=send_all, args=(ours, octets, 20.0))
    sender.start()
    found = b""
    while len(found) < len(octets):
        found += theirs.recv(1 << 20)
    sender.join()
    assert found == octets


def test_nobody_takes_it(pair: Pair) -> None:
    fill(_channel, pair[0])
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        send_all(pair[0], b"x" * 100, 0.05)
    assert time.monotonic() - began >= 0.05
