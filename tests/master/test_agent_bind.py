"""A real server at `agent_bind`, through its life."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from tests.conftest import Serve
from tests.master.test_metrics import SLOW_BOOT
from tests.support.control import ask
from tests.support.server import HELLO, is_alive
from tests.support.wait import PATIENCE, wait_until


def told(path: Path) -> str:
    """The line; empty where nobody answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        try:
            client.connect(str(path))
        except OSError:
            return ""
        line = b""
        while data := client.recv(1000):
            line += data
    assert line.endswith(b"\n")
    return line.decode()[:-1]


def test_the_life_of_a_server(serve: Serve, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    config = f"agent_bind = 'unix:{first}'\nshutdown_delay = 60\n"
    server = serve(SLOW_BOOT, config=config)
    assert told(first) == "down #no worker is ready yet"
    (server.folder / "go").touch()
    wait_until(lambda: told(first) == "up ready 100%")
    control = server.folder / "gunicorn.ctl"
    ask(control, "drain on")
    assert told(first) == "drain"
    ask(control, "drain off")
    assert told(first) == "up ready 100%"
    (server.folder / "gunicorn.conf.py").write_text(config.replace("first", "second"))
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: not first.exists() and told(second) == "up ready 100%")
    server.send_signal(signal.SIGTERM)
    wait_until(lambda: told(second) == "drain")
    assert server.stop(signal.SIGINT) == 0
    assert not second.exists()


def test_an_upgrade_hands_it_over(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "agent"
    server = serve(HELLO, "--agent-bind", f"unix:{path}")
    wait_until(lambda: told(path) == "up ready 100%")
    (worker,) = server.worker_pids()
    server.send_signal(signal.SIGUSR2)
    server.wait_for_log("Worker ready", count=2)
    (young,) = [pid for pid in server.worker_pids() if pid != worker]
    server.extra_pids.add(young)
    assert "no setting belongs" not in server.log()
    server.send_signal(signal.SIGTERM)
    server.wait()
    assert told(path) == "up ready 100%"
    os.kill(young, signal.SIGTERM)
    wait_until(lambda: not is_alive(young))
