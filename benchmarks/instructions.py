"""Counting the instructions of a worker with valgrind's callgrind: how many each request takes.

The figure is that of user space, of one worker that answers one request after the other and waits in between. How busy
the machine is does not matter, and the same tree repeats it to a hundredth of a percent. `instructions.c` runs in
the server for it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import single
from benchmarks.environment import APPS, INSTRUCTIONS
from benchmarks.measure import ServerFailed, process_tree
from benchmarks.scenarios import BROWSER_FIELDS
from benchmarks.single import Connect

#: Requests before anything is looked at, which fill the caches of server and application; and those after callgrind
#: has begun to look, which have it translate what is run.
WARM_UP, FIRST = 300, 20
PATIENCE_SECONDS = 120.0

CONFIGURATION = APPS / "counted.py"
ASGI = ("--worker-class", "asgi", "--asgi-loop", "asyncio")
OCTETS = "Content-Type: application/octet-stream"
KIBIBYTE = b"u" * 1024
FLASK = ("flask", "werkzeug")
FASTAPI = ("fastapi", "starlette", "pydantic", "pydantic-core")


class Counted(NamedTuple):
    """A scenario: what is served, how one asks, and how often."""

    name: str
    title: str
    app: str
    client: Connect
    options: tuple[str, ...] = ()
    #: The distributions whose instructions are in the figure.
    packages: tuple[str, ...] = ()
    requests: int = 1000
    #: Requests each time that one asks.
    at_once: int = 1


SCENARIOS = (
    Counted("hello", "WSGI, kept alive", "wsgi:hello", single.kept()),
    Counted("hello32", "WSGI, 32 connections at once", "wsgi:hello", single.crowd(32), at_once=32),
    Counted("browser", "WSGI, a browser's request", "wsgi:hello", single.kept(*BROWSER_FIELDS)),
    Counted("close", "WSGI, Connection: close", "wsgi:hello", single.closing()),
    Counted("post", "WSGI, a body of 1 KiB, echoed", "wsgi:upload", single.kept(OCTETS, method="POST", body=KIBIBYTE)),
    Counted("flask", "Flask, a JSON answer", "flask_json:app", single.kept(), packages=FLASK),
    Counted("asgi", "ASGI, kept alive", "asgi:hello", single.kept(), ASGI),
    Counted("asgi32", "ASGI, 32 connections at once", "asgi:hello", single.crowd(32), ASGI, at_once=32),
    Counted("fastapi", "FastAPI, a JSON answer", "fastapi_json:app", single.kept(), ASGI, FASTAPI, 500),
    Counted("websocket", "WebSocket, 64 octets of text, echoed", "asgi:websocket_echo", single.Echoed, ASGI),
    Counted("http2", "WSGI, HTTP/2 without TLS", "wsgi:hello", single.Streams,
            ("--http2-cleartext", "prior-knowledge")),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def count(scenario: Counted, tree: Path, layout: int = 0, profile: Path | None = None) -> float:
    """Instructions a request of the server in `tree`, with this Python.

    `layout`: the number of one of many ways in which its objects lie in memory. The profile is copied to the path
    given. Raises ServerFailed where the server does not come up, or answers otherwise than expected.
    """
    with TemporaryDirectory(prefix="count.") as folder:
        server = Server(scenario, tree, layout, Path(folder))
        try:
            server.wait_ready()
            with closing(scenario.client(server.socket)) as client:
                times = scenario.requests // scenario.at_once
                total = server.count(client.ask, times)
            if profile:
                profile.parent.mkdir(parents=True, exist_ok=True)
                profile.write_bytes(server.profile().read_bytes())
            return total / (times * scenario.at_once)
        except OSError as error:
            raise ServerFailed(f"{error}: {server.last_line()}") from error
        finally:
            server.kill()


class Server:
    """A gunicorn with one worker, under callgrind."""

    def __init__(self, scenario: Counted, tree: Path, layout: int, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "socket"
        self._log = folder / "log"
        self._parts = 0
        self._worker = 0
        command = [
            "valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no",
            f"--callgrind-out-file={folder}/profile.%p", sys.executable, "-m", "gunicorn",
            "--config", str(CONFIGURATION), "--bind", f"unix:{self.socket}", "--log-level", "warning",
            "--no-control-socket", *scenario.options, scenario.app,
        ]
        with open(self._log, "wb") as log:
            self._popen = subprocess.Popen(
                command, env=environment_of(tree, layout), cwd=APPS, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Until somebody accepts, in a worker that has loaded its application."""
        self._wait(self._accepts, "nobody listened")
        # A connection is accepted by the kernel; who answers it is there.
        with closing(single.Kept(self.socket, single.request())) as client:
            client.ask()
        workers = process_tree(self._popen.pid)[1:]
        if len(workers) != 1:
            raise ServerFailed(f"{len(workers)} processes beside the master")
        self._worker = workers[0]

    def count(self, ask: Callable[[], None], requests: int) -> int:
        """Instructions of so many requests."""
        self._repeat(ask, WARM_UP)
        self._signal(signal.SIGRTMIN)
        self._repeat(ask, FIRST)
        self._mark()
        self._repeat(ask, requests)
        return self._mark()

    def profile(self) -> Path:
        """The last count, for `callgrind_annotate`."""
        return self.folder / f"profile.{self._worker}.{self._parts}"

    def last_line(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def kill(self) -> None:
        """Without a stop, in which callgrind would still be counting."""
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def _mark(self) -> int:
        """The instructions since the last mark."""
        self._signal(signal.SIGRTMIN + 1)
        self._parts += 1
        self._wait(lambda: total_of(self.profile()) is not None, "callgrind wrote nothing down")
        return total_of(self.profile()) or 0

    def _repeat(self, ask: Callable[[], None], times: int) -> None:
        for _ in range(times):
            self._rest()
            ask()

    def _signal(self, number: int) -> None:
        self._rest()
        os.kill(self._worker, number)

    def _rest(self) -> None:
        """Until the worker waits: nothing of a request is left to do, and the next one does not come into it."""
        self._wait(lambda: state_of(self._worker) == "S", "the worker was not at rest")

    def _accepts(self) -> bool:
        try:
            single.connect(self.socket).close()
        except OSError:
            return False
        return True

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if self._popen.poll() is not None or time.monotonic() > end:
                raise ServerFailed(f"{otherwise}: {self.last_line()}")
            time.sleep(0.0005)


def total_of(profile: Path) -> int | None:
    """The instructions in a file of callgrind's; None while it is not written to its end."""
    try:
        match = re.search(r"^totals: (\d+)\n", profile.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) if match else None


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def environment_of(tree: Path, layout: int) -> dict[str, str]:
    """A process environment that is the same everywhere; each variable more moves what is allocated after it."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {
        "LD_PRELOAD": str(INSTRUCTIONS), "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8",
        **{f"LAYOUT_{i}": "" for i in range(layout * 7)},
    }
