"""What the service manager is told, and the program behind ExecReload=."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.unix import resources
from tests.conftest import Serve
from tests.master.test_signals import APP
from tests.support.server import REPOSITORY, Server, children_of, clean_environment, is_alive
from tests.support.wait import PATIENCE, wait_until


class Manager:
    """The other end of sd_notify(3)."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.heard: list[str] = []

    def listen(self, seconds: float = 0.0) -> str:
        """Everything heard so far, having listened for so long."""
        end = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                self.heard.append(self.socket.recv(4096).decode())
            except TimeoutError:
                if time.monotonic() >= end:
                    return "\n".join(self.heard)

    def wait_for(self, pattern: str) -> str:
        def found() -> re.Match[str] | None:
            return re.search(pattern, self.listen(), re.MULTILINE)

        match = wait_until(found, what=lambda: f"{pattern!r} in {self.heard}")
        assert match is not None
        return match[0]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


def reload_command(server: Server, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gunicorn.systemd", "reload", str(server.pid), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=clean_environment(),
                          cwd=REPOSITORY)


def test_from_the_start_to_the_stop(serve: Serve, manager: Manager) -> None:
    server = serve(APP, "-w", "2", env={"NOTIFY_SOCKET": manager.path}, workers=2)
    manager.wait_for(rf"READY=1\nMAINPID={server.pid}\nSTATUS=2 workers ready")
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    server.send_signal(signal.SIGHUP)
    stamp = int(manager.wait_for(r"^RELOADING=1\nMONOTONIC_USEC=\d+").rpartition("=")[2])
    assert before <= stamp / 1e6 + 1e-6
    assert stamp / 1e6 <= time.clock_gettime(time.CLOCK_MONOTONIC)
    manager.wait_for(r"READY=1\nSTATUS=Reloaded")
    server.stop()
    manager.wait_for("STOPPING=1")


def test_a_failed_reload_can_be_seen(serve: Serve, manager: Manager) -> None:
    server = serve(APP, env={"NOTIFY_SOCKET": manager.path}, expect_traceback=True)
    manager.wait_for("READY=1")
    assert reload_command(server).returncode == 0
    (server.folder / "version").write_text("broken")
    done = reload_command(server)
    assert done.returncode == 1
    assert "Reload failed: the old workers stay: worker (pid:" in done.stderr
    manager.wait_for(r"READY=1\nSTATUS=Reload failed, the old workers stay: worker \(pid:\d+\) failed to boot")
    assert server.get().body == b"one"
    (server.folder / "version").write_text("two")
    assert reload_command(server).returncode == 0
    # The old worker has been told to leave, and may still serve who comes until it has.
    server.wait_for_workers(lambda pids: len(pids) == 1)
    assert server.get().body == b"two"


def test_a_refused_configuration_can_be_seen(serve: Serve) -> None:
    server = serve(APP, config="workers = 1\n")
    (server.folder / "gunicorn.conf.py").write_text("workers = 'many'\n")
    done = reload_command(server)
    assert done.returncode == 1
    assert "workers = 'many'" in done.stderr


def test_nobody_to_reload() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    command = [sys.executable, "-m", "gunicorn.systemd"]
    for words, code in ((["reload", str(child.pid)], 1), (["reload"], 2), (["start", "1"], 2)):
        done = subprocess.run([*command, *words], capture_output=True, text=True, cwd=REPOSITORY, timeout=PATIENCE)
        assert done.returncode == code, done.stderr


def test_the_watchdog_hears_of_life_only_while_a_worker_serves(serve: Serve, manager: Manager) -> None:
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"}
    server = serve(APP, env=env)
    manager.wait_for("WATCHDOG=1")
    (worker,) = server.worker_pids()
    # No worker comes up any more.
    (server.folder / "version").write_text("broken")
    server.expect_traceback = True
    os.kill(worker, signal.SIGKILL)
    server.wait_for_log("Worker .* exited with code", count=1)
    manager.listen(0.3)
    manager.heard.clear()
    assert "WATCHDOG=1" not in manager.listen(1.0)
    (server.folder / "version").write_text("mended")
    manager.wait_for("WATCHDOG=1")


