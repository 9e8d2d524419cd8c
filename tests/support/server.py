"""Real server processes for the tests: start, look at, signal, stop; each test ends only what it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import Address, Response, Wire, get

REPOSITORY = Path(__file__).resolve().parents[2]

HELLO = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, World!"]
"""

LISTENING = re.compile(r"Listening at: (https?)://127\.0\.0\.1:(\d+)")
LISTENING_UNIX = re.compile(r"Listening at: (?:\w+://)?unix:(\S+)")
BOOTED = "Booting worker with pid"
INHERITED_SETTINGS = (
    "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "PORT", "SENDFILE", "LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET",
)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a server: ours, without settings from outside, with the checkout importable."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GUNICORN_") or name == "GUNICORN_PURE"
    }
    for name in INHERITED_SETTINGS:
        env.pop(name, None)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    env["PYTHONUNBUFFERED"] = "1"
    env.update(extra or {})
    return env


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def halt(pid: int) -> None:
    """Stop a process by SIGSTOP, and wait until none of its threads runs: the signal says so before it is true."""
    os.kill(pid, signal.SIGSTOP)
    threads = Path(f"/proc/{pid}/task")
    wait_until(lambda: all(
        thread.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "T" for thread in threads.iterdir()
    ), what=f"a halt of {pid}")


