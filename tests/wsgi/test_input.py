"""`wsgi.input` of a body that is read while it arrives: what a file would say, at a cost that grows with the octets."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.drivers.http1 import Connection
from gunicorn.engine.buffers import BodyStream
from gunicorn.engine.state import NoGuard
from gunicorn.wsgi.input import EmptyInput, StreamInput


def stream_of(pieces: list[bytes]) -> StreamInput:
    """An input whose octets come one piece a wait."""
    stream = BodyStream(1 << 40)
    left = iter(pieces)
    connection: Any = Connection.__new__(Connection)
    if not hasattr(connection, "request"):
        # Interpreted; compiled it is there, and read-only.
        connection.request = None

    def wait(_: Any) -> None:
        piece = next(left, None)
        if piece is None:
            stream.end(False)
        else:
            stream.feed(piece)

    return StreamInput(connection, stream, wait, NoGuard())


SIZES = st.one_of(st.none(), st.integers(-2, 12), st.just(1 << 70))
READS = st.lists(st.tuples(st.sampled_from(["read", "readline", "readlines"]), SIZES), max_size=12)
LINES = st.lists(st.text("ab\n", max_size=9).map(str.encode), max_size=9)


@given(LINES, READS)
def test_it_reads_as_a_file_does(pieces: list[bytes], reads: list[tuple[str, int | None]]) -> None:
    ours, file = stream_of([piece for piece in pieces if piece]), io.BytesIO(b"".join(pieces))
    for method, size in reads:
        wanted = -1 if size is None else min(size, 1 << 40)
        assert getattr(ours, method)(size) == getattr(file, method)(wanted)
    assert ours.read() == file.read()
    assert ours.read() == ours.readline() == ours.read(5) == b""


@given(LINES)
def test_lines(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    filled = [piece for piece in pieces if piece]
    assert list(stream_of(filled)) == stream_of(filled).readlines() == io.BytesIO(whole).readlines()
    ours, file = stream_of(filled), io.BytesIO(whole)
    for _ in range(3):
        # As the body of the release before, and every file, it is its own iterator.
        assert next(ours, None) == next(file, None)
        assert ours.read(1) == file.read(1)


def test_the_input_of_a_request_without_body() -> None:
    empty = EmptyInput()
    assert next(empty, None) is None
    assert list(empty) == empty.readlines() == []


def test_a_body_that_breaks_off() -> None:
    stream = BodyStream(100)
    stream.feed(b"abc")
    stream.end(True)
    connection: Any = Connection.__new__(Connection)
    if not hasattr(connection, "request"):
        # Interpreted; compiled it is there, and read-only.
        connection.request = None
    given = StreamInput(connection, stream, lambda _: None, NoGuard())
    assert given.read(2) == b"ab"
    with pytest.raises(OSError, match="the request body is not complete"):
        given.read()


def read_lines(given: StreamInput) -> int:
    return sum(1 for _ in given)


def read_ones(given: StreamInput) -> int:
    return sum(1 for _ in iter(lambda: given.read(1), b""))


def read_short_lines(given: StreamInput) -> int:
    return sum(1 for _ in iter(lambda: given.readline(16), b""))


# By the square of the size each of them would take minutes.
LARGE: dict[str, tuple[list[bytes], Callable[[StreamInput], Any]]] = {
    "line feeds": ([b"\n" * (2 << 20)], read_lines),
    "single octets": ([b"x" * (2 << 20)], read_ones),
    "parts of one line": ([b"x" * (32 << 20)], read_short_lines),
    "many pieces": ([b"x" * 65536] * 3000, lambda given: len(given.read())),
    "one line of many pieces": ([b"x" * 65536] * 3000, lambda given: len(given.readline())),
    "lines of many pieces": ([b"x" * 65536] * 1500 + [b"\n"] + [b"y" * 65536] * 1500, lambda given: given.readlines()),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_bodies(name: str) -> None:
    """In a process of its own, which can be ended should it hang."""
    code = f"from tests.wsgi.test_input import LARGE, stream_of; p, f = LARGE[{name!r}]; f(stream_of(p))"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True, timeout=90)


def test_the_end_of_a_body_that_another_thread_takes_in_is_not_lost() -> None:
    """Between the look for octets and the look whether more will come, both may have come: the guard is held."""
    stream = BodyStream(1000)

    class Guard:
        def __enter__(self) -> None: ...

        def __exit__(self, *exc_info: object) -> None:
            if not stream.complete:
                stream.feed(b"the last")
                stream.end(False)

    connection: Any = Connection.__new__(Connection)
    if not hasattr(connection, "request"):
        connection.request = None
    assert StreamInput(connection, stream, lambda _: None, Guard()).read() == b"the last"
