"""`gunicornc top` at a terminal: what is on it, what keys do, and that it is given back as it was."""

from __future__ import annotations

import fcntl
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gunicorn import __version__
from gunicorn.control.top import terminal
from tests.support.control import ready_workers
from tests.support.server import HELLO, Server, clean_environment, running
from tests.support.wait import PATIENCE, wait_until

TOP = (sys.executable, "-m", "gunicorn.control", "top")
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
LEAVE = b"\x1b[?7h\x1b[?25h\x1b[?1049l"

HELD = HELLO.replace(
    "def app(environ, start_response):",
    "import os, time\ndef app(environ, start_response):\n"
    "    while environ['PATH_INFO'] == '/held' and not os.path.exists('go'):\n        time.sleep(0.02)",
)


class Screen:
    """A terminal of its own with a program in it, which is the leader of its session."""

    def __init__(self, *args: str, columns: int = 80, rows: int = 24, env: dict[str, str] | None = None) -> None:
        self.fd, inner = os.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.fd)
        # A leader without a terminal gets the first one that it opens.
        opened = f"exec \"$@\" <{os.ttyname(inner)} >{os.ttyname(inner)} 2>&1"
        settings = clean_environment({"TERM": "xterm", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "", **(env or {})})
        self.process = subprocess.Popen(
            ["sh", "-c", opened, "sh", *args], start_new_session=True, env=settings,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.said = b""
        self._inner = inner

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def take(self) -> bytes:
        while select.select([self.fd], [], [], 0)[0]:
            self.said += os.read(self.fd, 65536)
        return self.said

    def lines(self) -> list[str]:
        """What the last complete picture has."""
        pictures = self.take().decode("utf-8", "replace").split("\x1b[H")
        return [CODES.sub("", line).rstrip() for line in pictures[-1].split("\r\n")]

    def shows(self, text: str) -> list[str]:
        """Wait for a picture with this text in it; its lines."""
        wait_until(lambda: any(text in line for line in self.lines()), what=lambda: "\n".join([text, *self.lines()]))
        return self.lines()

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def end(self) -> int:
        """Wait for the program's end; its exit status."""
        code = wait_until(lambda: (self.take(), self.process.poll())[1:] if self.process.poll() is not None else None)
        self.take()
        return int(code[0] or 0)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self._inner)
        os.close(self.fd)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("top"), HELD, "-w", "2", workers=2) as started:
        ready_workers(started.folder / "gunicorn.ctl", 2)
        yield started


@pytest.fixture
def open_screen() -> Iterator[Any]:
    opened: list[Screen] = []

    def make(*args: str, **options: Any) -> Screen:
        opened.append(Screen(*args, **options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_a_session(server: Server, open_screen: Any) -> None:
    socket = str(server.folder / "gunicorn.ctl")
    old = ready_workers(socket, 2)
    screen = open_screen(*TOP, "-s", socket)
    lines = screen.shows("SERVING  workers 2/2")
    assert (len(lines), lines[0].split()[2:4]) == (24, ["pid", str(server.pid)])
    assert not termios.tcgetattr(screen.fd)[3] & (termios.ICANON | termios.ECHO)
    screen.type("k")
    screen.shows(f"End worker {old[0]}? y/n")
    screen.type("y")
    screen.shows("is ended by a command")
    wait_until(lambda: old[0] not in ready_workers(socket, 2))
    screen.resize(40, 10)
    wait_until(lambda: len(screen.lines()) == 10)
    screen.type("q")
    assert screen.end() == 0
    assert screen.said.endswith(LEAVE)
    assert termios.tcgetattr(screen.fd) == screen.before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -15), (signal.SIGHUP, -1), (signal.SIGINT, 130)])
def test_signals_that_end_it(server: Server, open_screen: Any, number: int, code: int) -> None:
    screen = open_screen(*TOP, "-s", str(server.folder / "gunicorn.ctl"), env={"NO_COLOR": "1"})
    screen.shows("SERVING")
    assert not re.search(rb"\x1b\[(?:\d;)?3\dm", screen.take())
    screen.process.send_signal(number)
    assert screen.end() == code
    assert screen.said.endswith(LEAVE)
    assert termios.tcgetattr(screen.fd) == screen.before


