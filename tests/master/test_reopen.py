"""HUP and USR1 where something cannot be opened: the old stays in use, and one line says what is wrong."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.server import Server, is_alive
from tests.support.wait import wait_until

REFUSED = "Reload refused, the running configuration stays: "

INI = """
[loggers]
keys = root, gunicorn.error
[handlers]
keys = file
[formatters]
keys =
[logger_root]
handlers =
[logger_gunicorn.error]
qualname = gunicorn.error
level = INFO
propagate = 0
handlers = file
[handler_file]
class = FileHandler
args = ('logs/error.log',)
"""

DICTIONARY = {
    "version": 1,
    "root": {"handlers": ["file"]},
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "logs/error.log"}},
    "loggers": {"gunicorn.error": {"handlers": ["file"], "level": "INFO", "propagate": False}},
}


def break_ini(folder: Path) -> None:
    (folder / "log.conf").write_text("[loggers\nkeys = nobody")


def break_json(folder: Path) -> None:
    (folder / "log.json").write_text("{")


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def remove_logs(folder: Path) -> None:
    (folder / "logs").rename(folder / "gone")


def configure(text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with open(folder / "gunicorn.conf.py", "a") as file:
            file.write(f"\n{text}\n")
    return change


#: What the server is started with, what then goes wrong, and what the line tells.
WRONG: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "ini broken": ("logconfig = 'log.conf'", break_ini, "logconfig: "),
    "ini gone": ("logconfig = 'log.conf'", remove("log.conf"), "'log.conf' is not a file"),
    "ini, its folder": ("logconfig = 'log.conf'", remove_logs, "logconfig: .*No such file or directory"),
    "json broken": ("logconfig_json = 'log.json'", break_json, "cannot read the logging configuration"),
    "json gone": ("logconfig_json = 'log.json'", remove("log.json"), "cannot read the logging configuration"),
    "json, its folder": ("logconfig_json = 'log.json'", remove_logs, "logconfig_json: .*No such file or directory"),
    "dict": (f"logconfig_dict = {DICTIONARY}", configure("logconfig_dict = {'version': 7}"), "logconfig_dict: "),
    "dict, a class": (
        f"logconfig_dict = {DICTIONARY}",
        configure("logconfig_dict = {'version': 1, 'root': {}, 'handlers': {'x': {'class': 'no.such.Handler'}}}"),
        "logconfig_dict: ",
    ),
    "error log": ("errorlog = 'logs/error.log'", remove_logs, "Cannot open a log file: "),
    "captured": ("errorlog = 'logs/error.log'\ncapture_output = True", remove_logs, "Cannot open a log file: "),
    "access log": ("errorlog = 'logs/error.log'\naccesslog = 'logs/access.log'", configure("accesslog = 'logs'"),
                   "Cannot open a log file: "),
    "PID file": ("errorlog = 'logs/error.log'\npidfile = 'my.pid'", configure("pidfile = 'nowhere/my.pid'"),
                 "nowhere doesn't exist"),
    "PID file, a folder": ("errorlog = 'logs/error.log'\npidfile = 'my.pid'", configure("pidfile = 'logs'"), "logs"),
    "config": ("errorlog = 'logs/error.log'", configure("1 / 0"), "ZeroDivisionError"),
    "config leaves": ("errorlog = 'logs/error.log'", configure("import sys; sys.exit(0)"), r"called sys.exit\(0\)"),
    "config, no Exception": ("errorlog = 'logs/error.log'", configure("raise GeneratorExit"), "GeneratorExit"),
}


READY = "def post_worker_init(worker):\n    worker.log.info('ready to serve')\n"


def prepare(server: Server) -> None:
    (server.folder / "logs").mkdir()
    (server.folder / "log.conf").write_text(INI)
    (server.folder / "log.json").write_text(json.dumps(DICTIONARY))


def error_log(server: Server) -> Path:
    gone = server.folder / "gone" / "error.log"
    return gone if gone.exists() else server.folder / "logs" / "error.log"


def told(server: Server) -> str:
    path = error_log(server)
    return path.read_text() if path.exists() else ""


def test_a_reload_that_cannot_open_something(make_server: Serve) -> None:
    servers = {name: make_server(config=before, expect_traceback=True) for name, (before, _, _) in WRONG.items()}
    for server in servers.values():
        server.args[server.args.index("127.0.0.1:0")] = "unix:my.sock"
        prepare(server)
        server.spawn()
    for name, server in servers.items():
        wait_until(lambda server=server: "Worker ready" in told(server), what=name)
    for name, server in servers.items():
        (worker,) = server.wait_for_workers(lambda pids: len(pids) == 1)
        WRONG[name][1](server.folder)
        for nth in (1, 2):
            server.send_signal(signal.SIGHUP)
            wait_until(
                lambda server=server, nth=nth: told(server).count(REFUSED) == nth or server.exited(),
                what=lambda name=name, server=server: f"{name}: {server.log()} {told(server)}",
            )
            assert not server.exited(), (name, server.log())
        assert re.search(re.escape(REFUSED) + ".*" + WRONG[name][2], told(server)), (name, told(server))
        assert server.worker_pids() == [worker], name
        if "PID" in name:
            assert (server.folder / "my.pid").read_text() == f"{server.pid}\n"
        assert server.stop() == 0, name
        assert "Shutting down: Master" in told(server), name
        assert not (server.folder / "my.pid").exists()


def test_a_reload_that_fails_later_goes_back_to_the_old_logs_and_pid_file(serve: Serve) -> None:
    config = "errorlog = 'one.log'\naccesslog = 'a.log'\npidfile = 'one.pid'\n" + READY
    server = serve(config=config, expect_traceback=True, bind="unix:my.sock", workers=0)
    one, folder = server.folder / "one.log", server.folder
    wait_until(lambda: one.exists() and "ready to serve" in one.read_text())
    app = (folder / "app.py").read_text()
    (folder / "app.py").write_text("raise RuntimeError('broken')")
    (folder / "gunicorn.conf.py").write_text("errorlog = 'two.log'\naccesslog = 'b.log'\npidfile = 'two.pid'\n")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: "Reload failed" in (folder / "two.log").read_text() if (folder / "two.log").exists() else False)
    wait_until(lambda: not (folder / "two.pid").exists())
    assert (folder / "one.pid").read_text() == f"{server.pid}\n"
    server.send_signal(signal.SIGUSR1)
    wait_until(lambda: "Handling signal: usr1" in one.read_text())
    # Repaired, it is taken on, and nothing of the old is left open.
    (folder / "app.py").write_text(app)
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: not (folder / "one.pid").exists() and (folder / "two.pid").exists())
    workers = server.wait_for_workers(lambda pids: len(pids) == 1)
    for pid in [server.pid, *workers]:
        wait_until(lambda pid=pid: "one.log" not in files_of(pid), what=lambda pid=pid: str(files_of(pid)))
    assert server.stop() == 0


def files_of(pid: int) -> set[str]:
    found = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.add(os.path.basename(os.readlink(f"/proc/{pid}/fd/{fd}")))
            except FileNotFoundError:
                continue
    except FileNotFoundError:
        pass
    return found


LOGGING_CLASS = """
    from gunicorn.glogging import Logger

    class logger_class(Logger):
        def reopen_files(self):
            super().reopen_files()
            raise SystemError("on purpose")
