"""What a master tells of its workers is true for every worker type, and what it tells them reaches them."""

from __future__ import annotations

from tests.conftest import Serve
from tests.master.test_signals import APP, Background
from tests.support.control import ask, ready_workers
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.workers.kinds import GREENLETS, everywhere


def look_into(server: Server) -> None:
    path = server.folder / "gunicorn.ctl"
    (pid,) = ready_workers(path, 1)
    (row,) = ask(path, "show workers")["workers"]
    assert (row["booted"], row["phase"]) == (True, "ready")
    request = Background(server, "/sleep/1")
    (running,) = wait_until(lambda: ask(path, "show requests")["requests"])
    assert (running["pid"], running["line"]) == (pid, "GET /sleep/1")
    stacks = ask(path, "show stacks", pid)["stacks"]
    # A greenlet that waits is on the stack of no thread.
    is_greenlet = any(kind in server.args for kind in GREENLETS)
    assert ("in run" if is_greenlet else "in app") in stacks
    assert request.result() == b"one"
    assert ask(path, "worker restart", pid)["restarting"] == [pid]
    wait_until(lambda: pid not in server.worker_pids())


def test_each_worker_type(make_server: Serve) -> None:
    everywhere(make_server, look_into, APP)
