"""As in a container: the first process of its namespace, on a root that cannot be written, without a home."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.server import Server, children_of, is_alive
from tests.support.wait import wait_until

APP = """
import os, subprocess
def app(environ, start_response):
    if environ["PATH_INFO"] == "/orphan":
        # What is left behind by its parent belongs to the first process.
        subprocess.run(["sh", "-c", "sleep 0.2 & echo"], stdout=subprocess.DEVNULL)
    body = b"%d %d" % (os.getppid(), len(environ["wsgi.input"].read()))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--mount"]
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run")


def may_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_unshare(), reason="new namespaces are not permitted"),
]


def contained(make_server: Serve, *args: str, before: str = "") -> tuple[Server, int]:
    """A server in namespaces of its own, and the PID of its master as we see it."""
    script = f'{before} exec {sys.executable} -m gunicorn "$@"'
    server = make_server(APP, *args, command=[*UNSHARE, "sh", "-c", script, "sh"])
    del server.env["HOME"]
    server.start()
    (master,) = children_of(server.pid)
    server.extra_pids.add(master)
    return server, master


def zombies(pid: int) -> list[str]:
    names = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [name for name in names if not is_alive(int(name))]


@pytest.mark.parametrize("kind", [("-k", "sync"), ("-k", "gthread"), ("-k", "gevent"), ("-k", "asgi")], ids=" ".join)
def test_the_first_process(kind: tuple[str, ...], make_server: Serve) -> None:
    server, master = contained(make_server, *kind)
    assert server.get("/orphan").body == b"1 0"
    (worker,) = (pid for pid in children_of(master) if "gunicorn" in Path(f"/proc/{pid}/cmdline").read_text())
    wait_until(lambda: children_of(master) == [worker] and not zombies(master), what="the orphan to be buried")
    os.kill(master, signal.SIGHUP)
    wait_until(lambda: worker not in children_of(master) and children_of(master), what="another worker")
    assert server.get().body == b"1 0"
    os.kill(master, signal.SIGTERM)
    assert server.wait() == 0
    assert "[ERROR]" not in server.log()
    server.check_log()


def test_a_root_that_cannot_be_written(make_server: Serve) -> None:
    read_only = "mount -o remount,ro,bind /;" + "".join(
        f"mount --bind {place} {place} && mount -o remount,ro,bind {place};" for place in PLACES if Path(place).is_dir()
    )
    server, master = contained(make_server, before=f"{read_only} touch /tmp/written 2>/dev/null && exit 9;")
    assert server.get().body == b"1 0"
    assert "WARNING" not in server.log()
    for size, status in ((1_000_000, 200), (3_000_000, 507)):
        with server.connect() as wire:
            wire.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size)
            assert wire.read_response().status == status
    server.wait_for_log("No room in tmp_upload_dir for a request body")
    os.kill(master, signal.SIGTERM)
    assert server.wait() == 0
    server.check_log()