"""


@pytest.mark.parametrize("config", [
    "errorlog = 'logs/error.log'\naccesslog = 'logs/access.log'",
    "errorlog = 'logs/error.log'\ncapture_output = True",
    "logconfig = 'log.conf'",
    "logconfig_json = 'log.json'",
    "errorlog = 'logs/error.log'" + LOGGING_CLASS.replace("\n    ", "\n"),
], ids=["own", "captured", "ini", "json", "class"])
def test_logs_that_cannot_be_opened_anew(config: str, make_server: Serve) -> None:
    server = make_server(config=config, bind="unix:my.sock", expect_traceback=True)
    prepare(server)
    server.spawn()
    wait_until(lambda: "Worker ready" in told(server))
    (worker,) = server.wait_for_workers(lambda pids: len(pids) == 1)
    if "logger_class" not in config:
        (server.folder / "logs").rename(server.folder / "gone")
    for _ in range(2):
        server.send_signal(signal.SIGUSR1)
    wait_until(lambda: told(server).count("not reopened") + told(server).count("Cannot open a log file") >= 2)
    assert server.worker_pids() == [worker]
    # Still written, by both.
    os.kill(worker, signal.SIGTERM)
    wait_until(lambda: "Worker exiting" in told(server))
    server.wait_for_workers(lambda pids: len(pids) == 1 and worker not in pids)
    assert "[ERROR] Worker" not in told(server)
    assert server.stop() == 0
    assert "Shutting down" in told(server)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.parametrize("config", ["errorlog = 'logs/error.log'", "logconfig = 'log.conf'"], ids=["own", "ini"])
def test_a_new_log_belongs_to_the_user(config: str) -> None:
    """As logrotate makes it: for root alone."""
    nobody = pwd.getpwnam("nobody")
    # Others may not enter pytest's own folder.
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        server = Server(Path(name), config=f"{config}\nuser = 'nobody'\ngroup = {nobody.pw_gid}\n{READY}")
        try:
            rotate(server, nobody.pw_uid)
        finally:
            server.kill()


def rotate(server: Server, user: int) -> None:
    prepare(server)
    server.spawn()
    wait_until(lambda: "ready to serve" in told(server))
    (worker,) = server.wait_for_workers(lambda pids: len(pids) == 1)
    path = server.folder / "logs" / "error.log"
    for nth in range(3):
        path.rename(path.with_suffix(f".{nth}"))
        path.touch(0o640)
        os.chown(path, 0, 0)
        server.send_signal(signal.SIGUSR1)
        stale = f"error.{nth}"
        wait_until(lambda stale=stale: not any(stale in files_of(pid) for pid in (server.pid, worker)), what=stale)
        facts = path.stat()
        assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (user, 0o640)
    assert server.worker_pids() == [worker]
    assert server.stop() == 0
    assert "Worker exiting" in path.read_text()


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("args", [(), ("--preload",), ("--reuse-port",)], ids=["plain", "preload", "reuse-port"])
def test_an_address_that_is_given_up_refuses(args: tuple[str, ...], serve: Serve) -> None:
    server = serve("import time\n" + APP, "--workers", "2", *args, bind=None, workers=2, config="bind = '127.0.0.1:0'")
    old_port = server.port
    old = server.worker_pids()
    (server.folder / "gunicorn.conf.py").write_text("bind = 'localhost:0'")
    server.send_signal(signal.SIGHUP)
    server.wait_for_workers(lambda pids: len(pids) == 2 and not set(pids) & set(old))
    wait_until(lambda: not any(map(is_alive, old)))
    wait_until(lambda: refuses(old_port), what="the end of the old address")
    for pid in server.worker_pids():
        assert len(listening(pid)) == 1
    assert len(listening(server.pid)) == (1 if "--reuse-port" not in args else 0)


APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def listening(pid: int) -> set[str]:
    """Inodes of the listening TCP sockets that a process has."""
    states: set[str] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                states.add(f"socket:[{fields[9]}]")
    return states & {name for name in files_of(pid) if name.startswith("socket:")}


def pipes_of(pid: int) -> list[str]:
    return [name for fd in os.listdir(f"/proc/{pid}/fd") if "pipe:" in (name := os.readlink(f"/proc/{pid}/fd/{fd}"))]


KINDS_OF_WORKERS = {"null", "server.log", "socket", "pipe", "anon_inode", "memfd"}


def kinds_of(pid: int) -> set[str]:
    return {re.sub(r"[:\[ (].*", "", name) for name in files_of(pid)}


def test_a_worker_has_nothing_that_only_its_master_needs(serve: Serve) -> None:
    """Of descriptors: standard streams, listener, engine (epoll and pipe), the master's pipe to be poked, stacks."""
    server = serve(APP, "--workers", "3", workers=3)
    server.get()
    for pid in server.worker_pids():
        # Both ends of the engine's and the one of the master's, once it has its engine.
        wait_until(lambda pid=pid: len(pipes_of(pid)) == 3, what=lambda pid=pid: str(pipes_of(pid)))
        # An import has a folder open for a moment.
        wait_until(lambda pid=pid: kinds_of(pid) <= KINDS_OF_WORKERS, what=lambda pid=pid: str(kinds_of(pid)))


