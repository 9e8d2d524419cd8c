"""Trouble under steady load, with real servers of each worker type.

`make chaos` runs it. ``CHAOS_SECONDS`` is how long each case lasts (2), ``CHAOS_RATE`` the requests a second (1000),
``CHAOS_PYTHON`` another interpreter, whose installed server is put through the same and only reported on. A line a case
goes to standard output (``-s``): requests answered, repeated and lost, the longest time without an answer, and what
memory and descriptors became.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import load
from tests.conftest import Serve
from tests.support.server import Server, children_of, is_alive, is_parking
from tests.support.wait import wait_until
from tests.tls.conftest import Authority

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SECONDS = float(os.environ.get("CHAOS_SECONDS", "2"))
RATE = float(os.environ.get("CHAOS_RATE", "1000"))
OTHER = os.environ.get("CHAOS_PYTHON")

WSGI = """
import os
if os.path.exists("broken"):
    raise RuntimeError("this version is broken")
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, World!"]
"""
ASGI = """
import os
if os.path.exists("broken"):
    raise RuntimeError("this version is broken")
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"13")]})
    await send({"type": "http.response.body", "body": b"Hello, World!"})
"""
TYPES: dict[str, tuple[str, list[str]]] = {
    "sync": (WSGI, []),
    "gthread": (WSGI, ["--threads", "4"]),
    "asgi": (ASGI, ["-k", "asgi"]),
}
for _name in ("gevent", "eventlet", "tornado"):
    try:
        __import__(f"gunicorn.workers.g{_name}", fromlist=["x"])
    except (ImportError, AttributeError, RuntimeError):
        continue
    TYPES[_name] = (WSGI, ["-k", _name])

ALL = pytest.mark.parametrize("kind", TYPES)


class Chaos:
    """A server under load, and what is measured of it."""

    def __init__(self, server: Server, name: str, count: int, tls: bool = False) -> None:
        self.server = server
        # Workers a master.
        self.count = count
        self.name = name
        self.port = server.port
        self.flags = ["tls"] if tls else []
        self.reports: list[dict[str, Any]] = []

    def masters(self) -> list[int]:
        return [pid for pid in (self.server.pid, *self.server.extra_pids) if is_alive(pid)]

    def workers(self) -> list[int]:
        found = [pid for master in self.masters() for pid in children_of(master) if pid not in self.masters()]
        return [pid for pid in found if not is_parking(pid)]

    def measure(self) -> tuple[int, int, int]:
        """(memory of all processes in KiB, descriptors of the master, the most descriptors of a worker)."""
        memory, counts = 0, []
        for pid in self.masters() + self.workers():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                memory += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
                counts.append(len(os.listdir(f"/proc/{pid}/fd")))
            except (FileNotFoundError, ProcessLookupError):
                continue
        # Nothing is left of a server that has ended.
        return memory, counts[0] if counts else 0, max(counts[1:], default=0)

    def settled(self) -> tuple[int, int, int]:
        """Measured when every client is gone, and every worker that is on its way out."""
        looks: list[object] = []

        def is_quiet() -> bool:
            looks.append((self.workers(), self.measure()[1:]))
            time.sleep(0.25)
            return len(looks) > 1 and looks[-1] == looks[-2] and len(self.workers()) == self.count * len(self.masters())

        if OTHER:
            time.sleep(0.5)
        else:
            wait_until(is_quiet, what="an end of coming and going")
        return self.measure()

    def under_load(self, trouble: Callable[[float], None], seconds: float = SECONDS) -> dict[str, Any]:
        """Make trouble (it is given the end) while clients ask; what they report."""
        before = self.settled()
        command = [sys.executable, load.__file__, "127.0.0.1", str(self.port), str(RATE), str(seconds + 1), *self.flags]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
            assert clients.stdout is not None
            try:
                clients.stdout.readline()
                trouble(time.monotonic() + seconds)
                output = clients.stdout.read()
            finally:
                clients.kill()
        report: dict[str, Any] = json.loads(output)
        after = self.settled()
        report["memory_kib"] = (before[0], after[0])
        report["descriptors"] = (before[1:], after[1:])
        print(f"\n{self.name}: {report}")
        return report


@pytest.fixture
def chaos(make_server: Serve, request: pytest.FixtureRequest) -> Iterator[Callable[..., Chaos]]:
    made: list[Server] = []

    def start(kind: str, *args: str, workers: int = 2, tls: bool = False, **options: Any) -> Chaos:
        app, flags = TYPES[kind]
        if OTHER:
            options["command"] = [OTHER, "-m", "gunicorn"]
        server = make_server(app, *flags, "-w", str(workers), "--graceful-timeout", "10", *args, **options)
        if OTHER:
            server.env.pop("PYTHONPATH", None)
        server.start(workers)
        made.append(server)
        return Chaos(server, request.node.name, workers, tls)

    yield start
    for server in made:
        if not server.exited():
            server.send_signal(signal.SIGTERM)


def check(report: dict[str, Any], lost: int = 0, growth: int = 4096) -> None:
    """Nothing was lost but what is allowed, and nothing has grown."""
    if OTHER:
        return
    assert sum(report["lost"].values()) <= lost, report
    assert report["answered"] > 100
    before, after = report["memory_kib"]
    assert after < before * 1.5 + growth, report
    (master, worker), (master_after, worker_after) = report["descriptors"]
    assert master_after <= master + 1, report
    assert worker_after <= worker + 1, report


@ALL
def test_hup_every_second(chaos: Callable[..., Chaos], kind: str) -> None:
    scene = chaos(kind)

    def trouble(end: float) -> None:
        while time.monotonic() < end:
            scene.server.send_signal(signal.SIGHUP)
            time.sleep(1.0)

    check(scene.under_load(trouble))


@ALL
def test_hup_rolling(chaos: Callable[..., Chaos], kind: str) -> None:
    if OTHER:
        pytest.skip("not a feature of the other server")
    scene = chaos(kind, "--reload-strategy", "rolling")

    def trouble(end: float) -> None:
        while time.monotonic() < end:
            scene.server.send_signal(signal.SIGHUP)
            time.sleep(1.0)

    check(scene.under_load(trouble))


@ALL
def test_usr2(chaos: Callable[..., Chaos], kind: str) -> None:
    scene = chaos(kind, "--pid", "g.pid")
    server = scene.server
    second = server.folder / "g.pid.2"

    def trouble(end: float) -> None:
        server.send_signal(signal.SIGUSR2)
        wait_until(lambda: second.exists() and second.read_text(), what="the second PID file")
        new = int(second.read_text())
        server.extra_pids.add(new)
        wait_until(lambda: len(children_of(new)) >= 2, what="the workers of the new master")
        time.sleep(1.0)
        server.send_signal(signal.SIGTERM)
        server.wait()

    report = scene.under_load(trouble)
    (new,) = server.extra_pids
    server.extra_pids |= set(children_of(new))
    if not OTHER:
        assert report["lost"] == {}, report
    os.kill(new, signal.SIGTERM)
    wait_until(lambda: not is_alive(new), what="the end of the new master")


@ALL
def test_killed_workers(chaos: Callable[..., Chaos], kind: str) -> None:
    scene = chaos(kind)
    killed = 0

    def trouble(end: float) -> None:
        nonlocal killed
        while time.monotonic() < end or not killed:
            workers = scene.workers()
            if len(workers) >= 2:
                os.kill(workers[killed % len(workers)], signal.SIGKILL)
                killed += 1
            time.sleep(0.7)

    report = scene.under_load(trouble)
    # Each client may have been inside the killed worker, once for its connection and once anew.
    check(report, lost=killed * load.CLIENTS)
    assert killed


@ALL
def test_recycled_workers(chaos: Callable[..., Chaos], kind: str) -> None:
    scene = chaos(kind, "--max-requests", "300", "--max-requests-jitter", "100")
    check(scene.under_load(lambda end: time.sleep(max(0.0, end - time.monotonic()))))


@ALL
def test_code_broken_and_mended(chaos: Callable[..., Chaos], kind: str) -> None:
    scene = chaos(kind)
    scene.server.expect_traceback = True
    broken = scene.server.folder / "broken"

    def trouble(end: float) -> None:
        while time.monotonic() < end:
            broken.touch()
            scene.server.send_signal(signal.SIGHUP)
            time.sleep(0.7)
            broken.unlink()
            scene.server.send_signal(signal.SIGHUP)
            time.sleep(0.7)

    check(scene.under_load(trouble))


@ALL
def test_the_logs_disk_is_full(chaos: Callable[..., Chaos], kind: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    scene = chaos(kind, "--access-logfile", "/dev/full")
    check(scene.under_load(lambda end: time.sleep(max(0.0, end - time.monotonic()))))


@ALL
def test_error_log_on_a_small_disk(chaos: Callable[..., Chaos], kind: str, tmp_path: Path) -> None:
    """Both logs on a file system that is soon full; when there is room again, lines come again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True
    ).returncode == 0
    if not mounted:
        pytest.skip("mounting is not permitted")
    try:
        scene = chaos(kind, "--access-logfile", str(disk / "access.log"))

        def trouble(end: float) -> None:
            time.sleep(max(0.0, end - time.monotonic()))

        check(scene.under_load(trouble))
        assert (disk / "access.log").stat().st_size > 32768
        os.truncate(disk / "access.log", 0)
        report = scene.under_load(lambda end: None, seconds=1)
        if not OTHER:
            assert report["lost"] == {}
            assert (disk / "access.log").stat().st_size > 0, "lines come again"
        scene.server.send_signal(signal.SIGTERM)
        scene.server.wait()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@ALL
