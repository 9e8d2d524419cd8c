"""Reading the kernel's accounts of a process tree, and running wrk."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

SERVER_CPU, LOAD_CPU = 0, 1


class Load(NamedTuple):
    """What wrk saw."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def process_tree(pid: int) -> list[int]:
    """The process and all its living descendants."""
    pids = [pid]
    for each in pids:
        for thread in threads_of(each):
            try:
                pids.extend(map(int, Path(f"/proc/{each}/task/{thread}/children").read_text().split()))
            except OSError:
                pass
    return pids


def threads_of(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def cpu_seconds(pid: int) -> float:
    """CPU time of every thread of the tree so far; schedstat counts nanoseconds, stat only ticks."""
    total = 0
    for each in process_tree(pid):
        for thread in threads_of(each):
            try:
                total += int(Path(f"/proc/{each}/task/{thread}/schedstat").read_text().split()[0])
            except (OSError, IndexError):
                pass
    return total / 1e9


def pss_bytes(pid: int) -> int:
    """Proportional set size of the tree: shared pages are counted once."""
    total = 0
    for each in process_tree(pid):
        try:
            match = re.search(
                r"^Pss:\s+(\d+) kB", Path(f"/proc/{each}/smaps_rollup").read_text(), re.MULTILINE
            )
        except OSError:
            continue
        total += int(match[1]) * 1024 if match else 0
    return total


class ServerFailed(Exception):
    """A server that did not come up; the text is its last line."""


class Unreachable(ServerFailed):
    """A server that takes no connection in reasonable time."""


#: wrk connects first and has no limit for that.
CONNECT_SECONDS = 20


class Process:
    """A measured server: started on one core, ended with everything it forked."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: Path, log: Path, cpus: set[int]) -> None:
        self.log = log
        self.started = time.monotonic()
        with open(log, "wb") as out:
            self.popen = subprocess.Popen(
                ["taskset", "--cpu-list", ",".join(map(str, sorted(cpus))), *command],
                env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    def wait_ready(self, port: int, tls: bool = False, deadline: float = 20.0) -> float:
        """Seconds from exec to the first complete answer."""
        context = ssl._create_unverified_context() if tls else None
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            if self.popen.poll() is not None:
                raise ServerFailed(self.last_line())
            connection = connection_to(port, context)
            try:
                connection.request("GET", "/", headers={"Connection": "close"})
                response = connection.getresponse()
                response.read()
                if response.status != 200:
                    raise ServerFailed(f"status {response.status}: {self.last_line()}")
                return time.monotonic() - self.started
            except (OSError, http.client.HTTPException):
                time.sleep(0.001)
            finally:
                connection.close()
        raise ServerFailed(f"no answer in {deadline:g} s: {self.last_line()}")

    def last_line(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        pids = process_tree(self.pid)
        if self.popen.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + 3
        while time.monotonic() < end and (self.popen.poll() is None or any(map(exists, pids[1:]))):
            time.sleep(0.01)
        for pid in pids:
            if pid != self.pid and exists(pid) and os.getsid(pid) == self.pid:
                os.kill(pid, signal.SIGKILL)
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait(10)


class Crowd:
    """A busy loop on either core, which takes from whoever is there half of the time, and its caches."""

    def __enter__(self) -> Crowd:
        loop = [sys.executable, "-c", "numbers = list(range(100000))\nwhile True: sum(numbers)"]
        self._loops = [
            subprocess.Popen(["taskset", "--cpu-list", str(cpu), *loop], stdin=subprocess.DEVNULL)
            for cpu in (SERVER_CPU, LOAD_CPU)
        ]
        return self

    def __exit__(self, *exc_info: object) -> None:
        for process in self._loops:
            process.kill()
            process.wait()


def connection_to(port: int, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    if context is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)


def exists(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def milliseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if not match:
        raise ValueError(text)
    return float(match[1]) * UNITS[match[2]]


def run_wrk(
    url: str,
    connections: int,
    seconds: float,
    arguments: list[str],
    threads: int = 1,
    cpus: set[int] | None = None,
) -> Load:
    command = [
        "taskset", "--cpu-list", ",".join(map(str, sorted(cpus or {LOAD_CPU}))), "wrk", "--latency",
        "-t", str(threads), "-c", str(connections), "-d", f"{max(1, round(seconds))}s", "--timeout", "10s",
        *arguments, url,
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            timeout=seconds + CONNECT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Unreachable(f"wrk could not connect in {CONNECT_SECONDS} s") from None
    if done.returncode != 0:
        raise ServerFailed(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    return parse_wrk(done.stdout)


def run_h2load(url: str, connections: int, streams: int, seconds: float, arguments: list[str]) -> Load:
    """As `run_wrk`, by HTTP/2; the times are the mean and the longest, h2load tells no others."""
    command = [
        "taskset", "--cpu-list", str(LOAD_CPU), "h2load", "-t", "1", "-c", str(connections), "-m", str(streams),
        "-D", str(max(1, round(seconds))), *arguments, url,
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            timeout=seconds + CONNECT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Unreachable(f"h2load did not end in {CONNECT_SECONDS} s") from None
    if done.returncode != 0:
        raise ServerFailed(f"h2load: {done.stderr.strip() or done.stdout.strip()}")
    return parse_h2load(done.stdout)


def parse_h2load(text: str) -> Load:
    if "Application protocol: h2\n" not in text:
        raise ServerFailed("it did not agree on HTTP/2")
    took = re.search(r"^finished in ([\d.]+(?:us|ms|s|m)),", text, re.MULTILINE)
    counted = re.search(
        r"^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text, re.MULTILINE
    )
    times = re.search(r"^time for request:\s+(\S+)\s+(\S+)\s+(\S+)", text, re.MULTILINE)
    if not (took and counted and times):
        raise ServerFailed(f"h2load printed no figures: {text!r}")
    succeeded, *failed = map(int, counted.groups())
    return Load(
        succeeded, milliseconds(took[1]) / 1e3, milliseconds(times[3]), milliseconds(times[2]), sum(failed)
    )


def parse_wrk(text: str) -> Load:
    total = re.search(r"(\d+) requests in ([\d.]+(?:us|ms|s|m)),", text)
    p50 = re.search(r"^\s+50%\s+(\S+)", text, re.MULTILINE)
    p99 = re.search(r"^\s+99%\s+(\S+)", text, re.MULTILINE)
    if not (total and p50 and p99):
        raise ServerFailed(f"wrk printed no figures: {text!r}")
    errors = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Load(
        int(total[1]),
        milliseconds(total[2]) / 1e3,
        milliseconds(p50[1]),
        milliseconds(p99[1]),
        errors + (int(bad[1]) if bad else 0),
    )
