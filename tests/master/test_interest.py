"""What the master's loop sleeps on."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator

import pytest

from gunicorn.master import signals
from gunicorn.unix.interest import BROKEN, READ, WRITE, Interest


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = signals.open_pipe()
    yield ends[0], ends[1]
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


def test_what_is_wanted_is_told(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    interest = Interest()
    interest.watch(reader, READ)
    assert interest.wait(0) == []
    os.write(writer, b"x")
    assert interest.wait(None) == [(reader, READ)]
    interest.watch(reader, 0)
    assert interest.wait(0) == []
    interest.watch(writer, WRITE)
    assert interest.wait(0) == [(writer, WRITE)]
    interest.forget(writer)
    interest.forget(writer)
    os.close(writer)
    ((fd, why),) = interest.wait(0)
    assert fd == reader
    assert why & BROKEN


def test_a_descriptor_that_select_does_not_know(pipe: tuple[int, int]) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 1100:
        pytest.skip("no such descriptors here")
    high = fcntl.fcntl(pipe[0], fcntl.F_DUPFD_CLOEXEC, 1050)
    try:
        interest = Interest()
        os.write(pipe[1], b"\0\x01")
        assert signals.wait(high, interest, None) == (b"\0\x01", [(high, READ)])
        assert signals.wait(high, interest, 0) == (b"", [])
    finally:
        os.close(high)


def test_one_that_was_closed_unsaid_is_no_reason_to_turn_for_ever(pipe: tuple[int, int]) -> None:
    interest = Interest()
    interest.watch(pipe[0], READ)
    os.close(pipe[0])
    interest.wait(0)
    assert interest.wait(0) == []


@pytest.mark.parametrize("timeout", [0.0, 0.0001])
def test_a_short_sleep_is_one(timeout: float) -> None:
    assert Interest().wait(timeout) == []


def test_a_sleep_without_end_is_possible(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"x")
    assert signals.wait(pipe[0], Interest(), float("inf"))[0] == b"x"
