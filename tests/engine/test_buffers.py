"""What waits to be sent or read keeps its order, in memory, files and encrypted, and costs hardly more than it is."""

from __future__ import annotations

import errno
import gc
import os
import socket
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gunicorn.engine.buffers import MOST_AT_ONCE, MOST_PIECES, SPILL_FACTOR, BodyStore, BodyStream, OutputBuffer
from gunicorn.http.errors import InsufficientStorage
from gunicorn.tls.output import SealedOutput


def received(reader: socket.socket, out: OutputBuffer, fd: int) -> bytes:
    octets = bytearray()
    while out.segments:
        out.flush(fd)
        octets += reader.recv(1 << 20)
    return bytes(octets)


@pytest.mark.parametrize("size", [1, 2, 100, 4095, 4096, 5000])
def test_small_pieces_are_put_together(size: int) -> None:
    piece = b"p" * size
    count = 100_000 // size
    # Made before the measurement: what it allocates by itself is not asked for here.
    out = OutputBuffer(1 << 30, None)
    tracemalloc.start()
    try:
        for _ in range(count):
            out.add(piece)
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert out.size == size * count
    # Each for itself they would take four million; a thread that is left of another test has some of what is counted.
    assert used < 1_000_000


def test_pieces_of_all_sizes_keep_their_order() -> None:
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    with reader, writer:
        out = OutputBuffer(20_000, None)
        sent = bytearray()
        for number in range(3000):
            piece = number.to_bytes(2) * (1, 3, 1000, 2100, 9)[number % 5]
            out.add(piece)
            sent += piece
            if number == 1000:
                out.flush(writer.fileno())
        assert out.spilled
        assert received(reader, out, writer.fileno()) == sent


def test_a_body_of_many_small_pieces_is_full() -> None:
    stream = BodyStream(1 << 20)
    for number in range(MOST_PIECES):
        assert not stream.full, number
        stream.feed(b"x")
    assert stream.full
    assert stream.take() == b"x" * MOST_PIECES
    assert not stream.full


# Output, in memory, in our file and in files of the application.


class Ends:
    """A client that takes what it is asked to, and the descriptor that we write to; little waits in between."""

    def __init__(self) -> None:
        self.reader, self.writer = socket.socketpair()
        self.writer.setblocking(False)
        self.reader.setblocking(False)
        self.writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.fd = self.writer.fileno()
        self.taken = bytearray()

    def take(self, most: int) -> None:
        try:
            self.taken += self.reader.recv(most)
        except BlockingIOError:
            pass

    def take_all(self, out: OutputBuffer) -> bytes:
        while out.segments:
            out.flush(self.fd)
            self.take(1 << 20)
        self.take(1 << 20)
        return bytes(self.taken)

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[IO[bytes]]:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 40)
    with path.open("rb") as opened:
        yield opened


CONTENT = bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("bound", "sizes", "memory", "spilled"),
    [
        (100, [], 0, 0), (100, [0], 0, 0), (100, [100], 100, 0), (100, [60, 40], 100, 0), (100, [60, 41], 60, 41),
        # What is large by itself is in memory already.
        (100, [5000], 5000, 0), (100, [5000, 1], 5000, 1), (100, [100, 0], 100, 0), (100, [100, 1, 5000], 100, 5001),
        (0, [1, 0, 0], 1, 0),
        (0, [1], 1, 0), (0, [1, 1, 1], 1, 2), (5000, [4000, 900, 100, 1], 5000, 1),
    ],
)
def test_what_exceeds_the_bound_goes_to_a_file(
    ends: Ends, bound: int, sizes: list[int], memory: int, spilled: int
) -> None:
    out = OutputBuffer(bound, None)
    sent = b""
    for number, size in enumerate(sizes):
        piece = bytes((number + 1,)) * size
        out.add(piece)
        sent += piece
    assert (out.size, out.spilled, out.spill is not None) == (memory, spilled, spilled > 0)
    assert ends.take_all(out) == sent
    assert (out.size, out.spilled, out.spill) == (0, 0, None)
    # It can be used again.
    out.add(b"again")
    assert ends.take_all(out) == sent + b"again"


def test_when_the_application_has_to_wait() -> None:
    out = OutputBuffer(100, None)
    out.add(bytes(100))
    assert not out.full()
    out.add(bytes(100 * SPILL_FACTOR - 100))
    assert not out.full()
    out.add(b"x")
    assert out.full()
    out.close()
    assert not out.full()


def test_it_waits_earlier_where_there_is_no_file(ends: Ends, tmp_path: Path) -> None:
    out = OutputBuffer(100, str(tmp_path / "nowhere"))
    sent = b"a" * 100 + b"b" * 100 + b"c"
    for piece in (sent[:100], sent[100:200], sent[200:]):
        assert not out.full() or out.no_file
        out.add(piece)
    assert (out.size, out.spilled, out.no_file) == (201, 0, True)
    assert out.full()
    assert ends.take_all(out) == sent


