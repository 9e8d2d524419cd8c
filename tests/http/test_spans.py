"""The octet loops: what the native ones find is what their twins in Python find, wherever in a run the end comes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunicorn.http import _spans as spans


def load_twin() -> ModuleType:
    path = Path(spans.__file__).parent / "_spans.py"
    specification = importlib.util.spec_from_file_location("twin_of_spans", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


twin = load_twin()
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
