"""The control socket and its master: forks, rude clients, stops, upgrades, and where the socket cannot be had."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.master.test_signals import APP, Background
from tests.support.control import Control, ask, ready_workers
from tests.support.server import Server, is_alive
from tests.support.wait import wait_until


def control_of(server: Server, name: str = "gunicorn.ctl") -> str:
    path = str(server.folder / name)

    def listens() -> bool:
        # A file that is bound is there a moment before anybody listens.
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(path) == 0

    wait_until(listens)
    return path


def sockets_of(pid: int) -> set[str]:
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            name = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if name.startswith("socket:"):
            found.add(name)
    return found


FORKING_HOOK = """
import os, time

def child_exit(server, worker):
    if os.fork() == 0:
        with open("stray", "w") as file:
            file.write(str(os.getpid()))
        os.rename("stray", "stray.pid")
        while True:
            time.sleep(0.05)
"""


def test_no_child_has_anything_of_it(serve: Serve) -> None:
    server = serve(APP, "-w", "2", workers=2, config=FORKING_HOOK)
    path = control_of(server)
    old = ready_workers(path, 2)
    clients = [Control(path) for _ in range(10)]
    for client in clients:
        client.ask("show stats")
    listener = sockets_of(old[0])
    assert ask(path, "worker kill", old[0])["success"]
    fresh = next(pid for pid in wait_until(lambda: ready_workers(path, 2)) if pid not in old)
    assert len(sockets_of(server.pid) - listener) >= 11
    stray = server.folder / "stray.pid"
    wait_until(stray.exists)
    server.extra_pids.add(int(stray.read_text()))
    assert sockets_of(fresh) & sockets_of(server.pid) == listener & sockets_of(server.pid)
    assert not sockets_of(int(stray.read_text())) & sockets_of(server.pid)
    # So whoever is connected sees the end of the master, however it came.
    os.kill(server.pid, signal.SIGKILL)
    for client in clients:
        assert client.receive() is None
        client.socket.close()
    wait_until(lambda: not any(map(is_alive, [old[1], fresh])))
    os.kill(int(stray.read_text()), signal.SIGKILL)


def frame(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


def test_rude_clients_make_nobody_late(serve: Serve) -> None:
    server = serve(APP, "-w", "2", "--timeout", "3", workers=2)
    path = control_of(server)
    ready_workers(path, 2)
    rude = []
    for number in range(28):
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        rude.append(client)
        if number % 4 == 0:
            # One that never reads, and asks for as much as it can.
            client.setblocking(False)
            try:
                for _ in range(2000):
                    client.send(frame(b'{"command": "show config"}'))
            except BlockingIOError:
                pass
        elif number % 4 == 1:
            client.send(frame(b'{"command": "watch 0.1"}'))
        elif number % 4 == 2:
            client.send(b"\0\0\0\x40{")
        else:
            client.send(os.urandom(100))
            client.close()
    server.send_signal(signal.SIGTTIN)
    assert len(ready_workers(path, 3)) == 3
    assert ask(path, "reload --wait")["reloaded"]
    assert server.get().status == 200
    assert "TIMEOUT" not in server.log()
    for client in rude:
        client.close()


def test_the_socket_stays_until_the_last_worker_is_gone(serve: Serve) -> None:
    server = serve(APP)
    path = control_of(server)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    request = Background(server, "/sleep/30")
    server.wait_for_log("application sleeps")
    assert ask(path, "shutdown") == {"status": "shutting_down", "mode": "graceful"}
    assert ask(path, "shutdown")["mode"] == "graceful"
    stats = ask(path, "show stats")
    assert (stats["ready"], stats["workers_current"]) == (False, 1)
    assert ask(path, "show requests")["count"] == 1
    with Control(path) as client:
        assert client.ask("shutdown quick") == {"status": "shutting_down", "mode": "quick"}
        assert server.wait() == 0
        assert client.receive() is None
    assert not os.path.exists(path)
    request.result()


def test_a_stop_that_is_delayed_is_told_at_once(serve: Serve) -> None:
    server = serve(APP, "--shutdown-delay", "30")
    path = control_of(server)
    ready_workers(path, 1)
    server.send_signal(signal.SIGTERM)
    wait_until(lambda: not ask(path, "show stats")["ready"])
    assert ask(path, "shutdown")["mode"] == "graceful"
    assert ask(path, "reload --wait") == "The server is stopping"
    assert ask(path, "wait ready 0.05") == "Not ready: the server is about to stop"
    assert server.get().status == 200
    ask(path, "shutdown quick")
    assert server.wait() == 0


def test_a_server_without_workers_answers_before_it_ends(serve: Serve) -> None:
    # A daemon in its own eyes: others ignore WINCH.
    server = serve(APP, config="def on_starting(server): server.cfg.set('daemon', True)")
    path = control_of(server)
    ready_workers(path, 1)
    server.send_signal(signal.SIGWINCH)
    wait_until(lambda: not ask(path, "show workers")["count"])
    assert ask(path, "wait ready 0.05") == "Not ready: no workers are wanted"
    assert ask(path, "shutdown") == {"status": "shutting_down", "mode": "graceful"}
    assert server.wait() == 0
    assert not os.path.exists(path)


def test_an_upgrade(serve: Serve) -> None:
    server = serve(APP, "--pid", "my.pid")
    path = control_of(server)
    ready_workers(path, 1)
    server.send_signal(signal.SIGUSR2)
    second = control_of(server, "gunicorn.ctl.2")
    pid = wait_until(lambda: ask(second, "show stats")["pid"])
    server.extra_pids.add(pid)
    ready_workers(second, 1)
    assert ask(path, "show stats")["pid"] == server.pid
    assert ask(path, "shutdown")["status"] == "shutting_down"
    assert server.wait() == 0
    server.wait_for_log("Master has been promoted")
    wait_until(lambda: not os.path.exists(second))
    assert ask(path, "show stats")["pid"] == pid
    ask(path, "shutdown")
    wait_until(lambda: not is_alive(pid))
    assert not os.path.exists(path)


def test_two_servers_of_one_user(serve: Serve, tmp_path: Path) -> None:
    run = tmp_path / "run"
    env = {"XDG_RUNTIME_DIR": str(run)}
    first, second = serve(env=env), serve(env=env)
    assert ask(run / "gunicorn.ctl", "show stats")["pid"] == first.pid
    assert ask(run / f"gunicorn.{second.pid}.ctl", "show stats")["pid"] == second.pid
    assert stat.S_IMODE(run.stat().st_mode) == 0o700

    def run_client() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gunicorn.control", "-c", "show stats"]
        return subprocess.run(command, env=first.env, capture_output=True, text=True)

    several = run_client()
    assert (several.returncode, several.stdout) == (1, "")
    assert f"gunicornc -s {run}/gunicorn.{second.pid}.ctl" in several.stderr
    first.stop()
    one = run_client()
    assert one.returncode == 0
    assert f"PID:              {second.pid}" in one.stdout


@pytest.mark.parametrize(
    ("args", "env", "line"),
    [
        ((), {"XDG_RUNTIME_DIR": "/proc/nothing"}, r"\[DEBUG\] No control socket: .*"),
        ((), {"XDG_RUNTIME_DIR": "/tmp/" + "x" * 120}, r"\[DEBUG\] No control socket: .*107 are possible"),
        (("--control-socket", "/proc/nothing/s"), {}, r"\[ERROR\] No control socket: .*"),
        (("--no-control-socket",), {}, None),
    ],
)
def test_where_there_cannot_be_one(args: tuple[str, ...], env: dict[str, str], line: str | None, serve: Serve) -> None:
    server = serve(APP, "--log-level", "debug", *args, env=env)
    assert server.get().status == 200
    assert len(re.findall(line or "No control socket", server.log())) == (line is not None)
    assert "Control socket listening" not in server.log()
    assert not (server.folder / "gunicorn.ctl").exists()


def test_others_may_use_it_and_are_named(serve: Serve) -> None:
    server = serve(APP, "--control-socket-mode", "0666", "--control-socket", "my.ctl")
    path = control_of(server, "my.ctl")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
    ask(path, "show stats")
    ask(path, "worker add")
    match = server.wait_for_log(r"Control: '(.*)' by user (\d+), process (\d+)")
    assert match.groups() == ("worker add", str(os.getuid()), str(os.getpid()))
    assert server.log().count("Control: ") == 1


def test_it_moves_with_the_configuration(serve: Serve) -> None:
    server = serve(APP, config="control_socket = 'one.ctl'")
    control_of(server, "one.ctl")
    (server.folder / "gunicorn.conf.py").write_text("control_socket = 'two.ctl'")
    server.send_signal(signal.SIGHUP)
    assert ask(control_of(server, "two.ctl"), "show stats")["pid"] == server.pid
    assert not (server.folder / "one.ctl").exists()


def test_a_reload_that_fails_is_told(serve: Serve) -> None:
    server = serve(APP, expect_traceback=True)
    path = control_of(server)
    ready_workers(path, 1)
    (server.folder / "version").write_text("broken")
    answer = ask(path, "reload --wait 60")
    assert re.fullmatch(r"Reload failed: the old workers stay: worker \(pid:\d+\) .*", answer)
    assert ask(path, "show stats")["reload_problem"] in answer
    assert server.get().body == b"one"
