"""The leaves of the engine: whatever they are given they answer or raise, and their twins in Python do the same."""

from __future__ import annotations

import gc
import math
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.engine import _leaf
from gunicorn.instrument import _board, scoreboard
from gunicorn.instrument.scoreboard import HISTOGRAM_BUCKETS, PAGE, READY, Scoreboard
from tests.support.twins import EDGES, WRONG, Octets, Words, outcome, twin_of

BOTH = pytest.mark.parametrize("leaf", [_leaf, twin_of("gunicorn.engine._leaf")], ids=["imported", "twin"])
BOARDS = pytest.mark.parametrize(
    "board", [_board.Board, twin_of("gunicorn.instrument._board").Board], ids=["imported", "twin"]
)
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two connected sockets that do not block."""
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


# The place of a body.


@BOTH
def test_a_place_is_given_away_whole_and_once(leaf: Any) -> None:
    place = leaf.Place(6)
    place.put(b"ab")
    assert place.size == 2
    assert outcome(place.take) is ValueError
    place.put(b"cdef")
    octets = place.take()
    assert octets == b"abcdef"
    assert type(octets) is bytes
    assert outcome(place.take) is ValueError
    assert outcome(place.put, b"") is ValueError
    assert octets == b"abcdef"


@BOTH
def test_a_place_takes_no_more_than_there_is_room_for(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    place = leaf.Place(6)
    assert outcome(place.put, b"1234567") is ValueError
    place.put(b"12")
    theirs.send(b"3456789")
    assert place.receive(ours.fileno(), 1 << 40) == 4
    assert outcome(place.receive, ours.fileno(), 1) is ValueError
    assert outcome(place.put, b"x") is ValueError
    assert place.take() == b"123456"
    assert ours.recv(10) == b"789"


@BOTH
def test_a_place_and_any_integer(leaf: Any, pair: Pair) -> None:
    for length in EDGES:
        if length < 0:
            assert outcome(leaf.Place, length) in (ValueError, OverflowError)
    fd = pair[0].fileno()
    for most in EDGES:
        found = outcome(leaf.Place(3).receive, fd, most)
        assert found == -1 or (found is ValueError and most <= 0) or (found is OverflowError and abs(most) >= 2**63)
    for bad in (-1, 2**20 - 1):
        assert outcome(leaf.Place(3).receive, bad, 3) is OSError
    for wrong in WRONG:
        assert outcome(leaf.Place(3).put, wrong) is TypeError
    assert leaf.Place(0).take() == b""


@BOTH
def test_a_place_reads_nothing_and_the_end(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    place = leaf.Place(3)
    assert place.receive(ours.fileno(), 3) == -1
    theirs.send(b"a")
    assert place.receive(ours.fileno(), 3) == 1
    theirs.close()
    assert place.receive(ours.fileno(), 3) == 0
    assert place.size == 1


# The poller.

METHODS = ["add", "add_listener", "add_level", "remove"]


@BOTH
@pytest.mark.parametrize("state", ["unmade", "closed"])
def test_a_poller_that_is_none(leaf: Any, state: str, pair: Pair) -> None:
    poller = leaf.Poller.__new__(leaf.Poller)
    if state == "closed":
        poller = leaf.Poller()
        poller.add(pair[0].fileno())
        pair[1].send(b"x")
        assert poller.wait(0.0) == 1
        poller.close()
    assert poller.fileno() == -1
    for name in METHODS:
        assert outcome(getattr(poller, name), pair[0].fileno()) is ValueError, name
    for timeout in (0.0, 0.01, -1.0, math.inf, math.nan):
        assert outcome(poller.wait, timeout) is ValueError
    for index in (-1, 0, 1, 255, 256, 2**31 - 1, -(2**31)):
        assert outcome(poller.fd_at, index) is IndexError
        assert outcome(poller.flags_at, index) is IndexError
    poller.forget(1)
    poller.close()


@BOTH
def test_only_events_that_came(leaf: Any, pair: Pair) -> None:
    poller = leaf.Poller()
    fd = pair[0].fileno()
    assert outcome(poller.fd_at, 0) is IndexError
    poller.add(fd)
    pair[1].send(b"x")
    assert poller.wait(1.0) == 1
    assert poller.fd_at(0) == fd
    assert poller.flags_at(0) == leaf.READABLE
    for index in (-1, 1, 2, 256, 2**31 - 1, -(2**31)):
        assert outcome(poller.fd_at, index) is IndexError
        assert outcome(poller.flags_at, index) is IndexError
    assert poller.wait(0.0) == 0
    assert outcome(poller.fd_at, 0) is IndexError
    poller.close()


@BOTH
def test_writing_is_watched_when_it_is_asked_for(leaf: Any, pair: Pair) -> None:
    """Also where there is room already, and not again at each time."""
    poller = leaf.Poller()
    fd = pair[0].fileno()
    # Nobody is watched: there is nothing to be told.
    for stranger in (fd, -1, 2**31 - 1):
        poller.arm_write(stranger)
    poller.add(fd)
    pair[0].send(b"x")
    assert pair[1].recv(1) == b"x"
    assert poller.wait(0.0) == 0, "its peer has read, and nobody has asked"
    poller.arm_write(fd)
    assert (poller.wait(0.0), poller.fd_at(0), poller.flags_at(0)) == (1, fd, leaf.WRITABLE)
    poller.arm_write(fd)
    assert poller.wait(0.0) == 0, "nothing has changed"
    pair[0].send(b"x")
    assert pair[1].recv(1) == b"x"
    assert (poller.wait(0.0), poller.flags_at(0)) == (1, leaf.WRITABLE)
    pair[1].send(b"x")
    assert (poller.wait(0.0), poller.flags_at(0)) == (1, leaf.READABLE | leaf.WRITABLE)
    poller.forget(fd)
    poller.arm_write(fd)
    poller.close()


@BOTH
def test_the_next_one_with_its_number_is_not_watched_for_writing(leaf: Any, pair: Pair) -> None:
    poller = leaf.Poller()
    fd = pair[0].fileno()
    for _ in range(2):
        poller.add(fd)
        poller.arm_write(fd)
        assert poller.wait(0.0) == 1
        poller.remove(fd)
    poller.add(fd)
    assert poller.wait(0.0) == 0
    poller.close()


@BOTH
def test_a_poller_is_made_once(leaf: Any) -> None:
    poller = leaf.Poller()
    before = poller.fileno()
    with pytest.raises(RuntimeError):
        poller.__init__()
    assert poller.fileno() == before
    poller.close()


@BOTH
def test_any_timeout_and_any_descriptor(leaf: Any, pair: Pair) -> None:
    poller = leaf.Poller()
    poller.add_level(pair[0].fileno())
    pair[1].send(b"x")
    for timeout in (0.0, 1e-300, 1.0, 2147483.0, 1e15, 1e300, math.inf, -0.0, -1e300, -math.inf):
        assert poller.wait(timeout) == 1, timeout
    assert outcome(poller.wait, math.nan) is ValueError
    for fd in EDGES:
        if fd != pair[0].fileno() and not 0 <= fd < 100:
            for name in METHODS:
                expected = OverflowError if not -(2**31) <= fd < 2**31 else OSError
                found = outcome(getattr(poller, name), fd)
                # select.epoll calls a negative descriptor a wrong value.
                assert found in (expected, ValueError), (name, fd)
    poller.close()


# System calls.


@BOTH
def test_calls_on_no_descriptor(leaf: Any) -> None:
    gone = os.dup(0)
    os.close(gone)
    for fd in (-1, gone, 2**31 - 1, -(2**31)):
        assert outcome(leaf.receive, fd) is OSError
        assert outcome(leaf.send, fd, b"x") is OSError
        assert outcome(leaf.send, fd, bytearray(b"x")) is OSError
        assert outcome(leaf.send_more, fd, b"x") is OSError
        assert outcome(leaf.send_two, fd, b"x", b"y") is OSError
        assert outcome(leaf.send_file, fd, fd, 0, 1) is OSError
        assert leaf.peek(fd) == -1
        assert leaf.is_readable(fd) is False
        assert leaf.close(fd) is None
    for fd in (2**31, -(2**31) - 1, 2**70):
        for call in (leaf.receive, leaf.close, leaf.is_readable):
            assert outcome(call, fd) is OverflowError


@BOTH
def test_what_waits_is_seen_without_taking_it(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert leaf.is_readable(listener.fileno()) is leaf.is_readable(ours.fileno()) is False
        theirs.sendall(b"x")
        with socket.create_connection(listener.getsockname()):
            for _ in range(2):
                assert leaf.is_readable(listener.fileno()) is leaf.is_readable(ours.fileno()) is True
    assert leaf.receive(ours.fileno()) == b"x"
    theirs.shutdown(socket.SHUT_WR)
    assert leaf.is_readable(ours.fileno()) is True


@BOTH
def test_whatever_is_sent(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    fd = ours.fileno()
    for octets in (b"ab", Octets(b"ab"), bytearray(b"ab"), memoryview(b"ab")):
        assert leaf.send(fd, octets) == 2
        assert leaf.send_two(fd, b"-", octets) == 3
        assert theirs.recv(1000) == b"ab-ab"
    for wrong in (None, "abc", 5, 1.5, [], object()):
        assert outcome(leaf.send, fd, wrong) is TypeError
        assert outcome(leaf.send_more, fd, wrong) is TypeError
        assert outcome(leaf.send_two, fd, b"", wrong) is TypeError
        assert outcome(leaf.send_two, fd, wrong, b"") is TypeError
    with pytest.raises(BufferError):
        leaf.send(fd, memoryview(b"abcdef")[::2])


@BOTH
def test_any_part_of_a_file(leaf: Any, pair: Pair) -> None:
    ours, theirs = pair
    fd = ours.fileno()
    source = os.memfd_create("source")
    try:
        os.write(source, b"0123456789")
        for offset in EDGES:
            for count in (-(2**63), -1, 0, 1, 5, 2**31, 2**63 - 1):
                found = outcome(leaf.send_file, fd, source, offset, count)
                if isinstance(found, int):
                    assert 0 <= found <= 10
                    assert theirs.recv(100) == b"0123456789"[offset:offset + found] if found else True
                else:
                    # ValueError: os.sendfile of Python 3.15, which the twin calls.
                    assert found in (OSError, OverflowError, ValueError)
    finally:
        os.close(source)


@BOTH
def test_a_method_needs_a_function_and_an_object(leaf: Any) -> None:
    assert leaf.bind(len, [1, 2])() == 2
    assert outcome(leaf.bind, len, None) is TypeError
    assert outcome(leaf.bind, None, [1]) is TypeError
    assert outcome(leaf.bind, 5, [1]) is TypeError


@BOTH
def test_a_page_that_is_too_short_is_none(leaf: Any) -> None:
    assert outcome(leaf.meter, SimpleNamespace(_bytes=memoryview(bytearray(64)))) is ValueError


@BOTH
def test_what_goes_through_is_counted_on_a_page(leaf: Any, tmp_path: Path) -> None:
    slot = Scoreboard().allocate(1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        leaf.meter(slot)
        try:
            assert slot.octets == (0, 0)
            assert leaf.send(ours.fileno(), b"12345") == 5
            assert leaf.send_two(ours.fileno(), b"12", b"345") == 5
            assert leaf.send_more(ours.fileno(), b"1") == 1
            (tmp_path / "file").write_bytes(b"123456789")
            with open(tmp_path / "file", "rb") as file:
                assert leaf.send_file(ours.fileno(), file.fileno(), 2, 4) == 4
            assert slot.octets == (0, 15)
            assert leaf.receive(ours.fileno()) is None
            theirs.sendall(b"1234567")
            place = leaf.Place(3)
            assert place.receive(ours.fileno(), 3) == 3
            assert leaf.peek(ours.fileno()) == 1
            assert leaf.receive(ours.fileno()) == b"4567"
            assert slot.octets == (7, 15)
            for count in (3, 0, -1):
                leaf.show_connections(count)
                assert slot.connections == max(count, 0)
            assert leaf.is_leaving() is False
            slot.leaving = True
            assert leaf.is_leaving() is True
        finally:
            leaf.meter(Scoreboard().allocate(1))
        leaf.send(ours.fileno(), b"12345")
        assert slot.octets == (7, 15), "another page counts now"


@BOTH
def test_only_a_page_is_counted_on(leaf: Any) -> None:
    class Scrap:
        _bytes = memoryview(bytearray(100))

    assert outcome(leaf.meter, Scrap) is ValueError
    leaf.show_connections(0)


# The board.


@BOARDS
def test_whatever_is_written_stays_on_the_page(board: Any) -> None:
    scoreboard = Scoreboard()
    slots = [scoreboard.allocate(1) for _ in range(3)]
    slot = slots[1]
    slot.state = READY
    written = board(slot)
    around = [bytes(slots[0]._bytes), bytes(slots[2]._bytes)]
    for method in ("", "GET", "M" * 1023, "M" * 1024, "M" * 5000, "\u20ac", "\xe4"):
        for uri in ("", "/", "/" * 1020, "/" * 5000, "/\u20ac", "/\ud800"):
            for now in (0.0, 1.0, -1.0, math.inf, math.nan, 1e308):
                written.begin(method, uri, now, 11)
                found = slot.in_flight()
                assert found is None or len(found[0]) <= 1024
    for seconds in (0.0, -0.0, 1e-9, 1.0, 1e12, 1e13, 1e300, -1.0, -math.inf, math.inf, math.nan):
        for sent in (0, 1, 2**62, 2**63 - 1, -1, -(2**63)):
            for status in (0, 99, 100, 200, 599, 600, -1, 2**31 - 1, -(2**31)):
                for method in ("GET", "", "OPTION", "\u20acET", "M" * 5000):
                    written.end(method, status, 0.0, seconds, sent)
        written.queue(seconds)
    assert sum(slot.queued) == 11
    for identity in ("", "a" * 127, "b" * 128, "c" * 129, "d" * 5000, "\xe4", "\u20ac", "\ud800"):
        written.identify(identity)
        assert slot.request_id == (identity[:128] if identity.isascii() else "")
    before = slot.versions
    for version in (10, 11, 20, 9, -(2**31), 17, 2**31 - 1):
        written.speak(version)
        written.begin("GET", "/", 0.0, version)
    assert [now - then for now, then in zip(slot.versions, before, strict=True)] == [6, 4, 4]
    for reason in ("concurrency", "queue_time", "queue_time", "", "else"):
        written.shed(reason)
    assert slot.shed == [1, 2]
    for count in (2**63 - 1, 5, -1):
        written.hold(count)
        assert slot.websockets == max(count, 0)
    assert sum(slot.histogram) == slot.requests == 11 * 6 * 9 * 5
    assert slot.errors == 11 * 6 * 7 * 5
    assert sum(slot.counts) == 11 * 6 * 7 * 5
    assert sum(slot.bounded) == slot.requests
    assert slot.nanoseconds > 0
    assert slot.histogram[HISTOGRAM_BUCKETS - 1] == 0 or slot.histogram[0] > 0
    for _ in range(300):
        written.end("GET", 200, 0.0, 0.0, 0)
    assert slot.running == 0
    assert [bytes(slots[0]._bytes), bytes(slots[2]._bytes)] == around


def test_both_boards_write_the_same() -> None:
    pages = []
    for board in (_board.Board, twin_of("gunicorn.instrument._board").Board):
        slot = Scoreboard().allocate(1, 1.0)
        slot.state = READY
        written = board(slot)
        written.begin("GET", "/a", 5.0, 11)
        for method, uri in (("M" * 1024, "/"), ("\u20ac", "/"), ("GET", "/" * 2000), ("P", "\xe4")):
            written.begin(method, uri, 6.0, 11)
            pages.append(slot.in_flight())
        for seconds in (0.0, 1e-6, 3.5, 1e13, -1.0, math.nan, math.inf):
            written.end("PUT", 500, 6.0, 6.0 + seconds, 7)
            written.queue(seconds)
        for bound in scoreboard.BOUNDS:
            for seconds in (bound, math.nextafter(bound, 0), math.nextafter(bound, 20)):
                written.end("GET", 200, 0.0, seconds, 0)
        pages.append(slot.bounded)
        for identity in ("", "a.b-c_1", "x" * 200, "\xe4"):
            written.identify(identity)
            pages.append(slot.request_id)
        for version in (10, 11, 20, 9):
            written.speak(version)
            written.begin("GET", "/", 1.0, version)
        for reason in ("concurrency", "queue_time", "else"):
            written.shed(reason)
        written.hold(3)
        for method in (*scoreboard.METHODS, "", "get", "\u20ac", "PURGE", "CONNECT", "LONGEST"):
            for status in (-1, 0, 99, 100, 200, 301, 404, 500, 599, 600, 999):
                written.begin(method, "/", 1.5, 11)
                written.end(method, status, 1.5, 2.25, 1)
            written.refuse(method, 400)
            written.count(method, 101)
        written.begin("GET", "/", 2.0, 11)
        written.transfer(3, 4)
        written.transfer(-3, -4)
        pages.append(bytes(slot._bytes))
    assert pages[:len(pages) // 2] == pages[len(pages) // 2:]


@BOARDS
def test_a_board_needs_strings_and_a_page(board: Any) -> None:
    slot = Scoreboard().allocate(1)
    for wrong in (None, b"GET", 5, Words("GET")):
        assert outcome(board(slot).begin, wrong, "/", 0.0, 11) is TypeError
        assert outcome(board(slot).begin, "GET", wrong, 0.0, 11) is TypeError
        assert outcome(board(slot).end, wrong, 200, 0.0, 1.0, 0) is TypeError
        assert outcome(board(slot).refuse, wrong, 400) is TypeError
        assert outcome(board(slot).count, wrong, 101) is TypeError
        assert outcome(board(slot).identify, wrong) is TypeError
        assert outcome(board(slot).shed, wrong) is TypeError
    with pytest.raises((TypeError, AttributeError)):
        board.__new__(board).begin("GET", "/", 0.0, 11)


def test_a_page_is_not_let_go_of_under_a_board() -> None:
    """The native board writes to the page itself: nobody may unmap it meanwhile."""

    class Sheet:
        _bytes = memoryview(bytearray(PAGE))

    class Scrap:
        _bytes = memoryview(bytearray(100))

    if _board.__file__.endswith(".py"):
        pytest.skip("the interpreted board writes through the scoreboard")
    board = _board.Board(Sheet)
    with pytest.raises(BufferError):
        Sheet._bytes.release()
    del board
    gc.collect()
    Sheet._bytes.release()
    assert outcome(_board.Board, Scrap) is ValueError


# Memory of greenlets.


@BOTH
def test_keeping_stacks_says_nothing(leaf: Any) -> None:
    """In a process of its own: it is for as long as the process lives."""
    assert leaf is not _leaf or faults_of_greenlets("keep_stacks(); assert keep_stacks() is None") >= 0
    assert leaf is _leaf or leaf.keep_stacks() is None


@pytest.mark.skipif(type(_leaf.keep_stacks).__name__ == "function", reason="only where the leaf is compiled")
def test_a_greenlet_has_the_memory_of_the_one_before() -> None:
    """Python has new memory mapped for the frames of each: every page of it that is touched is a fault. A sanitizer has
    others."""
    assert faults_of_greenlets("") - faults_of_greenlets("keep_stacks()") > ROUNDS / 2


ROUNDS = 2000
FAULTS = f"""
import resource
from greenlet import greenlet
from gunicorn.engine._leaf import keep_stacks

