"""The octet loops: what the native ones find is what their twins in Python find, wherever in a run the end comes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunicorn.http import _octets as spans
from gunicorn.http.response import FieldLine, FieldLines
from gunicorn.wire import _masking as masking
from tests.support.twins import EDGES, WRONG, Octets, Words, outcome, twin_of

twin = twin_of("gunicorn.http._octets")
masking_twin = twin_of("gunicorn.wire._masking")
RUNS = ["token_end", "path_end", "query_end", "value_end"]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("place", range(20))
def test_every_octet_in_every_place(run: str, place: int) -> None:
    for octet in range(256):
        for filling in (b"a", b"~", b"!"):
            data = filling * place + bytes([octet]) + filling * (19 - place) + b"\r\n"
            for end in (len(data), place + 1, place):
                found = getattr(spans, run)(data, 0, end)
                assert found == getattr(twin, run)(data, 0, end), (data, end)


@pytest.mark.parametrize("run", RUNS)
@settings(deadline=None)
@given(data=st.binary(max_size=60), start=st.integers(0, 20))
def test_any_octets(run: str, data: bytes, start: int) -> None:
    start = min(start, len(data))
    assert getattr(spans, run)(data, start, len(data)) == getattr(twin, run)(data, start, len(data))


@settings(deadline=None)
@given(known=st.text("ab\xe9", max_size=12), data=st.text("ab\xe9", max_size=12), start=st.integers(0, 3))
def test_text_again_is_text(known: str, data: str, start: int) -> None:
    octets = data.encode("latin-1")
    start = min(start, len(octets))
    assert spans.text_again(known, octets, start, len(octets)) == data[start:]
    assert spans.is_at(known.encode("latin-1"), octets, start, len(octets)) == (known == data[start:])


# Every function is total: no integers and no objects make it read what is not its own.

PARTS = ["token_end", "path_end", "query_end", "value_end", "octets", "text"]
DATA = [b"", b"a", b"abcdefg: \x00\x7f\xffxyz", b"v" * 40]


def test_any_bounds_of_a_part() -> None:
    for name in PARTS:
        native, other = getattr(spans, name), getattr(twin, name)
        for data in DATA:
            for start in EDGES:
                for end in EDGES:
                    found = outcome(native, data, start, end)
                    assert found == outcome(other, data, start, end), (name, data, start, end)
                    if isinstance(found, int):
                        assert 0 <= found <= len(data)


def test_any_bounds_of_what_is_compared() -> None:
    for data in DATA:
        for start in EDGES:
            for end in EDGES:
                for known in (b"", b"a", b"v" * 40, b"v" * 41, b"xyz"):
                    found = outcome(spans.is_at, known, data, start, end)
                    assert found == outcome(twin.is_at, known, data, start, end), (known, data, start, end)
                    text = known.decode()
                    found = outcome(spans.text_again, text, data, start, end)
                    assert found == outcome(twin.text_again, text, data, start, end), (text, data, start, end)


INTEGERS = st.one_of(st.integers(-3, 70), st.sampled_from(EDGES), st.integers())


@settings(deadline=None, max_examples=400)
@given(data=st.binary(max_size=60), known=st.binary(max_size=8), start=INTEGERS, end=INTEGERS)
def test_any_integers(data: bytes, known: bytes, start: int, end: int) -> None:
    for name in PARTS:
        assert outcome(getattr(spans, name), data, start, end) == outcome(getattr(twin, name), data, start, end)
    assert outcome(spans.is_at, known, data, start, end) == outcome(twin.is_at, known, data, start, end)
    text = known.decode("latin-1")
    assert outcome(spans.text_again, text, data, start, end) == outcome(twin.text_again, text, data, start, end)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda each: type(each).__name__)
def test_what_is_not_bytes(wrong: Any) -> None:
    for module in (spans, twin):
        for name in PARTS:
            assert outcome(getattr(module, name), wrong, 0, 1) is TypeError, name
        assert outcome(module.is_at, wrong, b"abc", 0, 1) is TypeError
        assert outcome(module.is_at, b"abc", wrong, 0, 1) is TypeError
        assert outcome(module.text_again, "abc", wrong, 0, 1) is TypeError
        if wrong != "abc" or type(wrong) is not str:
            assert outcome(module.text_again, wrong, b"abc", 0, 1) is TypeError
            assert outcome(module.is_plain, wrong) is TypeError
    for module in (masking, masking_twin):
        assert outcome(module.unmask, wrong, 0, 0, b"abcd", 0) is TypeError
        assert outcome(module.unmask, b"abc", 0, 0, wrong, 0) is TypeError


@pytest.mark.parametrize("parts", [
    [], [b""], [b"a", b"", b"bc"], [b"a"] * 1000, [Octets(b"a"), b"b"], [b"a", bytearray(b"b")],
    [memoryview(b"ab"), b"c"], [None], [b"a", None], [b"a", "b"], [b"a", 5], [Words("a")], None, (b"a",), b"ab", 5,
], ids=lambda parts: f"{type(parts).__name__} of {' '.join(type(part).__name__ for part in parts[:3])}"
    if isinstance(parts, list) else type(parts).__name__)
def test_whatever_is_joined(parts: Any) -> None:
    found = outcome(spans.joined, parts)
    assert found == outcome(twin.joined, parts)
    if found is not TypeError:
        assert found == b"".join(parts)
        assert type(found) is bytes


def test_any_part_is_unmasked_or_refused() -> None:
    data = bytes(range(40))
    for start in EDGES:
        for end in EDGES:
            for phase in (0, 1, 3, 4, -1, 2**63 - 1, -(2**63)):
                found = outcome(masking.unmask, data, start, end, b"\1\2\3\4", phase)
                assert found == outcome(masking_twin.unmask, data, start, end, b"\1\2\3\4", phase)
    for phase in EDGES:
        for count in (0, 1, 7, 8, 9, 40):
            found = outcome(masking.unmask, data, 0, count, b"abcd", phase)
            assert found == outcome(masking_twin.unmask, data, 0, count, b"abcd", phase)
    for key in (b"", b"abc", b"abcde"):
        assert outcome(masking.unmask, data, 0, 4, key, 0) is ValueError
        assert outcome(masking_twin.unmask, data, 0, 4, key, 0) is ValueError


LINES = FieldLines()
FIELDS = [LINES.learn(("A", "b")), LINES.learn(("C", "\xe9" * 300)), LINES.learn(("D", ""))]


@pytest.mark.parametrize("fields", [[], FIELDS[:1], FIELDS, FIELDS * 300], ids=["none", "one", "three", "many"])
@pytest.mark.parametrize("content", [b"", b"content" * 3000], ids=["head", "content"])
def test_a_head_and_its_content(fields: list[FieldLine], content: bytes) -> None:
    for first in (b"", b"first\r\n"):
        for end in (b"", b"\r\n"):
            expected = first + b"".join(field.line for field in fields) + b"length" + end + content
            assert spans.head_octets(first, fields, b"length", end, content) == expected
            assert twin.head_octets(first, fields, b"length", end, content) == expected


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize("place", range(5))
def test_no_head_of_other_things(place: int, wrong: Any) -> None:
    """The native one takes plain octets alone; its twin joins whatever `bytes.join` takes."""
    arguments: list[Any] = [b"first", FIELDS, b"length", b"end", b"content"]
    may_be_joined = place != 1 and isinstance(wrong, bytes | bytearray | memoryview)
    arguments[place] = wrong
    if place == 1:
        arguments[1] = [wrong]
    for module in (spans, twin):
        try:
            found = module.head_octets(*arguments)
        except (TypeError, AttributeError):
            continue
        assert may_be_joined
        lines = b"".join(field.line for field in FIELDS)
        assert found == bytes(arguments[0]) + lines + b"".join(bytes(each) for each in arguments[2:])


@pytest.mark.parametrize(
    "field", [None, b"line", FieldLine.__new__(FieldLine), 5], ids=["None", "bytes", "unmade", "int"])
def test_no_fields_of_other_kinds(field: Any) -> None:
    for module in (spans, twin):
        with pytest.raises((TypeError, AttributeError)):
            module.head_octets(b"", [*FIELDS, field], b"", b"", b"")
