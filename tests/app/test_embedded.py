"""A server within a bigger program, and what its failing leaves behind."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import clean_environment

PROGRAM = '''
import os, signal, sys, threading
from gunicorn.app.base import BaseApplication

def mine(number, frame):
    pass

class Embedded(BaseApplication):
    def load_config(self):
        for word in sys.argv[1:]:
            name, _, value = word.partition("=")
            self.cfg.set(name, FAILING.get(value, value))
    def load(self):
        return lambda environ, start_response: None

def failing(server):
    raise ZeroDivisionError("on purpose")

FAILING = {"failing": failing, "failing-2": lambda server, worker: failing(server)}

NUMBERS = [signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, signal.SIGTERM, signal.SIGTTIN, signal.SIGTTOU,
           signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGCHLD]
signal.signal(signal.SIGTERM, mine)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
me = os.getpid()
reader, writer = os.pipe()
os.set_blocking(writer, False)
signal.set_wakeup_fd(writer)
before = [signal.getsignal(number) for number in NUMBERS]
for _ in range(2):
    try:
        Embedded().run()
    except BaseException as error:
        if os.getpid() != me:
            raise
        print(type(error).__name__, getattr(error, "code", ""))
assert [signal.getsignal(number) for number in NUMBERS] == before
assert signal.set_wakeup_fd(writer) == writer
assert not os.path.exists("pid"), "a PID file is left"
os.kill(os.getpid(), signal.SIGTERM)
assert os.read(reader, 10) == bytes([signal.SIGTERM])
print("done")
'''


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (["bind=127.0.0.1:{taken}"], "SystemExit 1"),
        (["bind=127.0.0.1:0", "when_ready=failing"], "ZeroDivisionError "),
        (["bind=127.0.0.1:0", "on_starting=failing"], "ZeroDivisionError "),
        (["bind=127.0.0.1:0", "pre_fork=failing-2"], "SystemExit -1"),
        (["bind=127.0.0.1:0", "pidfile=/nowhere/pid"], "SystemExit 1"),
        (["bind=127.0.0.1:0", "post_worker_init=failing"], "SystemExit 3"),
    ],
    ids=["address", "when-ready", "on-starting", "pre-fork", "pid-file", "boot"],
)
def test_a_run_that_fails_leaves_signals_as_they_were(words: list[str], end: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [word.format(taken=taken.getsockname()[1]) for word in words]
        done = subprocess.run([sys.executable, "program.py", *words], cwd=tmp_path, env=clean_environment(),
                              timeout=120, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [end, end, "done"], done.stderr