def test_a_disk_that_becomes_full(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    written = os.pwrite
    room = 150

    def pwrite(fd: int, data: Any, offset: int) -> int:
        if offset >= room:
            raise OSError(errno.ENOSPC, "full")
        return written(fd, data[:room - offset], offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    out = OutputBuffer(100, None)
    pieces = [bytes((number,)) * 90 for number in range(6)]
    for piece in pieces:
        out.add(piece)
    # One is in memory, one is whole in the file; the next one was begun there, and all of it is in memory.
    assert (out.no_file, out.spilled, out.size) == (True, 90, 450)
    assert ends.take_all(out) == b"".join(pieces)


def test_a_client_that_takes_an_octet_at_a_time(ends: Ends, file: IO[bytes]) -> None:
    out = OutputBuffer(2000, None)
    out.add(b"m" * 1500)
    out.add_file(file.fileno(), 10, 3000)
    out.add(b"n" * 1500)
    file.close()
    while out.segments:
        out.flush(ends.fd)
        for _ in range(400):
            ends.take(1)
    assert ends.take_all(out) == b"m" * 1500 + CONTENT[10:3010] + b"n" * 1500


def test_a_client_that_takes_all_lets_others_have_their_turn(tmp_path: Path) -> None:
    """A file takes what is sent to it, however fast."""
    size = 2 * MOST_AT_ONCE + 5
    with open(tmp_path / "large", "w+b") as source, open(tmp_path / "sink", "wb") as sink:
        source.truncate(size)
        out = OutputBuffer(1 << 20, None)
        out.add_file(source.fileno(), 0, size)
        turns = 0
        while out.segments:
            assert 0 < out.flush(sink.fileno()) <= MOST_AT_ONCE
            turns += 1
        assert turns == 3
        assert os.stat(sink.name).st_size == size


@pytest.mark.parametrize("size", [1, 3000, 200_000])
def test_a_file_that_is_read(ends: Ends, tmp_path: Path, size: int) -> None:
    """Where the kernel is not to send from it, it comes through all the same, in order."""
    content = os.urandom(size)
    with open(tmp_path / "read", "w+b") as source:
        source.write(content)
        source.flush()
        out = OutputBuffer(1 << 20, None)
        out.add(b"before")
        out.add_file(source.fileno(), 0, size, True)
        out.add(b"behind")
    assert ends.take_all(out) == b"before" + content + b"behind"


def test_flush_tells_what_was_sent(ends: Ends) -> None:
    out = OutputBuffer(1 << 20, None)
    out.add(b"x" * 200_000)
    sent = out.flush(ends.fd)
    assert 0 < sent < 200_000
    assert out.size == 200_000 - sent
    assert out.flush(ends.fd) == 0
    assert len(ends.take_all(out)) == 200_000


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_file_that_became_shorter(ends: Ends, file: IO[bytes], size: int) -> None:
    out = OutputBuffer(100, None)
    out.add_file(file.fileno(), len(CONTENT) - size, size + 1)
    with pytest.raises(OSError, match="shorter"):
        ends.take_all(out)
    ends.take(1 << 20)
    assert bytes(ends.taken) == CONTENT[len(CONTENT) - size:]


def open_descriptors() -> set[str]:
    # What other tests have left lying about is not to go in between.
    gc.collect()
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks into /proc")
@pytest.mark.parametrize("sends", [False, True])
def test_no_descriptor_is_left(ends: Ends, file: IO[bytes], sends: bool) -> None:
    before = open_descriptors()
    out = OutputBuffer(10, None)
    for _ in range(3):
        out.add(b"x" * 9)
        out.add_file(file.fileno(), 0, 9)
    assert len(open_descriptors() - before) > 3
    if sends:
        ends.take_all(out)
    else:
        out.close()
    assert open_descriptors() == before


class Sealing:
    """TLS whose records say how long they are, and hide what is in them."""

    def seal(self, data: Any) -> bytes:
        return len(data).to_bytes(4) + bytes(octet ^ 0x5A for octet in data)


def unsealed(octets: bytes) -> list[bytes]:
    records = []
    while octets:
        size = int.from_bytes(octets[:4])
        records.append(bytes(octet ^ 0x5A for octet in octets[4:4 + size]))
        octets = octets[4 + size:]
    return records


def test_what_is_sealed_goes_first(ends: Ends) -> None:
    out = SealedOutput(1 << 20, None, Sealing())
    out.add(b"content")
    assert out.sealed_size() == 0
    out.add_sealed(Sealing().seal(b"one"))
    out.add_sealed(Sealing().seal(b"two"))
    assert out.sealed_size() == 2 * (4 + 3)
    assert unsealed(ends.take_all(out)) == [b"one", b"two", b"content"]
    assert out.sealed_size() == 0


def test_a_file_is_sealed_in_stretches(ends: Ends, tmp_path: Path) -> None:
    path = tmp_path / "large"
    content = os.urandom(200_000)
    path.write_bytes(content)
    out = SealedOutput(1 << 20, None, Sealing())
    with path.open("rb") as large:
        out.add_file(large.fileno(), 7, 199_000)
    records = unsealed(ends.take_all(out))
    assert b"".join(records) == content[7:199_007]
    assert max(map(len, records)) <= 65536
    assert len(records) == 4


def test_a_sealed_file_that_became_shorter(ends: Ends, file: IO[bytes]) -> None:
    out = SealedOutput(100, None, Sealing())
    out.add_file(file.fileno(), len(CONTENT), 1)
    with pytest.raises(OSError, match="shorter"):
        out.flush(ends.fd)


SIZES = st.sampled_from([0, 1, 9, 100, 101, 4095, 4096, 9000])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), SIZES), st.tuples(st.just("add"), SIZES), st.tuples(st.just("file"), SIZES),
        st.tuples(st.just("flush"), SIZES), st.tuples(st.just("view"), SIZES)),
    max_size=12)


