"""Levels in colour: when, and what they leave alone."""

from __future__ import annotations

import io
import logging
import os
import pty
import re
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest

from gunicorn.glogging import Logger
from gunicorn.logs.colours import are_wanted
from tests.logs.test_access_format import config
from tests.logs.test_streams import write_all

#: The setting, variables, whether it is a terminal; whether there are colours.
CASES = [
    ("auto", {}, True, True),
    ("auto", {}, False, False),
    ("auto", {"NO_COLOR": "1"}, True, False),
    ("auto", {"NO_COLOR": ""}, True, True),
    ("auto", {"FORCE_COLOR": "1"}, False, True),
    ("auto", {"FORCE_COLOR": "0"}, False, False),
    ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ("auto", {"TERM": "dumb"}, True, False),
    ("always", {"NO_COLOR": "1"}, False, True),
    ("never", {"FORCE_COLOR": "1"}, True, False),
]
WORDS = [
    "\x1b[2mDEBUG\x1b[0m", "\x1b[32mINFO\x1b[0m", "\x1b[33mWARNING\x1b[0m", "\x1b[31mERROR\x1b[0m",
    "\x1b[1;31mCRITICAL\x1b[0m",
]


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    ours, theirs = pty.openpty()
    with open(theirs, "w") as stream:
        yield stream
    os.close(ours)


@pytest.mark.parametrize(("when", "environ", "is_terminal", "wanted"), CASES)
def test_when(when: str, environ: dict[str, str], is_terminal: bool, wanted: bool, terminal: TextIO) -> None:
    with open(os.devnull, "w") as null:
        assert are_wanted(when, environ, [terminal if is_terminal else null]) is wanted


def test_a_stream_that_is_none_is_no_terminal(terminal: TextIO) -> None:
    assert not are_wanted("auto", {}, [terminal, io.StringIO()])


def levels_of(monkeypatch: pytest.MonkeyPatch, logger: type[Logger] = Logger, **settings: object) -> list[str]:
    """What stands in brackets for the levels, of a line of each."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    write_all(logger(config(loglevel="debug", **settings)))
    return [re.sub(r"^\[.*\] \[\d+\] \[(.*)\] .*$", r"\1", line) for line in stream.getvalue().splitlines()]


def test_each_level_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels_of(monkeypatch, color="always") == WORDS
    plain = [re.sub(r"\x1b\[[\d;]*m", "", word) for word in WORDS]
    assert levels_of(monkeypatch) == plain
    assert levels_of(monkeypatch, color="never") == plain


def test_other_formats_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(Logger):
        error_fmt = "%(levelname)s! %(message)s"

    assert "\x1b" not in "".join(levels_of(monkeypatch, Own, color="always"))
    assert "\x1b" not in "".join(levels_of(monkeypatch, color="always", log_format="json"))


def test_other_handlers_see_the_level_as_it_is(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    seen: list[str] = []

    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.levelname)

    log, other = logging.getLogger("gunicorn.error"), Other()
    request.addfinalizer(lambda: log.removeHandler(other))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    logger = Logger(config(color="always"))
    log.addHandler(other)
    logger.info("hello")
    assert seen == ["INFO"]