def test_few_descriptors(chaos: Callable[..., Chaos], kind: str) -> None:
    """Workers are left with a handful of descriptors, and get them back."""
    scene = chaos(kind)

    def trouble(end: float) -> None:
        while time.monotonic() < end:
            for pid in scene.workers():
                count = len(os.listdir(f"/proc/{pid}/fd"))
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (count + 1, 4096))
            time.sleep(0.6)
            for pid in scene.workers():
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (4096, 4096))
            time.sleep(0.6)

    check(scene.under_load(trouble))


@ALL
def test_suspended_workers(chaos: Callable[..., Chaos], kind: str) -> None:
    scene = chaos(kind)

    def trouble(end: float) -> None:
        number = 0
        while time.monotonic() < end:
            workers = scene.workers()
            pid = workers[number % len(workers)]
            number += 1
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.4)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.3)

    check(scene.under_load(trouble))


@ALL
def test_new_certificates(chaos: Callable[..., Chaos], kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    folder.mkdir()
    authority = Authority(folder)
    authority.issue("one", "localhost")
    authority.issue("two", "localhost")
    live, key = folder / "live.pem", folder / "live.key"

    def install(name: str) -> None:
        for target, suffix in ((live, "pem"), (key, "key")):
            draft = target.with_suffix(".new")
            shutil.copy(folder / f"{name}.{suffix}", draft)
            draft.rename(target)

    install("one")
    scene = chaos(kind, "--certfile", str(live), "--keyfile", str(key), tls=True)

    def trouble(end: float) -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            install("two" if number % 2 else "one")
            if number % 3 == 0:
                scene.server.send_signal(signal.SIGHUP)
            time.sleep(0.8)

    check(scene.under_load(trouble), growth=16384)
