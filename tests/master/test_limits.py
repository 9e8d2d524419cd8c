"""Time limits, recycling and delayed stops, with real workers of each type."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.master.test_signals import Background
from tests.support.server import Server, halted
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import Wire
from tests.workers.kinds import at_once
from tests.workers.test_contract import is_accepting

WSGI = """
    import os, time

    HELD = []

    def deep_in_the_application(seconds):
        time.sleep(seconds)

    def app(environ, start_response):
        kind, _, argument = environ["PATH_INFO"][1:].partition("/")
        if kind == "gate":
            while not os.path.exists(argument):
                time.sleep(0.01)
        if kind == "begun":
            write = start_response("200 OK", [("Content-Length", "100")])
            write(b"begun")
        if kind in ("sleep", "begun"):
            try:
                deep_in_the_application(float(argument))
            finally:
                with open("unwound", "a") as file:
                    file.write("unwound\\n")
        elif kind == "hold":
            HELD.append(os.urandom(1 << 20) * int(argument))
        body = str(os.getpid()).encode()
        if kind != "begun":
            start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
"""

ASGI = """
    import asyncio, os, time

    async def deep_in_the_application(seconds):
        await asyncio.sleep(seconds)

    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise RuntimeError
        kind, _, argument = scope["path"][1:].partition("/")
        if kind == "gate":
            while not os.path.exists(argument):
                await asyncio.sleep(0.01)
        if kind == "begun":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        if kind in ("sleep", "begun"):
            try:
                await deep_in_the_application(float(argument))
            except asyncio.CancelledError:
                with open("unwound", "a") as file:
                    file.write("unwound\\n")
                raise
        elif kind == "block":
            time.sleep(float(argument))
        body = str(os.getpid()).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
