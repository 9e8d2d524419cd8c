"""The native leaf of tasks beside those who do the same in Python: the same octets, values and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.tasks import _octets, values
from gunicorn.tasks.errors import DirtyProtocolError
from tests.support.twins import EDGES, WRONG, outcome, twin_of

TWIN = twin_of("gunicorn.tasks._octets")
BOTH = pytest.mark.parametrize("leaf", [_octets, TWIN], ids=["imported", "twin"])

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(
    PLAIN, lambda each: st.lists(each) | st.tuples(each, each) | st.dictionaries(st.text() | st.integers(), each),
    max_leaves=20,
)


def octets_of(value: object) -> bytes:
    """By the way that all values can go."""
    parts: list[bytes] = []
    values._put(value, parts, values.DEEPEST)
    return b"".join(parts)


def value_at(octets: bytes, start: int = 0) -> tuple[object, int] | None:
    """The same for reading; None for what is none."""
    try:
        return values._take(octets, start, values.DEEPEST)
    except (DirtyProtocolError, IndexError, values.struct.error, UnicodeDecodeError):
        return None


def told(leaf: Any, octets: object, longest: int) -> object:
    """What `frames` answers, or the class of what it raises."""
    try:
        return outcome(leaf.frames, octets, lambda: longest)
    except DirtyProtocolError:
        return DirtyProtocolError


def parts_of(found: Any) -> object:
    """What `frames` has answered, so that it can be compared."""
    if not isinstance(found, tuple):
        return found
    frames, *rest = found
    return [(each.kind, each.marks, each.number, each.amount, each.target, each.payload) for each in frames], rest


@given(VALUES)
def test_a_short_value_goes_as_any_other(value: object) -> None:
    octets = octets_of(value)
    assert _octets.encoded(value) in (None, octets)
    assert _octets.decoded(octets, 0) in (None, value_at(octets))
    assert values.decode(values.encode(value)) == value_at(octets)[0]  # type: ignore[index]


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**63 - 1, -2**63, 1.5, float("inf"), "", "text", b"", b"x" * 1000, [], {}, (1, "a"),
     [["a", 1], {"b": [None, 2.5]}], [1] * 100],
)
def test_what_the_leaf_does_itself(value: object) -> None:
    octets = octets_of(value)
    if _octets.encoded(None) is not None:
        assert _octets.encoded(value) == octets
        assert _octets.decoded(b"x" + octets + b"y", 1) == (value_at(octets)[0], len(octets) + 1)  # type: ignore[index]


@pytest.mark.parametrize(
    "value",
    [2**63, -2**63 - 1, "é", "x" * 1020, b"x" * 1020, [1] * 200, [1] * 257, {"é": 1}, {1: 2}, {None: 1},
     type("Text", (str,), {})("a"), {1, 2}, object()],
)  # fmt: skip
def test_what_it_leaves_to_others(value: object) -> None:
    assert _octets.encoded(value) is None


def test_what_is_long_is_left_to_others() -> None:
    octets = octets_of(["x" * 70_000])
    assert _octets.decoded(octets, 0) is None
    assert values.decode(octets) == ["x" * 70_000]


def test_what_is_deep_is_left_to_others() -> None:
    value: object = 1
    for _ in range(100):
        value = [value]
    assert _octets.encoded(value) is None
    assert _octets.decoded(octets_of(value), 0) is None
    assert values.decode(values.encode(value)) == value


def test_a_value_that_has_itself_in_it() -> None:
    value: list[object] = []
    value.append(value)
    assert _octets.encoded(value) is None


@given(st.binary(max_size=60) | st.lists(st.sampled_from([0, 1, 2, 3, 5, 6, 7, 8, 9, 255, 97]), max_size=40).map(bytes))
def test_octets_of_anybody(octets: bytes) -> None:
    for start in range(-1, len(octets) + 2):
        try:
            found = _octets.decoded(octets, start)
        except UnicodeDecodeError:
            found = None
        assert found is None or repr(found) == repr(value_at(octets, start))


@pytest.mark.parametrize("start", EDGES)
def test_any_place_to_begin_at(start: int) -> None:
    assert outcome(_octets.decoded, b"\x00\x01", start) in (None, (None, 1), (False, 2), OverflowError)


@given(st.binary(max_size=120), st.integers(0, 2**64 - 1), st.integers(0, 9), st.integers(0, 40))
def test_frames_of_anybody(octets: bytes, number: int, marks: int, length: int) -> None:
    for data in (octets, _octets.head(1, number, length, marks, length // 2) + octets):
        ours, others = (told(leaf, data, 1000) for leaf in (_octets, TWIN))
        assert repr(parts_of(ours)) == repr(parts_of(others))


@BOTH
def test_how_long_a_frame_may_be_is_asked_for_a_long_one(leaf: Any) -> None:
    assert leaf.frames(leaf.head(1, 1, 0xFFFF), lambda: 1 / 0)[1:] == (0, 0xFFFF)
    assert told(leaf, leaf.head(1, 1, 0x10000 + 10), 10) is DirtyProtocolError
    assert leaf.frames(leaf.head(1, 1, 0x10000 + 9), lambda: 10)[2] == 0x10000 + 9


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("edge", [*EDGES, 255, 256, 0xFFFF, 0x10000, 2**32 - 1, 2**32, 2**64 - 1, 2**64])
def test_heads_of_any_numbers(place: int, edge: int) -> None:
    numbers = [1, 2, 3, 4, 5, 6.0]
    numbers[place] = edge
    assert outcome(_octets.head, *numbers) == outcome(TWIN.head, *numbers)


@BOTH
@given(st.integers(1, 12), st.integers(0, 2**64 - 1), st.binary(max_size=9), st.binary(max_size=9), st.integers(0, 7))
def test_a_whole_frame(leaf: Any, kind: int, number: int, target: bytes, payload: bytes, marks: int) -> None:
    octets = leaf.framed(kind, number, target, payload, marks, 1.5)
    assert octets == leaf.head(kind, number, len(target + payload), marks, len(target), 1.5) + target + payload


@BOTH
def test_a_whole_frame_whose_target_is_too_long(leaf: Any) -> None:
    assert len(leaf.framed(1, 1, b"x" * 0xFFFF, b"", 0, 0.0)) == 24 + 0xFFFF
    assert outcome(leaf.framed, 1, 1, b"x" * 0x10000, b"", 0, 0.0) is OverflowError


@BOTH
@pytest.mark.parametrize("wrong", WRONG)
def test_a_whole_frame_of_what_is_none(leaf: Any, wrong: object) -> None:
    assert outcome(leaf.framed, 1, 1, wrong, b"", 0, 0.0) is TypeError
    assert outcome(leaf.framed, 1, 1, b"", wrong, 0, 0.0) is TypeError


@BOTH
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_none(leaf: Any, wrong: object) -> None:
    assert told(leaf, wrong, 10) is TypeError