def test_the_watchdog_of_another_process(serve: Serve, manager: Manager) -> None:
    serve(APP, env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"})
    manager.wait_for("READY=1")
    assert "WATCHDOG=1" not in manager.listen(0.5)


def test_a_hand_over_is_no_stop(serve: Serve, manager: Manager) -> None:
    server = serve(APP, "--pid", "g.pid", env={"NOTIFY_SOCKET": manager.path})
    manager.wait_for("READY=1")
    server.send_signal(signal.SIGUSR2)
    second = server.folder / "g.pid.2"
    wait_until(lambda: second.exists() and second.read_text(), what="the second PID file")
    new = int(second.read_text())
    server.extra_pids.add(new)
    manager.wait_for(f"MAINPID={new}")
    server.extra_pids |= set(children_of(new))
    manager.heard.clear()
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert f"MAINPID={new}" in manager.listen(0.5)
    assert "STOPPING" not in manager.listen()
    os.kill(new, signal.SIGTERM)
    wait_until(lambda: not is_alive(new), what="the end of the new master")
    manager.wait_for("STOPPING=1")


def test_a_successor_that_ends_gives_the_service_back(serve: Serve, manager: Manager) -> None:
    server = serve(APP, "--pid", "g.pid", env={"NOTIFY_SOCKET": manager.path})
    manager.wait_for("READY=1")
    server.send_signal(signal.SIGUSR2)
    second = server.folder / "g.pid.2"
    wait_until(lambda: second.exists() and second.read_text(), what="the second PID file")
    new = int(second.read_text())
    server.extra_pids.add(new)
    manager.wait_for(f"MAINPID={new}")
    manager.heard.clear()
    os.kill(new, signal.SIGTERM)
    server.wait_for_log("The new master .* ended with 0")
    manager.wait_for(f"READY=1\nMAINPID={server.pid}")


def test_shutdown_delay_is_told_at_once(serve: Serve, manager: Manager) -> None:
    server = serve(APP, "--shutdown-delay", "4", env={"NOTIFY_SOCKET": manager.path})
    manager.wait_for("READY=1")
    server.send_signal(signal.SIGTERM)
    manager.wait_for(r"STOPPING=1\nSTATUS=Stopping soon, still serving")
    assert server.get().status == 200
    assert server.wait() == 0


class TestResources:
    @staticmethod
    def tree(root: Path, group: str, files: dict[str, str]) -> str:
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/cgroup").write_text(group)
        for name, text in files.items():
            path = root / "sys/fs/cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return str(root)

    @pytest.mark.parametrize(
        ("files", "wanted"),
        [
            ({}, 8),
            ({"a/b/cpu.max": "max 100000\n"}, 8),
            ({"a/b/cpu.max": "150000 100000\n"}, 2),
            ({"a/cpu.max": "50000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1),
            ({"a/b/cpu.max": "9900000 100000\n"}, 8),
            ({"a/b/cpu.max": "nonsense\n"}, 8),
        ],
    )
    def test_quota_of_version_2(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], wanted: int
    ) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
        assert resources.processors(self.tree(tmp_path, "0::/a/b\n", files)) == wanted

    def test_version_1(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
        root = self.tree(tmp_path, "3:memory:/x\n4:cpu,cpuacct:/x\n", {
            "cpu/x/cpu.cfs_quota_us": "250000\n", "cpu/x/cpu.cfs_period_us": "100000\n",
            "memory/x/memory.limit_in_bytes": "268435456\n", "memory/memory.limit_in_bytes": "9223372036854771712\n",
        })
        assert resources.processors(root) == 3
        assert resources.memory_limit(root) == 268435456
        assert resources.automatic_workers(True, root) == 4, "64 MiB for each"

    def test_what_a_type_gets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
        root = self.tree(tmp_path, "0::/\n", {"memory.max": "max\n"})
        assert resources.automatic_workers(True, root) == 5
        assert resources.automatic_workers(False, root) == 2
        (tmp_path / "sys/fs/cgroup/memory.max").write_text("1000\n")
        assert resources.automatic_workers(True, root) == 1

    def test_the_flag(self, serve: Serve) -> None:
        wanted = resources.automatic_workers(True)
        server = serve(APP, "--workers", "auto", workers=wanted)
        server.wait_for_log(rf"Using workers: {wanted} \(auto\)")
        assert len(server.worker_pids()) == wanted

    def test_own_memory(self) -> None:
        used = resources.proportional_memory(os.getpid())
        assert used is None or 1 << 20 < used < 1 << 34
        assert resources.proportional_memory(2**22 + 1) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs unshare(1)")
class TestContainers:
    def test_as_pid_1(self, make_server: Serve) -> None:
        """In a PID namespace of its own: orphans are reaped, signals work."""
        probe = subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True)
        if probe.returncode:
            pytest.skip("no PID namespaces here")
        app = """
            import os, subprocess
            def app(environ, start_response):
                # The grandchild outlives its parent and falls to PID 1.
                subprocess.run(["sh", "-c", "sleep 0.2 & echo $!"], stdout=subprocess.DEVNULL)
                body = f"{os.getppid()}".encode()
                start_response("200 OK", [("Content-Length", str(len(body)))])
                return [body]
        """
        command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-m", "gunicorn"]
        server = make_server(app, command=command).start()
        assert server.get().body == b"1"
        (master,) = children_of(server.pid)
        server.extra_pids.add(master)
        # The orphan has ended, and nothing is left of it.
        wait_until(lambda: len(children_of(master)) == 1 and not zombies_of(master), what="the orphan's end")
        (worker,) = children_of(master)
        os.kill(master, signal.SIGHUP)
        wait_until(lambda: len(children_of(master)) == 1 and children_of(master) != [worker], what="a new worker")
        os.kill(master, signal.SIGTERM)
        assert server.wait() == 0
        assert "Traceback" not in server.log()

    def test_a_read_only_root_and_no_home(self, make_server: Serve, tmp_path: Path) -> None:
        probe = subprocess.run(["unshare", "--mount", "mount", "-o", "remount,ro,bind", "/"], capture_output=True)
        if probe.returncode:
            pytest.skip("no mount namespaces here")
        read_only = "mount --make-rprivate / && mount --bind / /mnt && mount -o remount,ro,bind /mnt"
        script = f'{read_only} && exec chroot /mnt "$@"'
        inside = f'cd {tmp_path}/server0 && exec env -u HOME {sys.executable} -B -m gunicorn "$@"'
        command = ["unshare", "--mount", "sh", "-c", script, "sh", "sh", "-c", inside, "sh"]
        server = make_server(APP, command=command).start()
        assert server.get().body == b"one"
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("Booting worker", count=2)
        assert server.get().body == b"one"
        assert server.stop() == 0


def zombies_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[0] == "Z" and int(fields[1]) == pid:
                found.append(int(entry.name))
    return found

