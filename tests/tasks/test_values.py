"""What can be passed to a task, as octets and back; what cannot, and what is no value."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict, namedtuple
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.tasks import values
from gunicorn.tasks.errors import DirtyProtocolError
from gunicorn.tasks.limits import LONGEST, VARIABLE_OF_LIMIT, longest
from gunicorn.tasks.values import DEEPEST, decode, decode_first, encode

SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(
    SIMPLE, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5), max_leaves=20
)
Pair = namedtuple("Pair", "a b")


class Colour(enum.IntEnum):
    RED = 3


@given(VALUES)
def test_a_value_comes_back(value: object) -> None:
    assert decode(encode(value)) == value


@given(VALUES, st.binary(max_size=20))
def test_where_a_value_ends(value: object, behind: bytes) -> None:
    octets = encode(value)
    assert decode_first(b"xyz" + octets + behind, 3) == (value, 3 + len(octets))


@given(VALUES, st.data())
def test_a_part_of_a_value_is_none(value: object, data: st.DataObject) -> None:
    octets = encode(value)
    cut = data.draw(st.integers(0, len(octets) - 1))
    with pytest.raises(DirtyProtocolError):
        decode(octets[:cut])


@given(st.binary(max_size=60))
def test_any_octets_are_a_value_or_refused(octets: bytes) -> None:
    try:
        value = decode(octets)
    except DirtyProtocolError:
        return
    # A key that stands there twice is a shorter dict.
    assert len(encode(value)) <= len(octets) or math.isnan(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ((1, (2,)), [1, [2]]), ({1: "a", None: "b", 2.5: "c", (1, 2): "d"}, {"1": "a", "None": "b", "2.5": "c",
                                                                            "(1, 2)": "d"}),
        (Colour.RED, 3), (Pair(1, "x"), [1, "x"]), (OrderedDict(a=1), {"a": 1}), ("\ud800", "\ud800"),
        (math.inf, math.inf), (2**63 - 1, 2**63 - 1), (-(2**63), -(2**63)), (2**63, 2**63), (-(2**200), -(2**200)),
        (True, True), (1, 1), (1.0, 1.0),
    ],
)
def test_what_arrives(value: object, arrives: object) -> None:
    found = decode(encode(value))
    assert found == arrives
    assert type(found) is type(arrives)


@pytest.mark.parametrize(
    "value",
    [{1}, datetime(2020, 1, 1), Decimal(1), UUID(int=1), bytearray(b"x"), memoryview(b"x"), object(), 1j, range(3),
     frozenset(), [[{"a": {1}}]], ...],
)
def test_what_is_refused(value: object) -> None:
    with pytest.raises(DirtyProtocolError, match="Cannot send a value of type"):
        encode(value)


def test_a_loop_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(DirtyProtocolError, match=f"more than {DEEPEST} lists and dicts"):
        encode(value)


def test_depth_is_bounded_on_both_sides() -> None:
    value: object = 1
    for _ in range(DEEPEST):
        value = [value]
    assert decode(encode(value)) == value
    with pytest.raises(DirtyProtocolError):
        encode([value])
    # List of one entry, so many times: a reader without a bound would end with its stack.
    with pytest.raises(DirtyProtocolError):
        decode(b"\x08\x00\x00\x00\x01" * 100_000 + b"\x00")


@pytest.mark.parametrize(
    ("value", "message"),
    [("x" * 2000, "String of 2000"), (b"x" * 2000, "Bytes of 2000"), ({"x" * 2000: 1}, "Key of 2000"),
     (["x" * 500] * 3, "Message of")],
)
def test_lengths_are_bounded(monkeypatch: pytest.MonkeyPatch, value: object, message: str) -> None:
    assert decode(encode(value)) == value
    for said in ("1024", "7"):
        monkeypatch.setenv(VARIABLE_OF_LIMIT, said)
        with pytest.raises(DirtyProtocolError, match=message):
            encode(value)


@pytest.mark.parametrize("said", ["", "much", "-5", "1e9", "9" * 20, "\u0665"])
def test_a_limit_that_is_none(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv(VARIABLE_OF_LIMIT, said)
    assert longest() == LONGEST


def test_entries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    # Fewer are done by the native leaf, which has a limit of its own below that.
    monkeypatch.setattr(values, "MOST_ENTRIES", 300)
    assert decode(encode([1] * 300)) == [1] * 300
    for value in ([1] * 301, {str(n): n for n in range(301)}):
        with pytest.raises(DirtyProtocolError, match="Cannot send 301 entries at once"):
            encode(value)


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x0a", b"\xff", b"\x03\x00", b"\x06\xff\xff\xff\xffabc", b"\x08\xff\xff\xff\xff\x00", b"\x00\x00",
     b"\x09\x00\x00\x00\x01\x00\x00\x00\x09a", b"\x06\x00\x00\x00\x01\xff"],
)
def test_what_is_no_value(octets: bytes) -> None:
    with pytest.raises(DirtyProtocolError):
        decode(octets)