def test_it_is_stopped_and_goes_on(server: Server, open_screen: Any, tmp_path: Path) -> None:
    script = 'cd "$0"; set -m; "$@"; stty -g >stopped; fg >/dev/null; echo "ended $?"; stty -g >ended'
    screen = open_screen(
        "sh", "-c", f"stty -g >{tmp_path}/before; {script}", str(tmp_path), *TOP, "-s",
        str(server.folder / "gunicorn.ctl"), env={"COLUMNS": ""},
    )
    screen.shows("SERVING")
    screen.type("\x1a")
    wait_until(lambda: (tmp_path / "stopped").exists() and (tmp_path / "stopped").read_text())
    before = (tmp_path / "before").read_text()
    assert (tmp_path / "stopped").read_text() == before
    # Back again, all of it.
    wait_until(lambda: screen.take().count(b"\x1b[?1049h") >= 2)
    screen.said = b""
    screen.shows("SERVING")
    screen.type("q")
    assert screen.end() == 0
    assert b"ended 0" in screen.said
    assert (tmp_path / "ended").read_text() == before


def test_a_terminal_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads what is written there; a signal is heard all the same, and the modes are given back."""
    monkeypatch.setattr(terminal, "GIVE_UP_SECONDS", 0.01)
    outer, inner = os.openpty()
    before = termios.tcgetattr(inner)
    handler = signal.getsignal(signal.SIGTERM)
    drawn = 0
    with pytest.raises(terminal.Ended) as raised:
        with terminal.Terminal(inner, inner, False) as ours:
            assert termios.tcgetattr(inner) != before
            os.kill(os.getpid(), signal.SIGTERM)
            for drawn in range(200):
                ours.draw([[("", str(drawn) * 500)]])
            ours.woken()
    assert (raised.value.number, drawn) == (signal.SIGTERM, 199)
    assert termios.tcgetattr(inner) == before
    assert signal.getsignal(signal.SIGTERM) is handler
    os.close(inner)
    os.close(outer)


@pytest.mark.parametrize(("args", "env"), [(("--once",), {}), ((), {"TERM": "dumb"})])
def test_one_screen_as_text(server: Server, open_screen: Any, args: tuple[str, ...], env: dict[str, str]) -> None:
    screen = open_screen(*TOP, *args, "-s", str(server.folder / "gunicorn.ctl"), env=env)
    assert screen.end() == 0
    assert b"\x1b" not in screen.said
    assert b"\r\nSERVING  workers 2/2  busy " in screen.said


def test_what_runs_is_seen_in_a_pipe(server: Server) -> None:
    with server.connect() as wire:
        wire.send(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        args = [*TOP, "-s", str(server.folder / "gunicorn.ctl")]
        wait_until(lambda: b"GET /held" in subprocess.run(
            args, env=clean_environment({"COLUMNS": "100"}), capture_output=True, stdin=subprocess.DEVNULL,
            timeout=PATIENCE, check=True,
        ).stdout)
        (server.folder / "go").touch()
        assert wire.read_response().status == 200


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])
def test_in_tmux(tmp_path: Path, columns: int, rows: int) -> None:
    """As a real terminal shows it, and over a restart of the server."""
    tmux = ["tmux", "-S", str(tmp_path / "tmux"), "-u"]
    env = clean_environment({"XDG_RUNTIME_DIR": str(tmp_path)})

    def do(*args: str) -> str:
        found = subprocess.run([*tmux, *args], env=env, capture_output=True, text=True, timeout=PATIENCE, check=True)
        return found.stdout

    def picture() -> list[str]:
        return do("capture-pane", "-p").split("\n")[:rows]

    try:
        with running(tmp_path, HELLO, "-w", "2", workers=2) as first:
            path = str(tmp_path / "gunicorn.ctl")
            ready_workers(path, 2)
            do("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), *TOP, "-s", path)
            do("set-option", "status", "off")
            wait_until(lambda: "SERVING  workers 2/2" in "\n".join(picture()))
            # The last column of a line that is full, too.
            wait_until(lambda: picture()[4].endswith(" REQS" if columns == 80 else " REQS REQUEST"))
            assert picture()[0].startswith(f"gunicorn {__version__}  pid {first.pid} ")
            do("send-keys", "?")
            wait_until(lambda: "up down  choose a worker" in "\n".join(picture()))
            do("send-keys", "q")
        wait_until(lambda: "NO ANSWER" in "\n".join(picture()))
        with running(tmp_path, HELLO, "-w", "1", workers=1) as second:
            wait_until(lambda: f"was followed by {second.pid}" in "\n".join(picture()))
            wait_until(lambda: "SERVING  workers 1/1" in "\n".join(picture()))
    finally:
        do("kill-server")
