"""The master with real processes: signals, numbers, reload, succession, stop."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable

import pytest

from gunicorn import __version__
from gunicorn._build import told
from tests.conftest import Serve
from tests.support.server import Server, children_of, is_alive
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import get
from tests.workers.kinds import KINDS

APP = """
    import os, pathlib, time

    VERSION = pathlib.Path(__file__).with_name("version").read_text() if os.path.exists("version") else "one"
    if VERSION == "broken":
        raise RuntimeError("this version is broken")

    def app(environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith("/sleep/"):
            print("application sleeps", flush=True)
            time.sleep(float(path[7:]))
        if path.startswith("/pid"):
            body = str(os.getpid()).encode()
        elif path.startswith("/env/"):
            body = os.environ.get(path[5:], "unset").encode()
        else:
            body = VERSION.encode()
        start_response("200 OK", [("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
        return [body]
"""


class Background:
    """A request that runs while the test goes on."""

    def __init__(self, server: Server, path: str) -> None:
        self.body: bytes | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(server.address, path))
        self._thread.start()

    def _run(self, address: object, path: str) -> None:
        try:
            self.body = get(address, path, timeout=PATIENCE).body  # type: ignore[arg-type]
        except (OSError, AssertionError) as error:
            self.error = error

    def result(self) -> bytes | None:
        # Ended by its own patience at the latest.
        self._thread.join()
        return self.body


READY = "def post_worker_init(worker):\n    worker.log.info('ready to serve')\n"


def replaced(old: list[int]) -> Callable[[list[int]], bool]:
    """True of as many workers as ``old`` had, and none of those."""
    return lambda pids: len(pids) == len(old) and not set(old) & set(pids)


def booted_line(server: Server, count: int) -> None:
    server.wait_for_log("Booting worker with pid", count=count)


def test_a_normal_start_says_seven_lines(serve: Serve) -> None:
    server = serve(APP)
    server.get()
    texts = [line.split("] ", 2)[-1] for line in server.log_lines()]
    (worker,) = server.worker_pids()
    assert re.fullmatch(rf"\[INFO\] Worker ready \(pid: {worker}\) after \d+\.\d\d s", texts.pop())
    assert texts == [
        f"[INFO] Starting gunicorn {__version__}",
        f"[INFO] Build: {told()}",
        f"[INFO] Listening at: http://127.0.0.1:{server.port} ({server.pid})",
        "[INFO] Using worker: sync",
        f"[INFO] Control socket listening at {server.folder}/gunicorn.ctl",
        f"[INFO] Booting worker with pid: {worker}",
    ]
    for line, pid in zip(server.log_lines(), [server.pid] * 5 + [worker] * 2, strict=True):
        assert f" [{pid}] [INFO] " in line


@pytest.mark.parametrize("kind", ["sync", "gevent", "eventlet", "tornado", "gaiohttp"])
def test_a_second_signal_does_not_change_the_exit_status(kind: str, serve: Serve) -> None:
    """Even when the interpreter is being torn down, where it gives signals their defaults again."""
    config = """
        import os, time
        master = os.getpid()

        class Late:
            # Bound here: the names of this module may be gone by then.
            def __del__(self, here=os.getpid, open=open, exists=os.path.exists, sleep=time.sleep, master=master):
                if here() == master:
                    open("late", "w").close()
                    while not exists("go"):
                        sleep(0.01)

        late = Late()
        late.itself = late
    """
    server = serve(APP, *KINDS[kind], config=config)
    server.send_signal(signal.SIGTERM)
    wait_until((server.folder / "late").exists)
    server.send_signal(signal.SIGTERM)
    (server.folder / "go").touch()
    assert server.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_ends_with_zero_and_leaves_nobody(serve: Serve, number: int) -> None:
    server = serve(APP, "--workers", "2", workers=2)
    workers = server.worker_pids()
    assert server.stop(number) == 0
    assert not any(map(is_alive, workers))
    server.wait_for_log(f"Handling signal: {signal.Signals(number).name[3:].lower()}")
    server.wait_for_log("Shutting down: Master")


def test_term_lets_a_request_finish(serve: Serve) -> None:
    server = serve(APP)
    request = Background(server, "/sleep/1.0")
    server.wait_for_log("application sleeps")
    assert server.stop(signal.SIGTERM) == 0
    assert request.result() == b"one"


def test_quit_does_not_wait_for_a_request(serve: Serve) -> None:
    server = serve(APP)
    # Longer than anybody waits for the stop.
    request = Background(server, "/sleep/600")
    server.wait_for_log("application sleeps")
    assert server.stop(signal.SIGQUIT) == 0
    request.result()


def test_graceful_timeout_ends_in_kill(serve: Serve) -> None:
    config = """
        def post_worker_init(worker):
            import signal
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    """
    server = serve(APP, "--graceful-timeout", "1", config=config)
    server.get()
    assert server.stop(signal.SIGTERM) == 0
    assert "was sent SIGKILL by the master" in server.log()


def test_ttin_and_ttou(serve: Serve) -> None:
    server = serve(APP)
    (first,) = server.worker_pids()
    server.send_signal(signal.SIGTTIN)
    server.wait_for_workers(lambda pids: len(pids) == 2)
    server.send_signal(signal.SIGTTOU)
    server.wait_for_workers(lambda pids: len(pids) == 1 and first not in pids)
    assert server.get().body == b"one"


def test_a_killed_worker_is_replaced_and_named(serve: Serve) -> None:
    config = """
        def child_exit(server, worker):
            server.log.info("child_exit for %s", worker.pid)
    """
    server = serve(APP, config=config)
    (first,) = server.worker_pids()
    os.kill(first, signal.SIGFPE)
    server.wait_for_log(rf"Worker \(pid:{first}\) was sent SIGFPE!")
    server.wait_for_log(f"child_exit for {first}")
    server.wait_for_workers(lambda pids: len(pids) == 1 and first not in pids)
    assert server.get().body == b"one"


class TestTimeout:
    def test_a_stuck_worker_is_aborted_and_replaced(self, serve: Serve) -> None:
        config = """
            def worker_abort(worker):
                worker.log.info("worker_abort for %s", worker.pid)
        """
        server = serve(APP, "--timeout", "1", config=config)
        (first,) = server.worker_pids()
        request = Background(server, "/sleep/30")
        server.wait_for_log(rf"\[CRITICAL\] WORKER TIMEOUT \(pid:{first}\)")
        server.wait_for_log(f"worker_abort for {first}")
        server.wait_for_workers(lambda pids: len(pids) == 1 and first not in pids)
        assert b"Gateway Timeout" in (request.result() or b"")
        server.wait_for_log(rf"Worker \(pid:{first}\) exited with code 1: killed by the timeout")
        log = server.log()
        assert re.search(r"after \d+\.\d s in: GET /sleep/30", log)
        told = log.index("line 12 in app")
        assert told < log.index(f"worker_abort for {first}"), "the stack is told before any signal"
        assert server.get().body == b"one"

    def test_one_that_ignores_the_abort_is_killed(self, serve: Serve) -> None:
        config = """
            def post_worker_init(worker):
                import signal
                signal.signal(signal.SIGABRT, signal.SIG_IGN)
        """
        server = serve(APP, "--timeout", "1", config=config)
        (first,) = server.worker_pids()
        request = Background(server, "/sleep/30")
        server.wait_for_log(rf"Worker \(pid:{first}\) was sent SIGKILL by the master: killed by the timeout")
        request.result()
        assert server.get().body == b"one"

    def test_an_idle_worker_is_never_late(self, serve: Serve) -> None:
        server = serve(APP, "--timeout", "3")
        (first,) = server.worker_pids()
        time.sleep(4.5)  # what must not happen meanwhile is looked for
        assert "WORKER TIMEOUT" not in server.log()
        assert server.worker_pids() == [first]


class TestReload:
    def test_the_new_code_and_configuration_serve(self, serve: Serve) -> None:
        server = serve(APP, config="raw_env = ['COLOUR=red', 'GONE=here']\nworkers = 1\n")
        old = server.worker_pids()
        assert server.get("/env/COLOUR").body == b"red"
        (server.folder / "version").write_text("two")
        (server.folder / "gunicorn.conf.py").write_text("raw_env = ['COLOUR=blue']\nworkers = 2\n")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("Hang up: Master")
        server.wait_for_workers(lambda pids: len(pids) == 2 and not set(old) & set(pids))
        assert server.get().body == b"two"
        assert server.get("/env/COLOUR").body == b"blue"
        assert server.get("/env/GONE").body == b"unset"

    def test_broken_code_changes_nothing(self, serve: Serve) -> None:
        server = serve(APP, "--workers", "2", workers=2, config=READY, expect_traceback=True)
        server.wait_for_log("ready to serve", count=2)
        old = server.worker_pids()
        (server.folder / "version").write_text("broken")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("RuntimeError: this version is broken")
        server.wait_for_log("Reload failed, the old workers stay: .*failed to boot")
        server.wait_for_workers(lambda pids: sorted(pids) == sorted(old))
        assert server.get().body == b"one"
        (server.folder / "version").write_text("three")
        server.send_signal(signal.SIGHUP)
        server.wait_for_workers(lambda pids: len(pids) == 2 and not set(old) & set(pids))
        assert server.get().body == b"three"

    def test_broken_configuration_changes_nothing(self, serve: Serve) -> None:
        server = serve(APP, config="workers = 1\n", expect_traceback=True)
        old = server.worker_pids()
        (server.folder / "gunicorn.conf.py").write_text("workers = 'many'\n")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("Reload refused, the running configuration stays: .*workers")
        assert server.worker_pids() == old
        assert server.get().body == b"one"

    def test_a_bind_that_cannot_be_had_changes_nothing(self, serve: Serve) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            server = serve(APP, bind=None, config="bind = '127.0.0.1:0'\n")
            first_port = server.port
            (server.folder / "gunicorn.conf.py").write_text(f"bind = '127.0.0.1:{port}'\n")
            server.send_signal(signal.SIGHUP)
            server.wait_for_log("Connection in use")
            server.wait_for_log("Reload refused")
            assert get(("127.0.0.1", first_port), "/").body == b"one"

    def test_a_changed_bind_is_opened_and_the_old_one_closed(self, serve: Serve) -> None:
        server = serve(APP, bind=None, config="bind = ['127.0.0.1:0', 'unix:a.sock']\n")
        port, old = server.port, server.worker_pids()
        path = server.folder / "a.sock"
        assert get(str(path), "/").body == b"one"
        (server.folder / "gunicorn.conf.py").write_text("bind = ['127.0.0.1:0', 'unix:b.sock']\n")
        server.send_signal(signal.SIGHUP)
        server.wait_for_workers(lambda pids: len(pids) == 1 and pids != old)
        assert get(str(server.folder / "b.sock"), "/").body == b"one"
        assert get(("127.0.0.1", port), "/").body == b"one", "what did not change is kept"
        wait_until(lambda: not path.exists(), what="the old socket's removal")

    def test_without_a_lost_request(self, serve: Serve) -> None:
        server = serve(APP, "--workers", "2", workers=2)
        address = server.address
        failures: list[BaseException] = []
        done = threading.Event()
        answered = 0

        def load() -> None:
            nonlocal answered
            while not done.is_set():
                try:
                    assert get(address, "/").status == 200
                    answered += 1
                except (OSError, AssertionError) as error:
                    failures.append(error)

        client = threading.Thread(target=load)
        client.start()
        for round_ in range(1, 4):
            old = server.worker_pids()
            server.send_signal(signal.SIGHUP)
            booted_line(server, 2 + 2 * round_)
            server.wait_for_workers(replaced(old))
        done.set()
        client.join()
        assert failures == []
        assert answered > 10


class TestSuccession:
    def test_usr2_then_quit(self, serve: Serve) -> None:
        server = serve(APP, "--pid", "g.pid", "--bind", "unix:s.sock")
        pidfile, path = server.folder / "g.pid", server.folder / "s.sock"
        assert int(pidfile.read_text()) == server.pid
        server.send_signal(signal.SIGUSR2)
        successor_file = server.folder / "g.pid.2"
        wait_until(lambda: successor_file.exists() and successor_file.read_text(), what="the second PID file")
        booted_line(server, 2)
        new = int(successor_file.read_text())
        wait_until(lambda: len(children_of(new)) == 1, what="the new master's worker")
        server.extra_pids |= {new, *children_of(new)}
        port = server.port
        assert int(pidfile.read_text()) == server.pid
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        server.wait_for_log("Master has been promoted.")
        wait_until(lambda: int(pidfile.read_text() or 0) == new, what="the new PID in the file")
        assert not successor_file.exists()
        assert get(("127.0.0.1", port), "/").body == b"one"
        assert get(str(path), "/").body == b"one"
        os.kill(new, signal.SIGTERM)
        wait_until(lambda: not is_alive(new), what="the end of the new master")
        assert not pidfile.exists()
        assert not path.exists()

    def test_going_back_to_the_old_one(self, serve: Serve) -> None:
        server = serve(APP, "--pid", "g.pid", "--bind", "unix:s.sock")
        server.send_signal(signal.SIGUSR2)
        booted_line(server, 2)
        new = int((server.folder / "g.pid.2").read_text())
        server.extra_pids.add(new)
        os.kill(new, signal.SIGTERM)
        server.wait_for_log("The new master .* ended with 0")
        assert get(str(server.folder / "s.sock"), "/").body == b"one"
        assert server.get().body == b"one"
        server.send_signal(signal.SIGUSR2)
        booted_line(server, 3)
        again = int((server.folder / "g.pid.2").read_text())
        server.extra_pids.add(again)
        os.kill(again, signal.SIGTERM)
        server.wait_for_log("The new master .* ended with 0", count=2)

    def test_a_new_master_that_cannot_start_harms_nobody(self, serve: Serve) -> None:
        server = serve(APP, config=READY, expect_traceback=True)
        server.wait_for_log("ready to serve")
        (server.folder / "version").write_text("broken")
        server.send_signal(signal.SIGUSR2)
        server.wait_for_log("The new master .* ended with 3")
        assert server.get().body == b"one"

    def test_a_failing_pre_exec_hook_harms_nobody(self, serve: Serve) -> None:
        config = "def pre_exec(server):\n    raise RuntimeError('not today')\n"
        server = serve(APP, config=config, expect_traceback=True)
        server.send_signal(signal.SIGUSR2)
        server.wait_for_log("RuntimeError: not today")
        server.wait_for_log("The new master .* ended with 1")
        assert server.get().body == b"one"


def test_usr1_reopens_the_logs(serve: Serve) -> None:
    server = serve(APP, "--access-logfile", "access.log", "--error-logfile", "error.log", workers=0)
    error, access = server.folder / "error.log", server.folder / "access.log"
    wait_until(lambda: error.exists() and "Booting worker" in error.read_text(), what="the error log")
    port = int(error.read_text().partition("http://127.0.0.1:")[2].partition(" ")[0])
    get(("127.0.0.1", port), "/first")
    wait_until(lambda: "/first" in access.read_text(), what="the access line")
    for path in (error, access):
        path.rename(path.with_suffix(".1"))
    server.send_signal(signal.SIGUSR1)
    wait_until(lambda: error.exists() and access.exists(), what="the new files")
    # The worker reopens on its own; until then it writes into the file that was moved away.
    def seen() -> bool:
        get(("127.0.0.1", port), "/second")
        return "/second" in access.read_text()

    wait_until(seen, what="an access line in the new file")
    assert "/first" not in access.read_text()


def test_winch_stops_the_workers_of_a_daemon_alone(serve: Serve) -> None:
    # It becomes one in its own eyes, and stays a child of the test, at the first TTIN.
    hooks = "def nworkers_changed(server, new, old): server.cfg.set('daemon', old is not None)"
    server = serve(APP, "--log-level", "debug", config=hooks)
    server.send_signal(signal.SIGWINCH)
    server.wait_for_log("SIGWINCH ignored. Not daemonized")
    assert server.get().body == b"one"
    server.send_signal(signal.SIGTTIN)
    server.wait_for_workers(lambda pids: len(pids) == 2)
    server.send_signal(signal.SIGWINCH)
    server.wait_for_workers(lambda pids: pids == [])
    assert not server.exited()
    server.send_signal(signal.SIGHUP)
    server.wait_for_workers(lambda pids: len(pids) == 1)
    assert server.get().body == b"one"


def test_max_requests_starts_the_replacement_first(serve: Serve) -> None:
    server = serve(APP, "--max-requests", "3")
    (first,) = server.worker_pids()
    for _ in range(3):
        assert server.get().status == 200
    server.wait_for_workers(lambda pids: len(pids) == 1 and first not in pids)
    log = server.log()
    assert "Autorestarting worker" in log
    replacement = log.index("Booting worker", log.index("Autorestarting"))
    assert replacement < log.index(f"Worker exiting (pid: {first})")


def test_a_unix_socket_is_removed_and_a_stale_one_replaced(serve: Serve) -> None:
    server = serve(APP, "--umask", "0o077", "--bind", "unix:s.sock")
    path = server.folder / "s.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    server.kill()
    assert path.exists()
    server.log_path.unlink()
    server.start()
    assert get(str(path), "/").body == b"one"
    server.stop()
    assert not path.exists()
