"""The command line of `gunicornc`: what it does not understand."""

from __future__ import annotations

import pytest

from gunicorn.control.cli import main


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--jsno", "show", "all"], "unrecognized arguments: --jsno (did you mean --json?)"),
        (["--sokcet=x"], "unrecognized arguments: --sokcet=x (did you mean --socket?)"),
        (["--qqq"], "unrecognized arguments: --qqq (see gunicornc --help)"),
        (["-c"], "argument -c/--command: expected one argument"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    with pytest.raises(SystemExit) as done:
        main(words)
    assert done.value.code == 2
    assert capsys.readouterr().err == f"gunicornc: error: {line}\n"
