"""Starting: exit codes, PID file, hooks, sockets handed over, preload, reloading of source files."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.server import HELLO, REPOSITORY, Server
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import get


@pytest.fixture
def fail(make_server: Serve) -> Serve:
    """Start a server that is expected to end by itself; the server, ended."""

    def start(app: str = HELLO, *args: str, **options: object) -> Server:
        server = make_server(app, *args, expect_traceback=True, **options)
        server.spawn()
        server.wait()
        return server

    return start


def code(server: Server) -> int:
    assert server.process is not None
    return server.process.returncode


@pytest.mark.parametrize("worker_class", ["sync", pytest.param("gevent", marks=pytest.mark.slow)])
def test_closed_standard_streams(make_server: Serve, worker_class: str) -> None:
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "gunicorn"]
    app = """
        import os, sys
        def app(environ, start_response):
            print("printed"), print("printed", file=sys.stderr), environ["wsgi.errors"].write("printed")
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [",".join(os.readlink(f"/proc/self/fd/{fd}") for fd in range(3)).encode()]
    """
    server = make_server(app, "-k", worker_class, "--access-logfile", "-", command=closed, bind="unix:s.sock")
    server.spawn()
    path = server.folder / "s.sock"
    wait_until(lambda: path.exists() or server.exited(), what="the socket")
    assert get(str(path), "/").body == b"/dev/null,/dev/null,/dev/null"
    assert server.stop() == 0


def test_a_path_by_the_name_of_the_old_master(serve: Serve) -> None:
    server = serve(HELLO, "--pid", "own.pid", env={"GUNICORN_PID": "/run/own.pid"})
    assert (server.folder / "own.pid").read_text() == f"{server.pid}\n"
    assert server.get().status == 200


class TestBootFailures:
    @pytest.mark.parametrize(
        ("app", "target", "status", "reason"),
        [
            ("raise RuntimeError('boom')", "app:app", 3, "Worker failed to boot."),
            ("", "nomodule:app", 3, "Worker failed to boot."),
            ("", "app:nothing", 4, "App failed to load."),
            ("app = 5", "app:app", 4, "App failed to load."),
        ],
    )
    def test_exit_codes(self, fail: Serve, app: str, target: str, status: int, reason: str) -> None:
        server = fail(app, target=target)
        assert code(server) == status
        assert f"[ERROR] Reason: {reason}" in server.log()
        assert "[ERROR] Shutting down: Master" in server.log()

    def test_the_applications_traceback_is_shown_without_ours(self, fail: Serve) -> None:
        log = fail("def deep():\n    raise RuntimeError('boom')\ndeep()\n").log()
        assert "RuntimeError: boom" in log
        assert "in deep" in log
        assert "/gunicorn/" not in log

    @pytest.mark.parametrize("hook", ["post_fork", "post_worker_init"])
    def test_a_failing_hook_of_the_worker_is_a_failed_boot(self, fail: Serve, hook: str) -> None:
        parameters = "server, worker" if hook == "post_fork" else "worker"
        server = fail(config=f"def {hook}({parameters}):\n    raise RuntimeError('in the hook')\n")
        assert code(server) == 3
        assert "RuntimeError: in the hook" in server.log()

    @pytest.mark.parametrize(("hook", "status"), [("on_starting", 1), ("when_ready", 1), ("pre_fork", 255)])
    def test_a_failing_hook_of_the_master_ends_the_start(self, fail: Serve, hook: str, status: int) -> None:
        parameters = "server, worker" if hook == "pre_fork" else "server"
        server = fail(config=f"def {hook}({parameters}):\n    raise RuntimeError('in the hook')\n")
        assert code(server) == status
        assert "in the hook" in server.log()

    def test_preload(self, fail: Serve) -> None:
        server = fail("raise ValueError('boom')", "--preload")
        assert code(server) == 1
        assert "ValueError: boom" in server.log()
        assert "Booting" not in server.log()

    def test_a_taken_port(self, fail: Serve) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            server = fail(bind=f"127.0.0.1:{taken.getsockname()[1]}")
        assert code(server) == 1
        assert server.log().count("Connection in use") == 5
        assert "Can't connect to" in server.log()

    def test_a_port_that_becomes_free(self, make_server: Serve) -> None:
        # At an address that nothing else uses, so that nobody takes the port in between.
        with socket.create_server(("127.0.0.9", 0)) as taken:
            address = taken.getsockname()
            server = make_server(bind=f"127.0.0.9:{address[1]}")
            server.spawn()
            server.wait_for_log("Connection in use")
        server.wait_for_log("Booting worker")
        assert get(address, "/").status == 200

    @pytest.mark.parametrize("bind", ["unix:/nowhere/at/all", "unix:app.py", "fd://77", "192.0.2.77:0"])
    def test_what_cannot_be_listened_at(self, fail: Serve, bind: str) -> None:
        server = fail(bind=bind)
        assert code(server) == 1
        assert "[ERROR]" in server.log()
        assert "Traceback" not in server.log()
        assert (server.folder / "app.py").exists()


class TestPidfile:
    @pytest.mark.parametrize("kind", ["fifo", "endless", "words"])
    def test_what_others_put_there_is_no_process(self, tmp_path: Path, kind: str) -> None:
        """In a process of its own, which can be ended should it wait."""
        path = tmp_path / "pid"
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "endless":
            path.symlink_to("/dev/zero")
        else:
            path.write_text("1 or so")
        program = (
            f"from gunicorn.pidfile import Pidfile; file = Pidfile({str(path)!r}); file.create(77); "
            "file.unlink(); print(file.pid)"
        )
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True, timeout=30)
        assert done.stdout == "77\n"
        assert not os.path.lexists(path)

    def test_a_second_server_is_refused(self, serve: Serve, fail: Serve) -> None:
        server = serve(HELLO, "--pid", "g.pid")
        path = server.folder / "g.pid"
        second = fail(HELLO, "--pid", str(path))
        assert code(second) == 1
        assert f"Already running on PID {server.pid}" in second.log()
        assert "Traceback" not in second.log()
        assert int(path.read_text()) == server.pid

    @pytest.mark.parametrize("content", ["", "no number", "99999999", "999999999999999999999"])
    def test_a_stale_one_is_replaced(self, make_server: Serve, content: str) -> None:
        server = make_server(HELLO, "--pid", "g.pid")
        path = server.folder / "g.pid"
        path.write_text(content)
        server.start()
        assert path.read_text() == f"{server.pid}\n"
        server.stop()
        assert not path.exists()

    def test_a_missing_directory(self, fail: Serve) -> None:
        server = fail(HELLO, "--pid", "nowhere/g.pid")
        assert code(server) == 1
        assert "nowhere" in server.log()


HOOKS = """
    def note(name, log, *rest):
        log.info("hook %s %s", name, " ".join(map(str, rest)))

    def on_starting(server): note("on_starting", server.log)
    def when_ready(server): note("when_ready", server.log, len(server.LISTENERS))
    def pre_fork(server, worker): note("pre_fork", server.log, worker.age, worker.pid)
    def post_fork(server, worker): note("post_fork", server.log, worker.age)
    def post_worker_init(worker): note("post_worker_init", worker.log, callable(worker.wsgi))
    def worker_int(worker): note("worker_int", worker.log)
    def child_exit(server, worker): note("child_exit", server.log, worker.age)
    def worker_exit(server, worker): note("worker_exit", server.log, worker.age)
    def nworkers_changed(server, new, old): note("nworkers_changed", server.log, new, old)
    def on_reload(server): note("on_reload", server.log, server.num_workers)
    def on_exit(server): note("on_exit", server.log)