@settings(max_examples=60)
@given(ACTIONS, st.sampled_from([0, 10, 150, 5000, 1 << 20]), st.booleans())
@example([("add", 100), ("add", 9000), ("flush", 9000), ("add", 1), ("file", 9), ("add", 101)], 10, False)
@example([("add", 1), ("add", 0)], 0, False)
# A file of the application's that ends at the place where our own file has come to.
@example([("add", 100), ("add", 101), ("file", 99), ("add", 100)], 10, False)
def test_whatever_is_done_nothing_is_lost_or_moved(
    actions: list[tuple[str, int]], bound: int, secure: bool
) -> None:
    ends = Ends()
    out = SealedOutput(bound, None, Sealing()) if secure else OutputBuffer(bound, None)
    sent = bytearray()
    with open(__file__, "rb") as source:
        text = source.read()
        for number, (action, size) in enumerate(actions):
            if action == "flush":
                out.flush(ends.fd)
                ends.take(size)
            elif action == "file":
                size = min(size, len(text) - number)
                if size:
                    out.add_file(source.fileno(), number, size)
                    sent += text[number:number + size]
            else:
                piece = bytes((number + 1,)) * size
                out.add(memoryview(piece) if action == "view" else piece)
                sent += piece
    received = ends.take_all(out)
    ends.close()
    assert (b"".join(unsealed(received)) if secure else received) == sent
    assert (out.size, out.spilled) == (0, 0)


# Bodies.


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 100, 5000])
@pytest.mark.parametrize("piece", [1, 7, 10, 5000])
@pytest.mark.parametrize("reserves", [False, True])
def test_a_body_is_read_as_it_came(size: int, piece: int, reserves: bool) -> None:
    content = (bytes(range(256)) * 20)[:size]
    store = BodyStore(10, None)
    if reserves:
        store.reserve(size)
    for start in range(0, size, piece):
        store.write(content[start:start + piece])
    assert store.size == size
    assert store.spilled == (size > 10)
    body = store.open()
    assert body.read(3) == content[:3]
    assert body.read() == content[3:]
    assert body.read() == b""
    assert body.seek(0) == 0
    assert body.read() == content
    store.close()
    store.close()


def test_a_body_of_no_file_at_all(tmp_path: Path) -> None:
    store = BodyStore(10, str(tmp_path / "nowhere"))
    store.write(b"x" * 10)
    with pytest.raises(InsufficientStorage) as caught:
        store.write(b"x")
    # The client is not told where that is.
    assert "nowhere" not in repr(caught.value.detail)
    store.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_body_and_a_full_disk(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Small ones are refused when they are opened, large ones when they are written."""
    import tempfile

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "w+b"))  # noqa: SIM115
    store = BodyStore(0, None)
    with pytest.raises(InsufficientStorage):
        for _ in range(3):
            store.write(b"x" * size)
        store.open()
    store.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks into /proc")
def test_a_body_leaves_no_descriptor() -> None:
    before = open_descriptors()
    store = BodyStore(0, None)
    store.write(b"x")
    assert len(open_descriptors()) == len(before) + 1
    store.close()
    assert open_descriptors() == before


def test_a_body_stream() -> None:
    stream = BodyStream(10)
    changes: list[tuple[int, bool, bool]] = []
    stream.on_change = lambda: changes.append((stream.size, stream.complete, stream.failed))
    assert (stream.take(), stream.full) == (b"", False)
    stream.feed(b"x" * 9)
    assert not stream.full
    stream.feed(b"y")
    assert stream.full
    assert (stream.take(), stream.take(), stream.size, stream.full) == (b"x" * 9 + b"y", b"", 0, False)
    stream.end(False)
    assert changes == [(9, False, False), (10, False, False), (0, True, False)]
    stream.end(True)
    assert (stream.complete, stream.failed) == (False, True)
