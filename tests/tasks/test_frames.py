"""Frames as they come from a socket: whole, octet by octet, several at once; and what is none."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.tasks import frames
from gunicorn.tasks._octets import Frame, head
from gunicorn.tasks.errors import DirtyProtocolError
from gunicorn.tasks.frames import CALL, CANCEL, HEAD_SIZE, KINDS, PASSED, STREAM, FrameReader
from gunicorn.tasks.limits import LONGEST
from gunicorn.tasks.passing import Passed, opened

FRAMES = st.builds(
    Frame, st.sampled_from(KINDS), st.sampled_from([0, STREAM]), st.integers(0, 2**64 - 1),
    st.floats(allow_nan=False), st.binary(max_size=20), st.binary(max_size=200),
)


def octets_of(frame: Frame) -> bytes:
    length = len(frame.target) + len(frame.payload)
    begin = head(frame.kind, frame.number, length, frame.marks, len(frame.target), frame.amount)
    return begin + frame.target + frame.payload


def parts_of(frames: list[Frame]) -> list[tuple[object, ...]]:
    return [(each.kind, each.marks, each.number, each.amount, each.target, each.payload) for each in frames]


@given(st.lists(FRAMES, max_size=6), st.data())
def test_frames_come_out_as_they_went_in(sent: list[Frame], data: st.DataObject) -> None:
    octets = b"".join(map(octets_of, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    reader, found = FrameReader(), []
    for begin, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        found += reader.feed(octets[begin:end])
    assert parts_of(found) == parts_of(sent)


@pytest.mark.parametrize("size", [0, 1, 100])
def test_octet_by_octet(size: int) -> None:
    frame = Frame(CALL, STREAM, 7, 1.5, b"a\0b", b"x" * size)
    octets = octets_of(frame) + octets_of(Frame(CANCEL, 0, 8, 0.0, b"", b""))
    reader = FrameReader()
    found = [each for octet in octets for each in reader.feed(bytes([octet]))]
    assert [each.number for each in found] == [7, 8]
    assert parts_of(found[:1]) == parts_of([frame])


def test_as_much_is_asked_for_as_is_missing() -> None:
    """Room for more than 128 KiB is mapped by the system each time: only where so much is known to come."""
    octets = octets_of(Frame(CALL, 0, 1, 0.0, b"a\0b", b"x" * 200_000))
    reader = FrameReader()
    assert reader.feed(octets[:5]) == []
    assert reader.wanted == 65536
    assert reader.feed(octets[5:HEAD_SIZE + 100]) == []
    assert reader.wanted == 200_003 - 100
    assert reader.feed(octets[HEAD_SIZE + 100:-1]) == []
    assert reader.wanted == 65536
    assert len(reader.feed(octets[-1:])) == 1
    assert reader.wanted == 65536
    assert reader.feed(octets_of(Frame(CALL, 0, 1, 0.0, b"a\0b", b"x" * 3_000_000))[:100]) == []
    assert reader.wanted == 1024 * 1024


@pytest.mark.parametrize(
    "octets",
    [
        head(CALL, 1)[:0] + b"\x00" + head(CALL, 1)[1:],
        bytes([KINDS[-1] + 1]) + head(CALL, 1)[1:],
        head(CALL, 1, marks=8),
        # A payload that was to be passed and is not there.
        head(CALL, 1, marks=2),
        head(CALL, 1, length=3, target=4),
        head(CALL, 1, length=LONGEST + 0x10000),
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_no_frame(octets: bytes) -> None:
    reader = FrameReader()
    with pytest.raises(DirtyProtocolError, match=r"no frame|not there"):
        for octet in octets:
            reader.feed(bytes([octet]))


@pytest.mark.parametrize(("path", "action"), [("a", "b\0c"), ("a\0", "b"), ("a" * 65536, "b")])
def test_a_target_that_cannot_be_one(path: str, action: str) -> None:
    with pytest.raises(DirtyProtocolError):
        frames.target_of(path, action)


def test_a_target_is_two_names() -> None:
    assert frames.split_target(frames.target_of("mod:Class", "do")) == ("mod:Class", "do")


def test_a_payload_that_is_passed() -> None:
    """Two of them, whose frames come in pieces: each has its own, and it is closed with it."""
    payloads = [Passed.of(b"first"), Passed.of(b"second")]
    fds = [payload.fd for payload in payloads]
    octets = head(CALL, 1, 3, PASSED, 3) + b"a\0b" + head(CALL, 2, 3, PASSED, 3) + b"a\0b"
    reader = FrameReader()
    assert reader.feed(octets[:30], payloads[:1]) != []
    assert reader.feed(octets[30:31], payloads[1:]) == []
    (second,) = reader.feed(octets[31:])
    assert (len(second.payload), opened(second.payload), opened(b"inline")) == (6, b"second", b"inline")
    del payloads, second, reader
    for fd in fds:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def test_a_payload_that_cannot_be_had() -> None:
    payload = Passed.of(b"x" * 1000)
    os.ftruncate(payload.fd, 10)
    with pytest.raises(DirtyProtocolError, match="not there any more"):
        payload.read()
    os.ftruncate(payload.fd, LONGEST + 1)
    with pytest.raises(DirtyProtocolError, match="too large"):
        Passed(os.dup(payload.fd)).read()
    # Octets of its own beside it mean that something is wrong.
    with pytest.raises(DirtyProtocolError, match="not there"):
        FrameReader().feed(head(CALL, 1, 1, PASSED) + b"x", [payload])


def test_a_target_says_which_request_asks() -> None:
    target = frames.target_of("mod:Class", "do", "an.id")
    assert frames.names_of(target) == ("mod:Class", "do", "an.id")
    assert frames.split_target(target) == ("mod:Class", "do")
    for none in (None, "", "x" * 129, "a\0b", "é", "a\n"):
        assert frames.names_of(frames.target_of("mod:Class", "do", none)) == ("mod:Class", "do", None)
    # Whatever came: nothing here raises.
    assert frames.names_of(b"\xff") == ("\ufffd", "", None)
    assert frames.names_of(b"a\0b\0\xff") == ("a", "b", "\ufffd")
