"""What a person at a terminal is told to open."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gunicorn.master.openings import openings
from tests.support.server import HELLO, clean_environment
from tests.support.wait import PATIENCE, wait_until

HOST = os.uname().nodename


@pytest.mark.parametrize(
    ("listener", "lines"),
    [
        ("http://0.0.0.0:8000", [f"Open http://127.0.0.1:8000/ here, http://{HOST}:8000/ elsewhere"]),
        ("https://[::]:443", [f"Open https://[::1]:443/ here, https://{HOST}:443/ elsewhere"]),
        ("unix:/run/my app.sock", ["Try it: curl --unix-socket '/run/my app.sock' http://localhost/"]),
        ("unix:@name", ["Try it: curl --abstract-unix-socket name http://localhost/"]),
        # The line before says it all, or no browser speaks that.
        ("http://127.0.0.1:8000", []),
        ("http://[::1]:8000", []),
        ("uwsgi://0.0.0.0:3031", []),
        ("fastcgi://unix:/run/app.sock", []),
    ],
)
def test_it_is_what_no_browser_can_take_as_it_is_logged(listener: str, lines: list[str]) -> None:
    assert openings([listener]) == lines


def test_a_terminal_is_told_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HELLO)
    ours, theirs = pty.openpty()
    told = [log_of(tmp_path, stderr, read) for stderr, read in ((theirs, ours), (None, -1))]
    os.close(theirs)
    os.close(ours)
    port = re.findall(r"Listening at: http://0\.0\.0\.0:(\d+) ", told[0])[0]
    # Which is in colour as well.
    assert re.findall(r"\[\x1b\[32mINFO\x1b\[0m\] (Open .*?)\r?$", told[0], re.M) == [
        f"Open http://127.0.0.1:{port}/ here, http://{HOST}:{port}/ elsewhere"
    ]
    assert "Open " not in told[1]
    assert "\x1b" not in told[1]


def log_of(folder: Path, stderr: int | None, read: int) -> str:
    """The log of a server that has started, by a terminal or by a file."""
    file = folder / "log"
    with file.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-b", "0.0.0.0:0", "--no-control-socket", "app:app"],
            cwd=folder,
            env=clean_environment({"TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": ""}),
            stderr=output if stderr is None else stderr,
        )
    seen = b""

    def has_started() -> bool:
        nonlocal seen
        seen = seen + os.read(read, 65536) if stderr is not None else file.read_bytes()
        return b"Booting worker" in seen

    try:
        wait_until(has_started)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0
    return seen.decode()