def nested(depth):
    return nested(depth - 1) if depth else 0

def many(count):
    for _ in range(count):
        for each in [greenlet(nested) for _ in range(3)]:
            each.switch(3)

FIRST
many(300)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
many({ROUNDS} // 3)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
# More than are kept, at the same time.
held = [greenlet(lambda: held[0].parent.switch()) for _ in range(1000)]
for each in held:
    each.switch()
for each in held:
    each.switch()
"""


def faults_of_greenlets(first: str) -> int:
    """The pages that were made for some thousand greenlets, one after the other, after the statements `first`."""
    pytest.importorskip("greenlet")
    program = [sys.executable, "-c", FAULTS.replace("FIRST", first)]
    return int(subprocess.run(program, capture_output=True, text=True, timeout=60, check=True).stdout)


# Calls.


@BOTH
def test_a_call_gives_its_keywords(leaf: Any) -> None:
    def told(first: object, **others: object) -> tuple[object, dict[str, object]]:
        return first, others

    keywords = {"more": 2}
    first, others = leaf.call(told, 1, keywords)
    assert (first, others) == (1, {"more": 2})
    assert others is not keywords
    assert leaf.call(int, "11", {"base": 2}) == 3


@BOTH
@pytest.mark.parametrize("wrong", [(None, 1, {}), (int, "1", None), (int, "1", [("base", 2)]), (int, "1", {1: 2})])
def test_a_call_that_cannot_be(leaf: Any, wrong: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        leaf.call(*wrong)