@contextmanager
def halted(pid: int) -> Iterator[None]:
    """A process that does not run while this is open."""
    halt(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def children_of(pid: int) -> list[int]:
    """The living children of a process, oldest first."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [child for child in map(int, text.split()) if is_alive(child)]


def is_parking(pid: int) -> bool:
    """Whether it is the process of parked connections, which comes when a server has much to do (by its title: the
    library for that is among those of the tests)."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"gunicorn: parking ")
    except (FileNotFoundError, ProcessLookupError):
        return False


class Server:
    """One server under test, in a folder of its own.

    ``app`` is the source of a module ``app.py`` with a callable ``app``; ``config`` the text of its
    ``gunicorn.conf.py``; ``args`` are put on the command line. Both streams go into ``server.log``.
    """

    def __init__(
        self,
        folder: Path,
        app: str = HELLO,
        *args: str,
        config: str | None = None,
        env: Mapping[str, str] | None = None,
        target: str | None = "app:app",
        bind: str | None = "127.0.0.1:0",
        python_args: Sequence[str] = (),
        command: Sequence[str] | None = None,
        pass_fds: Sequence[int] = (),
        expect_traceback: bool = False,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "app.py").write_text(textwrap.dedent(app))
        if config is not None:
            (folder / "gunicorn.conf.py").write_text(textwrap.dedent(config))
        self.log_path = folder / "server.log"
        self.expect_traceback = expect_traceback
        self.args = [
            *(command or [sys.executable, *python_args, "-m", "gunicorn"]),
            *(["--bind", bind] if bind else []),
            *args,
            *([target] if target else []),
        ]
        # A test that is held up between two requests of a connection shall find it open. Control sockets of servers
        # that run side by side are not to meet.
        ours = {"GUNICORN_KEEPALIVE": str(int(PATIENCE)), "XDG_RUNTIME_DIR": str(folder)}
        self.env = clean_environment({**ours, **(env or {})})
        self.pass_fds = pass_fds
        self.process: subprocess.Popen[bytes] | None = None
        self.extra_pids: set[int] = set()

    # Life.

    def spawn(self) -> Server:
        """Start the process and do not wait for anything."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.args,
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self.pass_fds,
                start_new_session=True,
            )
        return self

    def start(self, workers: int = 1, deadline: float = PATIENCE) -> Server:
        """Start, and wait until it listens and ``workers`` workers have announced themselves."""
        self.spawn()
        wait_until(lambda: self.log().count(BOOTED) >= workers or self.exited(), deadline, self.describe)
        assert not self.exited(), f"the server ended at once:\n{self.log()}"
        return self

    def exited(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None

    def wait(self, deadline: float = PATIENCE) -> int:
        """Wait for the end and return the exit code (negative: the signal)."""
        assert self.process is not None
        wait_until(self.exited, deadline, self.describe)
        assert self.process.returncode is not None
        return self.process.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def stop(self, number: int = signal.SIGTERM, deadline: float = PATIENCE) -> int:
        """Signal the master, wait for the end of it and its workers, check the log, return the exit code."""
        workers = self.worker_pids()
        if not self.exited():
            self.send_signal(number)
        code = self.wait(deadline)
        wait_until(lambda: not any(map(is_alive, workers)), deadline, self.describe)
        self.check_log()
        return code

    def kill(self) -> None:
        """End everything of this server that still lives, without ceremony."""
        if self.process is None:
            return
        pids = [*self.worker_pids(), *self.extra_pids, self.pid]
        for pid in reversed(pids):
            if is_alive(pid) and (pid == self.pid or os.getsid(pid) == self.pid or pid in self.extra_pids):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.process.wait(PATIENCE)

    # What it says.

    def describe(self) -> str:
        return f"{' '.join(self.args)} with this log:\n{self.log()}\n: what was waited for"

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_lines(self) -> list[str]:
        return self.log().splitlines()

    def wait_for_log(self, pattern: str, deadline: float = PATIENCE, count: int = 1) -> re.Match[str]:
        """Wait until the expression has matched ``count`` times; returns the last of these matches."""
        compiled = re.compile(pattern, re.MULTILINE)

        def nth() -> re.Match[str] | None:
            hits = list(compiled.finditer(self.log()))
            return hits[count - 1] if len(hits) >= count else None

        found = wait_until(nth, deadline, lambda: f"{pattern!r} (x{count}) in the log\n{self.log()}")
        assert found is not None
        return found

    def check_log(self) -> None:
        # A client may not notice that a worker crashed and was replaced.
        assert "SIGSEGV" not in self.log(), self.log()
        if not self.expect_traceback:
            assert "Traceback (most recent call last)" not in self.log(), self.log()

    # Where it is.

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def port(self) -> int:
        match = self.wait_for_log(LISTENING.pattern)
        return int(match[2])

    @property
    def address(self) -> Address:
        unix = LISTENING_UNIX.search(self.log())
        return unix[1] if unix else ("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        match = self.wait_for_log(LISTENING.pattern)
        return f"{match[1]}://127.0.0.1:{match[2]}"

    def worker_pids(self) -> list[int]:
        """The living children of the master but for the place of parked connections."""
        return [pid for pid in children_of(self.pid) if not is_parking(pid)] if self.process else []

    def wait_for_workers(self, condition: Callable[[list[int]], bool], deadline: float = PATIENCE) -> list[int]:
        """Wait until the list of the living workers' pids satisfies ``condition`` and return it."""
        pids: list[int] = []

        def satisfied() -> bool:
            pids[:] = self.worker_pids()
            return condition(pids)

        wait_until(satisfied, deadline, self.describe)
        return pids

    # Talking to it.

    def connect(self, timeout: float = PATIENCE) -> Wire:
        return Wire(self.address, timeout)

    def get(self, path: str = "/", *fields: str, timeout: float = PATIENCE) -> Response:
        return get(self.address, path, *fields, timeout=timeout)

    def serves(self, path: str = "/") -> bool:
        """Whether a request is answered 200; to be waited for where workers are ended for being late, which on a loaded
        machine the next one may be as well."""
        try:
            return self.get(path).status == 200
        except (OSError, AssertionError):
            return False


@contextmanager
def running(
    folder: Path, app: str = HELLO, *args: str, workers: int = 1, **options: object
) -> Iterator[Server]:
    """A started server that is stopped by SIGTERM at the end, and killed when the block or the stop fails."""
    server = Server(folder, app, *args, **options)  # type: ignore[arg-type]
    try:
        yield server.start(workers)
        if not server.exited():
            server.stop()
    finally:
        server.kill()


