"""Under steady load: signals, reloads and re-execution lose no request; a kill loses only its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.measure import Load, parse_wrk
from tests.conftest import Serve
from tests.support.proxies import need
from tests.support.server import Server, children_of, is_alive
from tests.support.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.alone]

CONNECTIONS = 64
#: Far more than any test takes under it: the load is ended, it does not end.
SECONDS = 600
#: A worker that is killed takes at most the requests it was given with it: one a connection.
LOST_BY_A_KILL = CONNECTIONS

APP = """
import os

def app(environ, start_response):
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


class Running:
    """wrk while it runs; ``result`` afterwards."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.result: Load | None = None

    @property
    def errors(self) -> int:
        assert self.result is not None
        return self.result.errors


@contextmanager
def steady_load(server: Server) -> Iterator[Running]:
    """64 keep-alive connections while the block runs."""
    wrk = need("wrk")
    process = subprocess.Popen(
        [wrk, "--latency", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--timeout", "60s", server.url + "/"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    running = Running(process)
    try:
        wait_until(lambda: established(server) >= CONNECTIONS, what="the load's connections")
        yield running
        # A while for what would be lost late.
        time.sleep(1)
        assert process.poll() is None, "the load has ended by itself"
        # It ends after what runs, and tells.
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=2 * PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 0, output
    running.result = parse_wrk(output)
    assert running.result.requests > 1000, output


def established(server: Server) -> int:
    """How many connections clients have to the server."""
    port = f":{server.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(port) and row[3] == "01" for row in rows)


def hup(server: Server) -> None:
    for _ in range(3):
        before = frozenset(server.worker_pids())
        server.send_signal(signal.SIGHUP)
        server.wait_for_workers(lambda pids, old=before: len(pids) == 2 and old.isdisjoint(pids))


def more_and_fewer(server: Server) -> None:
    for count in (3, 4):
        server.send_signal(signal.SIGTTIN)
        server.wait_for_workers(lambda pids, count=count: len(pids) == count)
    for count in (3, 2, 1):
        server.send_signal(signal.SIGTTOU)
        server.wait_for_workers(lambda pids, count=count: len(pids) == count)


def reexec(server: Server, number: int) -> None:
    """USR2 starts a second master on the same sockets; the first one is then told to go."""
    server.send_signal(signal.SIGUSR2)
    server.wait_for_log("Starting gunicorn", count=2)
    server.wait_for_log("Booting worker with pid", count=4)
    new_master = int((server.folder / "master.pid.2").read_text())
    server.extra_pids.add(new_master)
    server.extra_pids.update(children_of(new_master))
    server.send_signal(number)
    server.wait()
    assert is_alive(new_master)


CASES: list[Callable[[Server], None]] = [hup, more_and_fewer]


@pytest.mark.parametrize("action", CASES, ids=lambda action: action.__name__)
def test_no_request_is_lost(action: Callable[[Server], None], serve: Serve) -> None:
    server = serve(APP, "--workers", "2", workers=2)
    with steady_load(server) as load:
        action(server)
    assert load.errors == 0, load.result


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM], ids=lambda number: number.name)
def test_reexec_loses_nothing(number: signal.Signals, make_server: Serve) -> None:
    server = make_server(APP, "--workers", "2", "--pid", "master.pid").start(2)
    with steady_load(server) as load:
        reexec(server, number)
    assert load.errors == 0, load.result
    new_master = int((server.folder / "master.pid").read_text())
    assert new_master in server.extra_pids
    os.kill(new_master, signal.SIGTERM)
    wait_until(lambda: not is_alive(new_master), what=server.describe)
    server.check_log()


def test_a_killed_worker_loses_only_its_own(serve: Serve) -> None:
    server = serve(APP, "--workers", "2", workers=2)
    with steady_load(server) as load:
        victim = server.worker_pids()[0]
        os.kill(victim, signal.SIGKILL)
        server.wait_for_workers(lambda pids: len(pids) == 2 and victim not in pids)
    assert load.errors <= LOST_BY_A_KILL, load.result
    assert names_the_kill(server, victim), server.log()


def names_the_kill(server: Server, pid: int) -> bool:
    return any(f"{pid}" in line and "SIGKILL" in line for line in server.log_lines())


def test_recycling_under_load_loses_nothing(serve: Serve) -> None:
    server = serve(APP, "--workers", "2", "--max-requests", "2000", "--max-requests-jitter", "500", workers=2)
    with steady_load(server) as load:
        server.wait_for_log("Booting worker with pid", count=5)
    assert load.errors == 0, load.result
