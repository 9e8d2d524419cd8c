"""Real servers, and what they take at `control_bind`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Serve
from tests.master.scrape import face_of as metrics_of
from tests.support.server import HELLO, Server, is_alive
from tests.support.wait import wait_until
from tests.support.wire import Address, Response, request


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """A file with the token, for servers that are given its path."""
    path = tmp_path / "token"
    path.write_text("sesame\n")
    path.chmod(0o600)
    return path


def control_of(server: Server, count: int = 1) -> Address:
    found = server.wait_for_log(r"Control interface at: (?:http://127\.0\.0\.1:(\d+)|unix:(\S+))", count=count)
    return found[2] or ("127.0.0.1", int(found[1]))


def get(face: Address, path: str) -> Response:
    return request(face, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())


def data_of(face: Address, path: str) -> Any:
    response = get(face, path)
    assert response.status == 200
    return response.json()


def post(face: Address, path: str, body: Any = None, token: str = "sesame") -> Response:
    content = json.dumps(body).encode() if body is not None else b""
    return request(face, (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    ).encode() + content)


def pids(face: Address) -> list[int]:
    rows = data_of(face, "/workers")["workers"]
    return [row["pid"] for row in rows if row["phase"] == "ready"]


def test_through_the_life_of_a_server(serve: Serve, token: Path) -> None:
    server = serve(HELLO, "--control-bind", "127.0.0.1:0", "--control-token-file", str(token))
    face = control_of(server)
    (first,) = wait_until(lambda: pids(face))
    assert "sync.py" in data_of(face, f"/stacks/{first}")["stacks"]
    assert get(face, "/").get("Content-Type") == "text/html; charset=utf-8"
    # What changes something.
    assert post(face, "/workers", {"add": 1}, token="wrong").status == 401
    assert post(face, "/workers", {"add": 1}).json() == {"added": 1, "previous": 1, "total": 2}
    wait_until(lambda: len(pids(face)) == 2)
    assert post(face, f"/workers/{first}/kill").json() == {"success": True, "killed": first}
    wait_until(lambda: len(pids(face)) == 2 and first not in pids(face))
    assert post(face, "/drain", {"on": True}).json() == {"draining": True, "ready": False}
    assert data_of(face, "/stats")["not_ready_because"] == "drained by a command"
    assert post(face, "/drain", {"on": False}).json() == {"draining": False, "ready": True}
    assert post(face, "/reload", {"wait": 30}).json() == {"status": "reloaded", "reloaded": True}
    assert post(face, "/profile", {"seconds": 0.1}).json()["seconds"] == 0.1
    assert post(face, "/shutdown").json() == {"status": "shutting_down", "mode": "graceful"}
    assert server.wait() == 0
    assert "Control: 'worker add 1' by 127.0.0.1:" in server.log()
    assert "sesame" not in server.log()


def test_one_port_for_both_and_viewers_in_a_reload(serve: Serve, tmp_path: Path, token: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    lines = f"control_token_file = {str(token)!r}\nmetrics_bind = 'unix:{old}'\n"
    server = serve(HELLO, config=lines + f"control_bind = 'unix:{old}'")
    wait_until(lambda: get(str(old), "/readyz").status == 200)
    assert data_of(str(old), "/stats")["workers_target"] == 1
    assert post(str(old), "/reopen", token="wrong").status == 401
    with socket.socket(socket.AF_UNIX) as viewer:
        viewer.connect(str(old))
        viewer.settimeout(30)
        viewer.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: b"id: 2" in viewer.recv(1 << 20))
        # A reload that changes nothing here is no reason to cut anybody; one that changes what is served is.
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: b"Reload done" in viewer.recv(1 << 20))
        (server.folder / "gunicorn.conf.py").write_text(lines + f"control_bind = 'unix:{new}'")
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: viewer.recv(1 << 20) == b"")
    server.wait_for_log("Reload done", count=2)
    assert data_of(str(new), "/stats")["workers_target"] == 1
    assert get(str(old), "/readyz").status == 200
    assert get(str(old), "/stats").status == 404
    # One that fails leaves all as it was, the token among it.
    token.write_text("another")
    (server.folder / "gunicorn.conf.py").write_text(
        lines + f"control_bind = 'unix:{old}'\npidfile = {str(tmp_path / 'none' / 'there')!r}"
    )
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("Reload refused")
    assert get(str(old), "/stats").status == 404
    assert post(str(new), "/drain", {"on": False}).status == 200
    # A token that cannot be had is none to go on with.
    token.chmod(0o644)
    (server.folder / "gunicorn.conf.py").write_text(lines + f"control_bind = 'unix:{new}'")
    server.send_signal(signal.SIGHUP)
    server.wait_for_log(r"Reload refused.*control_token_file = .* chmod 600")
    token.chmod(0o600)
    assert post(str(new), "/reload", {"wait": 30}).json()["reloaded"]
    assert post(str(new), "/drain", {"on": False}).status == 401
    assert post(str(new), "/drain", {"on": False}, token="another").status == 200
    (server.folder / "gunicorn.conf.py").write_text("")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: not new.exists() and not old.exists())


def test_an_upgrade_hands_it_over_and_workers_have_nothing_of_it(serve: Serve) -> None:
    server = serve(HELLO, "--control-bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0")
    # The same address is the same port, be it any.
    face = control_of(server)
    assert metrics_of(server) == face
    (worker,) = wait_until(lambda: pids(face))
    # It lets go of the others when it begins; here it may just have been forked.
    server.wait_for_log("Worker ready")
    links = {os.readlink(f"/proc/{worker}/fd/{fd}") for fd in os.listdir(f"/proc/{worker}/fd") if fd != "3"}
    mine = {link for link in links if link.startswith("socket:")}
    assert len(mine) <= 1, "that of the application alone"
    server.send_signal(signal.SIGUSR2)
    server.wait_for_log("Worker ready", count=2)
    (young,) = [pid for pid in server.worker_pids() if pid != worker]
    server.extra_pids.add(young)
    assert "no setting belongs" not in server.log()
    assert data_of(face, "/stats")["pid"] == server.pid
    server.send_signal(signal.SIGTERM)
    server.wait()
    assert wait_until(lambda: data_of(face, "/stats"))["pid"] == young
    assert get(face, "/readyz").status == 200
    assert post(face, "/reload").json()["error"].startswith("Set control_token_file")
    os.kill(young, signal.SIGTERM)
    wait_until(lambda: not is_alive(young))


@pytest.mark.parametrize(("make", "told"), [
    (lambda path: None, "No such file"), (lambda path: path.write_text("a b"), "one word"),
    (lambda path: path.mkdir(), "not a regular file"),
])
def test_a_token_that_cannot_be_had(make_server: Serve, tmp_path: Path, make: Any, told: str) -> None:
    path = tmp_path / "token"
    make(path)
    if path.is_file():
        path.chmod(0o600)
    server = make_server(HELLO, "--control-bind", "127.0.0.1:0", "--control-token-file", str(path)).spawn()
    assert server.wait() == 1
    assert f"control_token_file = {str(path)!r}" in server.log()
    assert told in server.log()
    assert "Booting" not in server.log()


def test_what_a_plain_server_does_not_load() -> None:
    names = "gunicorn.control.control_face", "hmac"
    code = f"import sys, gunicorn.arbiter; print(*(set({names}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