"""


def test_hooks_in_order(serve: Serve) -> None:
    import signal

    server = serve(HELLO, config=HOOKS)
    server.wait_for_log("hook post_worker_init")
    server.send_signal(signal.SIGTTIN)
    server.wait_for_log("hook post_worker_init", count=2)
    server.stop(signal.SIGINT)
    hooks = [line.partition("hook ")[2].strip() for line in server.log_lines() if "hook " in line]
    assert hooks[:8] == [
        "nworkers_changed 1 None",
        "on_starting",
        "when_ready 1",
        "pre_fork 1 [booting]",
        "post_fork 1",
        "post_worker_init True",
        "nworkers_changed 2 1",
        "pre_fork 2 [booting]",
    ]
    assert sorted(hooks[10:-1]) == sorted(
        ["worker_int"] * 2 + ["worker_exit 1", "worker_exit 2", "child_exit 1", "child_exit 2"]
    )
    assert hooks[-1] == "on_exit"


@pytest.mark.parametrize("hook", ["child_exit(server, last)", "nworkers_changed(server, new, last)"])
def test_a_hook_that_fails_later_is_logged_and_survived(make_server: Serve, hook: str) -> None:
    import signal

    config = f"def {hook}:\n    if last is not None:\n        raise RuntimeError('in the hook')\n"
    server = make_server(HELLO, config=config, expect_traceback=True).start()
    assert server.get().status == 200
    server.send_signal(signal.SIGTTIN)
    server.wait_for_workers(lambda pids: len(pids) == 2)
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    server.wait_for_log("RuntimeError: in the hook")
    server.wait_for_workers(lambda pids: len(pids) == 2)
    assert server.get().status == 200
    server.stop()


class TestSocketsFromOthers:
    def test_fd(self, serve: Serve) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            fd = listener.fileno()
            serve(HELLO, bind=f"fd://{fd}", pass_fds=[fd])
            assert get(listener.getsockname(), "/").status == 200

    def test_systemd(self, make_server: Serve, tmp_path: Path) -> None:
        path = str(tmp_path / "by-systemd.sock")
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
            unix.bind(path)
            unix.listen()
            # As systemd does it: descriptors from 3 on, and the PID of the very process in the environment.
            wrapper = textwrap.dedent(
                f"""
                import os, sys
                sources = [os.dup({tcp.fileno()}), os.dup({unix.fileno()})]
                sources = [os.dup2(fd, 20 + n, inheritable=False) for n, fd in enumerate(sources)]
                for n, fd in enumerate(sources):
                    os.dup2(fd, 3 + n, inheritable=True)
                os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()))
                os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *sys.argv[1:]])
                """
            )
            server = make_server(
                HELLO,
                bind=None,
                command=[sys.executable, "-c", wrapper],
                pass_fds=[tcp.fileno(), unix.fileno()],
            ).start()
            assert get(tcp.getsockname(), "/").status == 200
            assert get(path, "/").status == 200
            server.stop()
            assert os.path.exists(path), "the file is systemd's"

    def test_systemd_is_told(self, make_server: Serve, tmp_path: Path) -> None:
        path = str(tmp_path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE)
            server = make_server(HELLO, env={"NOTIFY_SOCKET": path}).start()
            assert b"READY=1" in manager.recv(1000)
            assert server.get().status == 200
            import signal

            server.send_signal(signal.SIGHUP)
            assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert b"READY=1" in manager.recv(1000)
            server.stop()
            assert b"STOPPING=1" in manager.recv(1000)

    def test_abstract_unix_socket(self, serve: Serve) -> None:
        name = f"gunicorn-test-{os.getpid()}"
        server = serve(HELLO, bind=f"unix:@{name}")
        server.wait_for_log(f"Listening at: unix:@{name}")
        assert get(f"\0{name}", "/").status == 200

    def test_several_binds_of_every_kind(self, serve: Serve) -> None:
        server = serve(HELLO, "--bind", "[::1]:0", "--bind", "unix:s.sock")
        found = server.wait_for_log(
            r"Listening at: http://127\.0\.0\.1:(\d+),http://\[::1\]:(\d+),unix:\S*s\.sock \(\d+\)"
        )
        assert get(("127.0.0.1", int(found[1])), "/").status == 200
        assert get(("::1", int(found[2])), "/").status == 200
        assert get(str(server.folder / "s.sock"), "/").status == 200


def test_reuse_port_gives_each_worker_a_listener(serve: Serve) -> None:
    server = serve(HELLO, "--reuse-port", "--workers", "2", workers=2)
    server.get()
    inodes = {tcp_listeners(pid) for pid in server.worker_pids()}
    for _ in range(10):
        assert server.get().status == 200
    assert len(inodes) == 2, "two workers, two sockets"


def tcp_listeners(pid: int) -> frozenset[str]:
    """Sockets of a process that listen, by inode."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    listening = {row[9] for row in rows if row[3] == "0A"}
    links = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()]
    return frozenset(listening & {link[8:-1] for link in links if link.startswith("socket:[")})


