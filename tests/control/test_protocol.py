"""Frames: what is one, whole, byte by byte and with octets behind it; and what ends a conversation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.control import protocol

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3), max_leaves=8,
)


def framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4) + payload


def fed(octets: bytes, step: int) -> list[bytes]:
    frames = protocol.Frames(100)
    found = []
    for start in range(0, len(octets), step):
        frames.receive(octets[start : start + step])
        while (payload := frames.next()) is not None:
            found.append(payload)
    return found


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (framed(b""), [b""]), (framed(b"{}"), [b"{}"]), (framed(b"a" * 100), [b"a" * 100]),
        (framed(b"one") + framed(b"two") + b"\0\0", [b"one", b"two"]), (b"\0\0\0", []), (framed(b"half")[:-1], []),
    ],
)
def test_frames(octets: bytes, expected: list[bytes], step: int) -> None:
    assert fed(octets, step) == expected


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize("octets", [b"\0\0\0\x65", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 8])
def test_a_frame_that_is_too_long_is_refused_by_its_length(octets: bytes, step: int) -> None:
    with pytest.raises(protocol.ProtocolError):
        fed(octets, step)


@given(st.lists(JSON, max_size=4), st.integers(1, 20))
def test_what_is_framed_comes_out_again(messages: list[object], step: int) -> None:
    octets = b"".join(map(protocol.frame, messages))
    frames = protocol.Frames()
    found = []
    for start in range(0, len(octets), step):
        frames.receive(octets[start : start + step])
        while (payload := frames.next()) is not None:
            found.append(json.loads(payload))
    assert found == messages


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"[]", b"1", b"null", b'"show"', b"\xff", b"[" * 50_000, b"{}x", b"9" * 5000,
        b'{"command": 5}', b'{"command": null}',
    ],
)
def test_what_is_no_object_is_not_understood(payload: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.read_request(payload)


@pytest.mark.parametrize(
    ("message", "identity", "words"),
    [
        ({"id": 7, "command": "show workers"}, 7, ("show", "workers")),
        ({"command": "  show\tworkers  "}, 0, ("show", "workers")),
        ({"id": [None], "command": "worker kill", "args": [12, "x y"]}, [None], ("worker", "kill", "12", "x y")),
        ({"id": None, "command": "a 'b c' \"d\""}, None, ("a", "b c", "d")),
        ({"id": 1}, 1, ()), ({"id": 1, "command": "", "args": None}, 1, ()), ({"command": "show", "args": "all"}, 0,
        ("show", "all")),
        ({"command": "help", "more": 1}, 0, ("help",)),
    ],
)
def test_requests(message: object, identity: object, words: tuple[str, ...]) -> None:
    request = protocol.read_request(json.dumps(message).encode())
    assert (request.id, tuple(request.words())) == (identity, words)


@given(st.binary(max_size=200))
def test_any_octets_are_a_request_or_an_error(payload: bytes) -> None:
    try:
        words = protocol.read_request(payload).words()
    except (protocol.ProtocolError, ValueError):
        return
    assert all(isinstance(word, str) for word in words)
