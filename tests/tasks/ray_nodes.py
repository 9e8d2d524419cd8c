"""Nodes of Ray for the tests, on this machine: each is a `ray start` of its own, with all that it starts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.server import clean_environment, is_alive
from tests.support.wait import wait_until

_PROGRAM = "import sys; from ray.scripts.scripts import main; sys.exit(main())"
# Ray's own limits of time are for machines that do nothing else.
_ENV = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}


def descendants(pid: int) -> list[int]:
    """All that a process has started, and these, as far as it lives."""
    found: list[int] = []
    for line in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(line.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            child = int(line.parent.name)
            found += [child, *descendants(child)]
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Node:
    """A node with so many processors, as far as Ray knows; the first of a cluster, or one that joins `head`."""

    def __init__(self, cpus: int, head: Node | None = None) -> None:
        # Ray has sockets in there, whose paths are short.
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp")) if head is None else head.folder
        self._log = self.folder / f"node-{time.monotonic_ns()}.log"
        self._owns = head is None
        port = free_port()
        self.address = f"127.0.0.1:{port}" if head is None else head.address
        words = ["--head", f"--port={port}", f"--temp-dir={self.folder}", "--include-dashboard=false"]
        if head is not None:
            words = [f"--address={head.address}"]
        words += ["--dashboard-agent-listen-port=0", "--min-worker-port=0", "--max-worker-port=0"]
        words += [f"--num-cpus={cpus}", "--object-store-memory=100000000", "--block", "--disable-usage-stats"]
        env = clean_environment(_ENV)
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, "start", *words], env=env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, cwd=self.folder,
            )
        self._pids: set[int] = set()

    def wait(self) -> Node:
        """Wait until it runs."""
        wait_until(lambda: "Ray runtime started" in self.log() or self.process.poll() is not None, 120, self.log)
        assert self.process.poll() is None, self.log()
        # The address by which others come there is the machine's own, whatever it was asked for.
        said = re.search(r"--address='([\d.]+:\d+)'", self.log())
        if said:
            self.address = said[1]
        self._pids |= {*descendants(self.process.pid)}
        return self

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def raylet(self) -> int:
        """The process that makes it a node."""
        for pid in descendants(self.process.pid):
            if Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0].endswith(b"/raylet"):
                return pid
        raise AssertionError(self.log())

    def kill(self) -> None:
        """End all of it at once, as a machine ends that loses its power."""
        pids = [*descendants(self.process.pid), self.process.pid]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(30)
        wait_until(lambda: not any(map(is_alive, pids)))

    def close(self) -> None:
        self._pids |= {*descendants(self.process.pid)}
        if self.process.poll() is None:
            self.kill()
        for pid in self._pids:
            try:
                if is_alive(pid) and b"ray" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        if self._owns:
            shutil.rmtree(self.folder, ignore_errors=True)
