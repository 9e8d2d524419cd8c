"""Programs that make load of their own beside wrk, and are told what to do line by line."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from benchmarks import environment
from benchmarks.measure import LOAD_CPU, Load, ServerFailed

OPENING_SECONDS = 120.0
PATIENCE_SECONDS = 60.0


class WebSockets(NamedTuple):
    """The load of a WebSocket scenario."""

    #: echo, broadcast, idle: see websocket_load.c
    mode: str
    connections: int
    size: int = 64
    opcode: str = "text"

    def command(self, port: int) -> list[str]:
        program = str(environment.WEBSOCKET_LOAD)
        return [program, self.mode, str(port), str(self.connections), str(self.size), self.opcode]


class SlowClients(NamedTuple):
    """The slow clients of a scenario, kinds with their counts: see slow_clients.py."""

    kinds: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.kinds)

    def command(self, port: int) -> list[str]:
        # They need little of the core they share with wrk, and may wait for it: nobody measures them.
        program = ["nice", "-n", "10", sys.executable, str(Path(__file__).with_name("slow_clients.py"))]
        return [*program, str(port), *(f"{name}:{count}" for name, count in self.kinds)]


class Companion:
    """A running load program; leaving the context ends it."""

    def __init__(self, command: list[str]) -> None:
        self.popen = subprocess.Popen(
            ["taskset", "--cpu-list", str(LOAD_CPU), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self._rest = b""
        #: Connections that it opened.
        self.opened = 0

    def __enter__(self) -> Companion:
        try:
            self.opened = int(self._answer("ready", OPENING_SECONDS)[0])
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def ask(self, command: str, expected: str, seconds: float = 0.0) -> list[str]:
        """Send a line; the words of the answer after the expected first one."""
        assert self.popen.stdin
        try:
            self.popen.stdin.write(command.encode() + b"\n")
            self.popen.stdin.flush()
        except OSError:
            raise ServerFailed(self._last_words()) from None
        return self._answer(expected, seconds + PATIENCE_SECONDS)

    def _answer(self, expected: str, seconds: float) -> list[str]:
        words = self._line(seconds).split()
        if words[:1] != [expected]:
            raise ServerFailed(f"the load said {' '.join(words)!r}")
        return words[1:]

    def _line(self, seconds: float) -> str:
        assert self.popen.stdout
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.popen.stdout], [], [], seconds)
            part = os.read(self.popen.stdout.fileno(), 4096) if ready else b""
            if not ready:
                raise ServerFailed(f"the load said nothing for {seconds:g} s")
            if not part:
                raise ServerFailed(self._last_words())
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def _last_words(self) -> str:
        self.popen.kill()
        _, errors = self.popen.communicate()
        return errors.decode(errors="replace").strip() or "the load ended and said nothing"

    def _end(self) -> None:
        if self.popen.stdin and not self.popen.stdin.closed:
            self.popen.stdin.close()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(5)
        for stream in (self.popen.stdout, self.popen.stderr):
            if stream:
                stream.close()


def run_websockets(load: Companion, seconds: float) -> Load:
    messages, took, p50, p99, errors = load.ask(f"run {seconds}", "result", seconds)
    return Load(int(messages), float(took), float(p50) / 1e3, float(p99) / 1e3, int(errors))
