"""What waits to be sent or to be read costs about as much memory as it has octets."""

from __future__ import annotations

import socket
import tracemalloc

import pytest

from gunicorn.engine.buffers import MOST_PIECES, BodyStream, OutputBuffer


def received(reader: socket.socket, out: OutputBuffer, fd: int) -> bytes:
    octets = bytearray()
    while out.segments:
        out.flush(fd)
        octets += reader.recv(1 << 20)
    return bytes(octets)


@pytest.mark.parametrize("size", [1, 2, 100, 4095, 4096, 5000])
def test_small_pieces_are_put_together(size: int) -> None:
    piece = b"p" * size
    count = 400_000 // size
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
    assert used < 2_000_000


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