def test_preload_loads_once(serve: Serve) -> None:
    app = "import os\nprint('loaded in', os.getpid(), flush=True)\n" + textwrap.dedent(HELLO)
    server = serve(app, "--preload", "--workers", "2", workers=2)
    assert server.get().status == 200
    assert server.log().count("loaded in") == 1
    server.wait_for_log(f"loaded in {server.pid}")


def test_a_reload_says_what_stays_as_it_was_preloaded(serve: Serve) -> None:
    server = serve(HELLO, "--preload", config="graceful_timeout = 2\n")
    server.send_signal(signal.SIGHUP)
    server.wait_for_log(r"The application stays as it was loaded \(preload_app\), settings are new")
    server.wait_for_log("Reload done")
    (server.folder / "gunicorn.conf.py").write_text("mount = {'/other': 'app:app'}\npythonpath = '/usr'\n")
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("Of mount and pythonpath what is new counts for nothing")
    server.wait_for_log("Reload done", count=2)
    assert server.get("/other").status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user takes root")
def test_user_and_group(serve: Serve) -> None:
    app = """
        import os
        def app(environ, start_response):
            body = f"{os.getuid()} {os.getgid()} {os.getgroups()}".encode()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
    """
    # Preloaded, since only root can read the folder of the test.
    server = serve(app, "--preload", "-u", "65534", "-g", "65534", "--bind", "unix:s.sock")
    assert server.get().body.startswith(b"65534 65534")
    assert (server.folder / "s.sock").stat().st_uid == 65534


