"""Where the lines of the error log go, and what systemd's journal is told with them."""

from __future__ import annotations

import io
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest

from gunicorn.glogging import Logger
from gunicorn.logs.captured import Captured, capture
from gunicorn.logs.handlers import with_priority
from gunicorn.unix.systemd import is_journal
from tests.conftest import Serve
from tests.logs.test_access_format import config
from tests.logs.test_json_lines import parsed
from tests.support.server import HELLO


class Files(NamedTuple):
    """What becomes standard output and standard error in a test; not before it runs, as pytest puts its own there."""

    out: Path
    err: Path
    opened: list[TextIO]


def use(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in (("stdout", files.out), ("stderr", files.err)):
        files.opened.append(open(path, "a"))  # noqa: SIM115
        monkeypatch.setattr(sys, name, files.opened[-1])


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    both = Files(tmp_path / "out", tmp_path / "err", [])
    both.out.touch()
    both.err.touch()
    yield both
    for file in both.opened:
        file.close()


def write_all(log: Logger) -> None:
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(log, level)("this is %s", level)


def levels(path: Path) -> list[str]:
    return [line.rpartition(" ")[2] for line in path.read_text().splitlines()]


def test_split_by_level(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    write_all(Logger(config(log_streams="split", loglevel="debug")))
    assert levels(files.out) == ["debug", "info"]
    assert levels(files.err) == ["warning", "error", "critical"]


def test_all_of_it_to_standard_error(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    write_all(Logger(config(loglevel="info")))
    assert levels(files.out) == []
    assert levels(files.err) == ["info", "warning", "error", "critical"]


def test_a_file_is_not_split(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    write_all(Logger(config(log_streams="split", errorlog=str(tmp_path / "log"))))
    assert levels(tmp_path / "log") == ["info", "warning", "error", "critical"]
    assert levels(files.out) == levels(files.err) == []


def test_split_objects(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    write_all(Logger(config(log_streams="split", log_format="json")))
    for path, expected in zip(files[:2], [["INFO"], ["WARNING", "ERROR", "CRITICAL"]], strict=True):
        assert [parsed(line)["level"] for line in path.read_text().splitlines()] == expected


def test_another_setup_leaves_one_handler(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    log = Logger(config(log_streams="split"))
    log.setup(config())
    log.setup(config(log_streams="split"))
    log.info("this is info")
    assert levels(files.out) == ["info"]
    assert len(log.error_log.handlers) == 1


# The journal.


def stream_of(path: Path) -> str:
    facts = path.stat()
    return f"{facts.st_dev}:{facts.st_ino}"


def test_priorities_for_the_journal(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    monkeypatch.setenv("JOURNAL_STREAM", stream_of(files.err))
    log = Logger(config(loglevel="debug", error_fmt="x"))
    write_all(log)
    log.error("two\nlines")
    lines = files.err.read_text().splitlines()
    assert [line[:3] for line in lines] == ["<7>", "<6>", "<4>", "<3>", "<2>", "<3>", "<3>"]
    assert lines[-1] == "<3>lines"


def test_objects_for_the_journal(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    monkeypatch.setenv("JOURNAL_STREAM", stream_of(files.err))
    Logger(config(log_format="json")).error("two\nlines")
    (line,) = files.err.read_text().splitlines()
    assert line.startswith("<3>{")
    assert parsed(line[3:])["message"] == "two\nlines"


def test_both_streams_may_be_the_journal_or_one_of_them(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    monkeypatch.setenv("JOURNAL_STREAM", stream_of(files.out))
    write_all(Logger(config(log_streams="split")))
    assert files.out.read_text().startswith("<6>")
    assert "<" not in files.err.read_text()


@pytest.mark.parametrize("told", ["", "1:2", "x", ":", "other"])
def test_no_priorities_for_anybody_else(files: Files, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    use(files, monkeypatch)
    monkeypatch.setenv("JOURNAL_STREAM", stream_of(files.out) if told == "other" else told)
    write_all(Logger(config(loglevel="debug")))
    assert "<" not in files.err.read_text()


def test_a_file_is_no_journal(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it may be the same one."""
    use(files, monkeypatch)
    monkeypatch.setenv("JOURNAL_STREAM", stream_of(files.err))
    Logger(config(errorlog=str(files.err))).error("x")
    assert "<" not in files.err.read_text()


def test_the_access_log_has_no_priorities(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    use(files, monkeypatch)
    monkeypatch.setenv("JOURNAL_STREAM", stream_of(files.out))
    log = Logger(config(accesslog="-", access_log_format="%(s)s"))
    log.access_log.info("line")
    assert files.out.read_text() == "line\n"


def test_what_has_no_descriptor_is_no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "0:0")
    assert not is_journal(-1)
    assert not is_journal(10**6)


@pytest.mark.parametrize(("level", "number"), [(5, 7), (10, 7), (20, 6), (25, 6), (30, 4), (40, 3), (50, 2), (99, 2)])
def test_levels_and_priorities(level: int, number: int) -> None:
    assert with_priority("a\n\nb", level) == f"<{number}>a\n<{number}>\n<{number}>b"


def test_a_server_whose_streams_are_the_journal(make_server: Serve) -> None:
    server = make_server(HELLO)
    server.log_path.touch()
    server.env["JOURNAL_STREAM"] = stream_of(server.log_path)
    server.start()
    assert server.get().status == 200
    assert server.stop() == 0
    lines = server.log_lines()
    assert lines
    assert {line[:3] for line in lines} <= {"<6>", "<4>"}
    assert any("Worker exiting" in line for line in lines)


# What is printed, with `capture_output`.


def printing(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Standard output from now on."""
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stdout", plain)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    return plain


def test_printed_lines_are_objects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = printing(monkeypatch)
    log = Logger(config(log_format="json", errorlog=str(tmp_path / "log")))
    capture(log.error_log)
    capture(log.error_log)
    print("hello", 'wo"rld')
    print("bad", file=sys.stderr)
    sys.stdout.writelines(["x\n", "y"])
    found = [parsed(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [(each["logger"], each["level"], each["message"]) for each in found] == [
        ("stdout", "INFO", 'hello wo"rld'), ("stderr", "ERROR", "bad"), ("stdout", "INFO", "x")]
    assert plain.getvalue() == ""


def test_they_are_text_again_when_the_log_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = printing(monkeypatch)
    log = Logger(config(log_format="json", errorlog=str(tmp_path / "log")))
    capture(log.error_log)
    assert isinstance(sys.stdout, Captured)
    log.setup(config(errorlog=str(tmp_path / "log")))
    print("hello")
    assert plain.getvalue() == "hello\n"
    assert sys.stdout.closed is False


def test_the_journal_is_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """`JOURNAL_STREAM` as systemd sets it: the socket that is standard error."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        facts = os.fstat(theirs.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{facts.st_dev}:{facts.st_ino}")
        assert is_journal(theirs.fileno())
        assert not is_journal(ours.fileno())