def test_a_new_master_that_cannot_take_over_the_pid_file(serve: Serve) -> None:
    server = serve(config="pidfile = 'pids/my.pid'\nimport os\nos.makedirs('pids', exist_ok=True)")
    server.send_signal(signal.SIGUSR2)
    path = server.folder / "pids" / "my.pid.2"
    wait_until(path.exists)
    second = int(path.read_text())
    server.extra_pids.add(second)
    server.wait_for_log("Booting worker with pid", count=2)
    shutil.move(server.folder / "pids", server.folder / "gone")
    os.kill(server.pid, signal.SIGTERM)
    server.wait_for_log("The PID file stays ")
    server.wait_for_log("Master has been promoted")
    assert is_alive(second)
    port = server.port
    assert not refuses(port)
    os.kill(second, signal.SIGTERM)
    wait_until(lambda: not is_alive(second))


def test_a_worker_that_starts_is_not_ended_by_a_signal_to_all(serve: Serve) -> None:
    app = """
        import os, time

        open(f"loads-{os.getpid()}", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)

        def app(environ, start_response):
            start_response("200 OK", [("Content-Length", "2")])
            return [b"ok"]
    """
    server = serve(app)
    (worker,) = server.worker_pids()
    wait_until((server.folder / f"loads-{worker}").exists)
    server.send_signal(signal.SIGUSR1)
    server.wait_for_log("Handling signal: usr1")
    for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGUSR1):
        os.kill(worker, number)
    (server.folder / "go").touch()
    assert server.get().body == b"ok"
    assert server.worker_pids() == [worker]
