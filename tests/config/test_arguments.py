"""The quick reader of command lines against argparse, which is right by definition."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gunicorn.config import Config
from gunicorn.config.arguments import lazy_parser, read

CFG = Config(prog="gunicorn")
PARSER = CFG.parser()
FLAGS = sorted(flag for setting in CFG.settings.values() for flag in setting.cli or ())
WORDS = st.one_of(
    st.sampled_from(FLAGS),
    st.sampled_from(FLAGS).map(lambda flag: flag + "=x"),
    st.sampled_from(["app", "app:app", "3", "-", "--", "-1", "", "-DR", "-w4", "--work", "x y", "-x",
         "-h", "a=b", "--nope"]),
    st.text(max_size=4),
)


def by_argparse(words: list[str]) -> dict[str, Any] | None:
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            return vars(PARSER.parse_args(words))
        except SystemExit:
            return None


@given(st.lists(WORDS, max_size=6))
@example(["-w", "3", "app"])
@example(["app", "-b", "a", "--bind=b"])
@example(["a", "b", "--reload", "c"])
@example(["--reload", "a", "b"])
@example(["--proxy-protocol", "app"])
@example(["--no-sendfile=x"])
@example(["--access-logfile", "-", "app"])
def test_what_it_understands_it_understands_as_argparse_does(words: list[str]) -> None:
    found = read(CFG.settings.values(), words)
    if found is not None:
        assert vars(found) == by_argparse(words)


@pytest.mark.parametrize(
    "words",
    [
        ["app"],
        ["app:app", "--reload"],
        ["-w", "4", "-b", "127.0.0.1:0", "--bind", "unix:/x", "--access-logfile", "-", "app:app"],
        ["--workers=4", "--no-sendfile", "app"],
    ],
)
def test_everyday_command_lines_need_no_argparse(words: list[str]) -> None:
    assert read(CFG.settings.values(), words) is not None


@pytest.mark.parametrize(
    "words", [["--help"], ["-v"], ["--work", "4"], ["-w4"], ["-w"], ["--nope"], ["-w", "-1"]]
)
def test_everything_else_is_left_to_argparse(words: list[str]) -> None:
    assert read(CFG.settings.values(), words) is None


def test_the_parser_is_there_when_a_framework_asks_for_it() -> None:
    parser = lazy_parser(CFG)
    assert parser.prog == "gunicorn"
    with pytest.raises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as stderr:
        parser.error("no project")
    assert stderr.getvalue() == "gunicorn: error: no project\n"