def is_open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user takes root")
@pytest.mark.parametrize("worker_class", ["sync", "gthread", "asgi", "gevent", "tornado"])
def test_workers_keep_no_group_of_the_master(make_server: Serve, worker_class: str) -> None:
    if not all(map(is_open_to_all, (Path(sys.prefix), REPOSITORY))):
        pytest.skip("other users cannot read the packages here, which some workers import late")
    # With what a worker imports when it starts: the standard library may be in a folder of root's, too.
    command = [
        sys.executable, "-c",
        "import concurrent.futures.thread, os, sys; os.setgroups([0, 4, 6]); from gunicorn.app.wsgiapp import run; "
        "sys.argv[0] = 'gunicorn'; run()",
    ]
    server = make_server(
        HELLO, "--preload", "-u", "65534", "-g", "65533", "-k", worker_class, "--bind", "unix:s.sock", command=command)
    server.start()
    assert server.get().status == 200
    (worker,) = server.worker_pids()

    def groups() -> list[str]:
        status = Path(f"/proc/{worker}/status").read_text()
        return re.findall(r"^(?:Uid|Gid|Groups):\s*(.*?)\s*$", status, re.MULTILINE)

    expected = ["\t".join(["65534"] * 4), "\t".join(["65533"] * 4), "65533"]
    wait_until(lambda: groups() == expected, what=lambda: f"the groups of the worker: {groups()}")
    assert server.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user takes root")
def test_a_planted_link_is_not_opened_as_root(make_server: Serve, tmp_path: Path) -> None:
    folder, victim = tmp_path / "logs", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("root's")
    os.chown(folder, 65534, 65534)
    link = folder / "error.log"
    link.symlink_to(victim)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    server = make_server(HELLO, "--preload", "-u", "65534", "-g", "65534", "--error-logfile", str(link))
    server.spawn()
    assert server.wait() == 1
    (line,) = server.log_lines()
    assert "root does not follow 'error.log', a symbolic link of user 65534" in line
    assert (victim.read_text(), victim.stat().st_uid) == ("root's", 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user takes root")
def test_a_link_planted_later_is_not_opened_as_root(serve: Serve, tmp_path: Path) -> None:
    folder, victim = tmp_path / "logs", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("root's")
    os.chown(folder, 65534, 65534)
    path = folder / "access.log"
    server = serve(HELLO, "--preload", "-u", "65534", "-g", "65534", "--access-logfile", str(path))
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)
    path.rename(folder / "old.log")
    path.symlink_to(victim)
    os.chown(path, 65534, 65534, follow_symlinks=False)
    server.send_signal(signal.SIGUSR1)
    server.wait_for_log("was not reopened, the old one stays in use: .*a symbolic link of user 65534")
    assert server.get().status == 200
    wait_until(lambda: "GET / HTTP/1.1" in (folder / "old.log").read_text(), what="a line in the old log")
    assert (victim.read_text(), victim.stat().st_uid) == ("root's", 0)
    # Somebody rotates it as it should be: the master makes the file, and the workers can open it.
    path.unlink()
    server.send_signal(signal.SIGUSR1)
    wait_until(lambda: path.exists() and path.stat().st_uid == 65534, what="a new file of the user's")


