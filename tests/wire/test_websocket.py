"""WebSocket frames without a socket: what a message in many parts costs, and where it ends."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from gunicorn.wire.websocket import (
    MESSAGE,
    MOST_EMPTY_FRAGMENTS,
    MOST_STREAMS,
    NEED_DATA,
    PING,
    Deflate,
    Frames,
    WebSocketError,
)
from tests.support import frames as client

BINARY, TEXT, CONTINUATION = client.BINARY, client.TEXT, client.CONTINUATION
DEFLATED = 0x40
AGREED = Deflate(True, True, 12, 15, "")
LIMIT = 1_000_000


def fragment(opcode: int, data: bytes = b"", final: bool = False, bits: int = 0) -> bytes:
    return client.frame(opcode, data, final=final, bits=bits)


def feed(frames: Frames, octets: bytes, size: int = 65536) -> list[object]:
    """The messages that the octets hold."""
    found: list[object] = []
    for start in range(0, len(octets), size):
        frames.receive(octets[start:start + size])
        while (event := frames.next_event()) != NEED_DATA:
            assert event in (MESSAGE, PING)
            found.append(frames.data)
    return found


@pytest.mark.parametrize("opcode", [BINARY, TEXT])
@pytest.mark.parametrize("piece", [b"x", b"xy", b"xyz" * 10])
def test_a_message_in_small_parts_takes_no_more_memory_than_its_octets(opcode: int, piece: bytes) -> None:
    frames = Frames(0)
    octets = fragment(opcode) + fragment(CONTINUATION, piece) * (15_000 // len(piece))
    frames.receive(octets)
    tracemalloc.start()
    try:
        assert frames.next_event() == NEED_DATA
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    whole = piece * (15_000 // len(piece)) + b"end"
    assert feed(frames, fragment(CONTINUATION, b"end", final=True)) == [whole.decode() if opcode == TEXT else whole]


@pytest.mark.parametrize("size", [1, 2, 7, 65536])
def test_text_is_cut_anywhere(size: int) -> None:
    text = "a☃b\N{SNOWMAN WITHOUT SNOW}é" * 20
    data = text.encode()
    parts = [data[start:start + 3] for start in range(0, len(data), 3)]
    octets = fragment(TEXT, parts[0]) + b"".join(fragment(CONTINUATION, part) for part in parts[1:])
    assert feed(Frames(LIMIT), octets + fragment(CONTINUATION, final=True), size) == [text]
    with pytest.raises(WebSocketError) as caught:
        feed(Frames(LIMIT), octets + fragment(CONTINUATION, b"\xff"), size)
    assert caught.value.code == 1007


def test_fragments_without_content_have_a_bound() -> None:
    frames = Frames(0)
    some = fragment(BINARY) + fragment(CONTINUATION) * (MOST_EMPTY_FRAGMENTS - 1)
    # Each message has its own count, and a final frame may be empty.
    for _ in range(3):
        assert feed(frames, some + fragment(CONTINUATION, final=True)) == [b""]
    with pytest.raises(WebSocketError) as caught:
        feed(frames, some + fragment(CONTINUATION))
    assert caught.value.code == 1008


def test_compressed_octets_that_yield_nothing_count() -> None:
    nothing = b"\x00\x00\x00\xff\xff" * 20
    frames = Frames(LIMIT, AGREED)
    with pytest.raises(WebSocketError) as caught:
        feed(frames, fragment(BINARY, nothing, bits=DEFLATED) + fragment(CONTINUATION, nothing) * (2 * LIMIT // 100))
    assert caught.value.code == 1009


def test_compressed_streams_in_one_message_have_a_bound() -> None:
    ended = zlib.compressobj(wbits=-15)
    stream = ended.compress(b"ab") + ended.flush()
    assert feed(Frames(LIMIT, AGREED), fragment(BINARY, stream * 9 + b"\x00", True, DEFLATED)) == [b"ab" * 9]
    with pytest.raises(WebSocketError) as caught:
        feed(Frames(LIMIT, AGREED), fragment(BINARY, stream * (MOST_STREAMS + 1), True, DEFLATED))
    assert caught.value.code == 1008


def test_what_hardly_compresses_may_have_the_limit() -> None:
    data = zlib.compress(bytes(range(256)) * 3000, 9) * 40
    data = (data * (LIMIT // len(data) + 1))[:LIMIT]
    # Stored, in fragments that are each brought to an end: as much longer as a compressor makes it.
    packer = zlib.compressobj(0, wbits=-15)
    parts = [packer.compress(data[at:at + 4096]) + packer.flush(zlib.Z_SYNC_FLUSH) for at in range(0, LIMIT, 4096)]
    octets = fragment(BINARY, parts[0], bits=DEFLATED)
    octets += b"".join(fragment(CONTINUATION, part) for part in parts[1:]) + fragment(CONTINUATION, b"\x00", True)
    assert feed(Frames(LIMIT, AGREED), octets) == [data]