"""

TYPES = {
    "sync": (WSGI, []),
    "gthread": (WSGI, ["--threads", "3"]),
    "asgi": (ASGI, ["-k", "asgi"]),
    "asgi-wsgi": (WSGI, ["-k", "asgi", "--threads", "3"]),
    "gevent": (WSGI, ["-k", "gevent"]),
    "eventlet": (WSGI, ["-k", "eventlet"]),
    "tornado": (WSGI, ["-k", "tornado"]),
}
ALL = pytest.mark.parametrize("kind", [
    kind if kind not in ("eventlet", "tornado") else pytest.param(kind, marks=pytest.mark.slow) for kind in TYPES
])


def start(serve: Serve, kind: str, *args: str, **options: object) -> Server:
    app, flags = TYPES[kind]
    return serve(app, *flags, *args, **options)


class TestRequestTimeout:
    @ALL
    def test_504_the_stack_in_the_log_and_service_goes_on(self, serve: Serve, kind: str) -> None:
        server = start(serve, kind, "--request-timeout", "1", "--access-logfile", "access.log", expect_traceback=True)
        with Wire(server.address) as wire:
            began = time.monotonic()
            wire.send(b"GET /sleep/20?q=1 HTTP/1.1\r\nHost: a\r\n\r\n")
            response = wire.read_response()
            assert response.status == 504
            assert response.get("Connection") == "close"
            assert time.monotonic() - began > 0.9
            wire.expect_eof()
        server.wait_for_log(r"(REQUEST|WORKER) TIMEOUT \(pid:\d+\).* after \d+\.\d s in: GET /sleep/20")
        server.wait_for_log("in deep_in_the_application|await asyncio.sleep|deep_in_the_application\\(float")
        if kind not in ("gthread", "asgi-wsgi"):
            wait_until(lambda: (server.folder / "unwound").exists(), what="the end of the application's call")
        wait_until(lambda: " 504 " in (server.folder / "access.log").read_text(), what="the access line")
        for _ in range(5):
            assert server.get().status == 200

    @ALL
    def test_when_something_was_sent_the_connection_ends(self, serve: Serve, kind: str) -> None:
        server = start(serve, kind, "--request-timeout", "1", expect_traceback=True)
        with Wire(server.address) as wire:
            wire.send(b"GET /begun/20 HTTP/1.1\r\nHost: a\r\n\r\n")
            data = wire.read_until_eof()
            assert data.startswith(b"HTTP/1.1 200 OK")
            assert data.endswith(b"begun")
            assert b"504" not in data
        assert server.get().status == 200

    def test_neighbours_are_not_disturbed(self, serve: Serve) -> None:
        kinds = ["gthread", "asgi", "asgi-wsgi", "gevent", "eventlet"]
        servers = {kind: start(serve, kind, "--request-timeout", "4", expect_traceback=True) for kind in kinds}

        def disturb(kind: str) -> None:
            server = servers[kind]
            stuck = Background(server, "/sleep/60")
            time.sleep(3)  # so that the time of the one is over while the other has most of its own
            neighbour = Background(server, "/gate/go")
            assert b"Gateway Timeout" in (stuck.result() or b"")
            (server.folder / "go").touch()
            assert (neighbour.result() or b"").isdigit()

        at_once(servers, disturb)

    def test_a_thread_costs_its_worker_when_the_replacement_serves(self, serve: Serve) -> None:
        server = start(serve, "gthread", "--request-timeout", "1", "--graceful-timeout", "5", expect_traceback=True)
        (first,) = server.worker_pids()
        stuck = Background(server, "/sleep/60")
        assert b"Gateway Timeout" in (stuck.result() or b"")
        server.wait_for_workers(lambda pids: len(pids) == 1 and first not in pids)
        log = server.log()
        assert log.count("Booting worker") == 2
        assert "SIGKILL" not in log, "nobody waits for the stuck thread"

    @pytest.mark.parametrize("kind", ["asgi", "gevent", "eventlet"])
    def test_a_task_or_greenlet_ends_alone(self, serve: Serve, kind: str) -> None:
        server = start(serve, kind, "--request-timeout", "1", expect_traceback=True)
        (first,) = server.worker_pids()
        assert b"Gateway Timeout" in (Background(server, "/sleep/60").result() or b"")
        assert server.get().body == str(first).encode()

    def test_a_blocked_event_loop_is_the_masters_business(self, serve: Serve) -> None:
        server = start(serve, "asgi", "--request-timeout", "1", expect_traceback=True)
        (first,) = server.worker_pids()
        request = Background(server, "/block/60")
        server.wait_for_log(rf"WORKER TIMEOUT \(pid:{first}\), request_timeout after \d\.\d s in: GET /block/60")
        server.wait_for_log("time.sleep")
        request.result()
        server.wait_for_workers(lambda pids: len(pids) == 1 and first not in pids)
        assert server.get().status == 200

    def test_a_request_in_time_is_left_alone(self, serve: Serve) -> None:
        server = start(serve, "sync", "--request-timeout", "3")
        (first,) = server.worker_pids()
        with Wire(server.address) as wire:
            for _ in range(4):
                wire.send(b"GET /sleep/0.9 HTTP/1.1\r\nHost: a\r\n\r\n")
                assert wire.read_response().status == 200
        assert server.worker_pids() == [first]


class TestStuckInC:
    APP = """
        import os

        def app(environ, start_response):
            if environ["PATH_INFO"] == "/stuck":
                # In C, with the interpreter's lock: no Python code runs in this process any more.
                sum(range(10**13))
            body = str(os.getpid()).encode()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
    """

    @pytest.mark.parametrize("flags", [[], ["--threads", "2"]], ids=["sync", "gthread"])
    def test_it_is_told_and_killed(self, serve: Serve, flags: list[str]) -> None:
        server = serve(self.APP, "--timeout", "2", "--request-id-header", "X-Request-ID", *flags)
        (first,) = server.worker_pids()
        request = Background(server, "/stuck")
        what = rf"WORKER TIMEOUT \(pid:{first}\), timeout after \d+\.\d s in: GET /stuck"
        server.wait_for_log(rf"\[[0-9a-f-]{{36}}\] {what}")
        server.wait_for_log(r"app\.py\", line 7 in app")
        server.wait_for_log(rf"Worker \(pid:{first}\) was sent SIGKILL by the master: killed by the timeout")
        assert request.result() is None
        assert server.get().status == 200


class TestBootTimeout:
    def test_it_is_apart_from_timeout(self, serve: Serve) -> None:
        app = "import time\ntime.sleep(3)\n" + WSGI.replace("\n    ", "\n")
        server = serve(app, "--timeout", "2", "--boot-timeout", "60")
        assert server.get("/").status == 200
        assert "WORKER TIMEOUT" not in server.log()

    def test_where_a_boot_hangs_is_told(self, make_server: Serve) -> None:
        app = "import time\ndef load():\n    time.sleep(60)\nload()\n"
        server = make_server(app, "--timeout", "60", "--boot-timeout", "1").start()
        server.wait_for_log(r"WORKER TIMEOUT \(pid:\d+\), boot_timeout: not ready after \d+\.\d s")
        server.wait_for_log(r"app\.py\", line 3 in load")
        server.wait_for_log("killed by the timeout")


class TestRecycling:
    def test_lifetime(self, serve: Serve) -> None:
        server = start(serve, "sync", "--max-worker-lifetime", "1", "--max-worker-lifetime-jitter", "1", "-w", "2",
                       workers=2)
        old = server.worker_pids()
        began = time.monotonic()
        failures = 0
        while set(server.worker_pids()) & set(old):
            failures += server.get().status != 200
            assert time.monotonic() - began < PATIENCE
        assert failures == 0
        server.wait_for_log(r"Worker \(pid:\d+\) has reached its lifetime", count=2)

    @pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="PSS is Linux'")
    def test_memory_soft(self, serve: Serve) -> None:
        server = start(serve, "sync", "--max-worker-memory", "120M")
        first = server.get("/hold/150").body
        server.wait_for_log(r"has \d+ MiB of memory, the limit is 120 MiB: it is replaced")
        wait_until(lambda: server.get("/").body != first, what="another worker")
        server.wait_for_log("Worker exiting")
        log = server.log()
        assert log.index("Booting worker", log.index("MiB")) < log.index("Worker exiting")

    @pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="PSS is Linux'")
    def test_memory_hard(self, serve: Serve) -> None:
        server = start(serve, "sync", "--max-worker-memory-hard", "120M")
        first = server.get("/hold/150").body
        server.wait_for_log(r"the hard limit is 120 MiB: it is stopped")
        wait_until(lambda: server.get("/").body != first, what="another worker")


class TestWarmUp:
    CONFIG = """
        import os

        def warm_up(worker):
            assert callable(worker.wsgi)
            if os.path.exists("cold"):
                raise RuntimeError("the cache cannot be filled")
            worker.log.info("warm now")
    """

    def test_a_failure_keeps_the_old_workers(self, serve: Serve) -> None:
        server = serve(WSGI, config=self.CONFIG, expect_traceback=True)
        server.wait_for_log("warm now")
        old = server.worker_pids()
        (server.folder / "cold").touch()
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("RuntimeError: the cache cannot be filled")
        server.wait_for_log("Reload failed, the old workers stay")
        server.wait_for_workers(lambda pids: pids == old)
        assert server.get("/").body == str(old[0]).encode()


class TestRolling:
    @pytest.mark.parametrize("kind", ["sync", "gthread", "asgi"])
    def test_under_load_never_more_than_the_batch(self, serve: Serve, kind: str) -> None:
        server = start(serve, kind, "-w", "3", "--reload-strategy", "rolling", workers=3)
        old = server.worker_pids()
        server.send_signal(signal.SIGHUP)
        most = 0
        began = time.monotonic()
        while set(server.worker_pids()) & set(old):
            most = max(most, len(server.worker_pids()))
            assert server.get("/").status == 200
            assert time.monotonic() - began < PATIENCE
        assert most <= 4
        server.wait_for_workers(lambda pids: len(pids) == 3)


class TestShutdownDelay:
    def test_it_serves_until_the_delay_is_over(self, serve: Serve) -> None:
        server = start(serve, "sync", "--shutdown-delay", "3")
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait_for_log("Stopping in 3 seconds")
        for _ in range(5):
            assert server.get("/").status == 200
        assert server.wait() == 0
        assert time.monotonic() - began > 2.9

    def test_a_second_term_ends_it(self, serve: Serve) -> None:
        server = start(serve, "sync", "--shutdown-delay", "60")
        server.get("/")
        server.send_signal(signal.SIGTERM)
        server.wait_for_log("Stopping in 60 seconds")
        time.sleep(0.4)
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0


class TestStop:
    @ALL
    def test_who_waits_in_the_kernel_is_served(self, serve: Serve, kind: str) -> None:
        """Connections that the kernel has accepted before the signal belong to this server."""
        server = start(serve, kind, "--worker-connections", "50")
        server.get("/")
        with halted(server.worker_pids()[0]):
            waiting = [Wire(server.address) for _ in range(30)]
            for wire in waiting:
                wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("Handling signal: term")
        for wire in waiting:
            with wire:
                response = wire.read_response()
                assert response.status == 200
        assert server.wait() == 0

    @ALL
    def test_a_kept_alive_client_is_told_to_leave(self, serve: Serve, kind: str) -> None:
        server = start(serve, kind, "--keep-alive", "30")
        # Not afterwards: an idle client is waited for a second, in which a loaded machine does not do much.
        worker = server.worker_pids()[0]
        with Wire(server.address) as wire:
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.read_response().get("Connection") != "close"
            server.send_signal(signal.SIGTERM)
            wait_until(lambda: not is_accepting(worker, server.port), what="the worker's stop")
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.read_response().get("Connection") == "close"
            wire.expect_eof()
        assert server.wait() == 0

    @pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
    def test_a_second_signal_hastens(self, serve: Serve, kinds: list[str], second: int) -> None:
        # Longer than anybody waits for the stop.
        servers = {
            kind: start(serve, kind, "--graceful-timeout", "600", expect_traceback=True)
            for kind in TYPES if kind.removesuffix("-wsgi") in kinds
        }

        def hasten(kind: str) -> None:
            server = servers[kind]
            request = Background(server, "/sleep/600")
            wait_until(lambda: running(server), what="the request in the application")
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("Handling signal: term")
            time.sleep(0.5)
            assert not server.exited()
            server.send_signal(second)
            assert server.wait() == 0
            request.result()

        at_once(servers, hasten)


def running(server: Server) -> bool:
    """Whether a connection has been accepted and its request read: the kernel holds none of its octets."""
    port = f"{server.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = [row for row in rows if row[1].endswith(f":{port}") and row[3] == "01"]
    return bool(ours) and all(row[4].endswith(":00000000") for row in ours)


def test_a_memory_limit_is_refused_in_words(make_server: Serve) -> None:
    server = make_server(WSGI, "--max-worker-memory", "much").spawn()
    assert server.wait() == 1
    assert re.search(r"max_worker_memory = 'much' .*expected a number of bytes such as 300M", server.log())
