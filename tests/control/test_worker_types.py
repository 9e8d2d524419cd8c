"""What a master tells of its workers is true for every worker type, and what it tells them reaches them."""

from __future__ import annotations

from tests.conftest import Serve
from tests.master.test_signals import Background
from tests.support.control import ask, ready_workers
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.workers.kinds import GREENLETS, everywhere

APP = """
    import os, time

    def app(environ, start_response):
        while not os.path.exists("go"):
            time.sleep(0.02)
        start_response("200 OK", [("Content-Length", "3")])
        return [b"one"]
"""


def look_into(server: Server) -> None:
    path = server.folder / "gunicorn.ctl"
    (pid,) = ready_workers(path, 1)
    (row,) = ask(path, "show workers")["workers"]
    assert (row["booted"], row["phase"]) == (True, "ready")
    request = Background(server, "/held")
    (running,) = wait_until(lambda: ask(path, "show requests")["requests"])
    assert (running["pid"], running["line"]) == (pid, "GET /held")
    # A greenlet that waits is on the stack of no thread. All take a moment to come to where they wait.
    is_greenlet = any(kind in server.args for kind in GREENLETS)
    where = "in run" if is_greenlet else "in app"
    wait_until(lambda: where in ask(path, "show stacks", pid)["stacks"])
    profile = ask(path, "profile", "all", "0.3")
    assert [(row["pid"], row["problem"]) for row in profile["workers"]] == [(pid, None)]
    seen = [stack for stack in profile["stacks"] if ":app" in stack]
    assert is_greenlet or seen, profile
    (server.folder / "go").touch()
    assert request.result() == b"one"
    assert ask(path, "worker restart", pid)["restarting"] == [pid]
    wait_until(lambda: pid not in server.worker_pids())


def test_each_worker_type(make_server: Serve, kinds: list[str]) -> None:
    everywhere(make_server, kinds, look_into, APP)
