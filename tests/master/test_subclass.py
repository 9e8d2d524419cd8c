"""A master of third parties: what a subclass of `Arbiter` replaces is called when the thing happens."""

from __future__ import annotations

import os
import signal

import pytest

from tests.conftest import Serve

MASTER = '''
import sys
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter

class Mine(Arbiter):
    def _say(self, what):
        self.log.info("mine: %s", what)

METHODS = ("setup", "start", "init_signals", "spawn_worker", "kill_worker", "manage_workers", "murder_workers",
           "reap_workers", "reload", "stop", "halt", "handle_chld", "handle_hup", "handle_usr1", "handle_ttin",
           "handle_ttou", "handle_term", "handle_quit", "maybe_promote_master")

def replace(name):
    original = getattr(Arbiter, name)
    def method(self, *args, **kwargs):
        result = original(self, *args, **kwargs) if name == "setup" else None
        self._say(name)
        return result if name == "setup" else original(self, *args, **kwargs)
    setattr(Mine, name, method)

for name in METHODS:
    replace(name)

class App(WSGIApplication):
    def run(self):
        Mine(self).run()

if __name__ == "__main__":
    App("%(prog)s [OPTIONS] APP").run()
'''


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_what_is_replaced_is_called(number: signal.Signals, make_server: Serve) -> None:
    import sys

    server = make_server(command=[sys.executable, "mine.py"])
    (server.folder / "mine.py").write_text(MASTER)
    server.start()
    assert server.get().status == 200
    for name in ("setup", "start", "init_signals", "spawn_worker", "manage_workers", "murder_workers", "reap_workers"):
        server.wait_for_log(f"mine: {name}$")
    os.kill(server.pid, signal.SIGUSR1)
    server.wait_for_log("mine: handle_usr1$")
    os.kill(server.pid, signal.SIGTTIN)
    server.wait_for_log("mine: spawn_worker$", count=2)
    server.wait_for_workers(lambda pids: len(pids) == 2)
    os.kill(server.pid, signal.SIGTTOU)
    server.wait_for_log("mine: kill_worker$")
    server.wait_for_workers(lambda pids: len(pids) == 1)
    server.wait_for_log("mine: handle_chld$")
    before = set(server.worker_pids())
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_log("mine: handle_hup$")
    server.wait_for_log("mine: reload$")
    server.wait_for_workers(lambda pids: len(pids) == 1 and not before & set(pids))
    assert server.get().status == 200
    assert server.stop(number) == 0
    log = server.log()
    # At the beginning of the stop, before any worker has left.
    assert "mine: halt" in log
    ends = log.rindex("Worker exiting")
    assert log.index("mine: stop") < ends
    assert log.index("mine: handle_" + ("term" if number == signal.SIGTERM else "quit")) < log.index("mine: stop")
