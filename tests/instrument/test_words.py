"""Words that several processes see: the leaf and its twin write the same, and nothing beyond the memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.instrument import _words
from tests.support.twins import EDGES, outcome, twin_of

TWIN = twin_of("gunicorn.instrument._words")
BOTH = pytest.mark.parametrize("leaf", [_words, TWIN], ids=["imported", "twin"])

NUMBERS = st.sampled_from(EDGES) | st.integers(-2, 9)
STEPS = st.tuples(st.just("add"), NUMBERS, NUMBERS) | st.tuples(st.just("put"), NUMBERS, NUMBERS) | st.tuples(
    st.just("put_real"), NUMBERS, st.floats(allow_nan=False)) | st.tuples(
    st.just("put_octets"), NUMBERS, st.binary(max_size=40), NUMBERS)


@given(st.lists(STEPS, max_size=12), st.integers(0, 70))
def test_both_write_the_same_and_nothing_beyond(steps: list[tuple[Any, ...]], size: int) -> None:
    found = []
    for leaf in (_words, TWIN):
        memory = bytearray(b"\xaa" * (size + 16))
        words = leaf.Words(memoryview(memory)[:size])
        said = [outcome(getattr(words, name), *arguments) for name, *arguments in steps]
        del words
        assert memory[size - size % 8:] == b"\xaa" * (16 + size % 8)
        found.append(([type(each) is type for each in said], memory))
    assert found[0] == found[1]


@BOTH
def test_a_counter_wraps(leaf: Any) -> None:
    memory = bytearray(8)
    words = leaf.Words(memory)
    words.put(0, 2**63 - 1)
    words.add(0, 1)
    assert int.from_bytes(memory, "little", signed=True) == -2**63
    words.add(0, -1)
    assert int.from_bytes(memory, "little", signed=True) == 2**63 - 1


@BOTH
@pytest.mark.parametrize("memory", [b"read only", "text", None, 5])
def test_what_is_no_memory(leaf: Any, memory: object) -> None:
    with pytest.raises((TypeError, BufferError)):
        leaf.Words(memory)