class TestReload:
    APP = """
        def app(environ, start_response):
            body = b"first"
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
    """

    @pytest.mark.parametrize("engine", ["poll", "inotify"])
    def test_a_changed_source_is_served(self, serve: Serve, engine: str) -> None:
        server = serve(self.APP, "--reload", "--reload-engine", engine)
        assert server.get().body == b"first"
        path = server.folder / "app.py"
        rewrite(path, path.read_text().replace("first", "other"))
        server.wait_for_log(r"Worker reloading: \S+app\.py modified")
        wait_until(lambda: server.get().body == b"other", what="the new source")

    @pytest.mark.parametrize("engine", ["poll", "inotify"])
    def test_extra_files_and_patterns(self, serve: Serve, engine: str) -> None:
        server = serve(self.APP, "--reload", "--reload-engine", engine, "--reload-extra-file", "*.ini")
        server.get()
        (server.folder / "unrelated.txt").write_text("1")
        (server.folder / "a.ini").write_text("1")
        server.wait_for_log(r"Worker reloading: \S*a\.ini modified")
        assert "unrelated" not in server.log()

    def test_a_syntax_error_is_shown_until_it_is_mended(self, serve: Serve) -> None:
        server = serve(self.APP, "--reload", expect_traceback=True)
        assert server.get().status == 200
        path = server.folder / "app.py"
        good = path.read_text()
        rewrite(path, "def app(:\n")
        wait_until(lambda: server.get().status == 500, what="the page that tells of the error")
        assert b"SyntaxError" in server.get().body
        rewrite(path, good.replace("first", "mended"))
        wait_until(lambda: server.get().body == b"mended", what="the mended source")

    SLOW = """
        import os, time
        import part

        open("imported", "a").close()
        while not os.path.exists("go"):
            time.sleep(0.005)
        open("made.ini", "w").write("the same each time")

        def app(environ, start_response):
            body = part.WORD
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
    """

    @pytest.mark.parametrize("engine", ["poll", "inotify"])
    @pytest.mark.parametrize("changed", ["part.py", "given.ini"])
    def test_a_change_while_the_application_is_loaded(self, make_server: Serve, engine: str, changed: str) -> None:
        patterns = ("--reload-extra-file", "*.ini")
        server = make_server(self.SLOW, "--reload", "--reload-engine", engine, *patterns)
        (server.folder / "part.py").write_text("WORD = b'first'")
        (server.folder / "given.ini").write_text("first")
        server.spawn()
        wait_until((server.folder / "imported").exists, what=server.describe)
        rewrite(server.folder / "part.py" if changed == "part.py" else server.folder / changed, "WORD = b'other'")
        (server.folder / "go").touch()
        server.wait_for_log(rf"Worker reloading: \S*{changed} modified")
        # What the application itself writes while it is loaded is no change: it would be loaded for ever.
        server.wait_for_log("Worker ready", count=2)
        word = b"other" if changed == "part.py" else b"first"
        wait_until(lambda: server.serves() and server.get().body == word, what=server.describe)
        assert server.log().count("Worker reloading") == 1
        server.stop()


def rewrite(path: Path, text: str) -> None:
    """As an editor does: a new file under the old name, and certainly with another modification time."""
    before = path.stat().st_mtime_ns
    draft = path.with_suffix(".tmp")
    draft.write_text(text)
    os.utime(draft, ns=(before + 2_000_000_000, before + 2_000_000_000))
    draft.rename(path)
