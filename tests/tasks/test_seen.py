"""Real pools, and what is seen of them from outside: commands, metrics, a reload that brings or takes them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from gunicorn.dirty import DirtyAppError, DirtyClient, DirtyProtocolError, DirtyTimeoutError, StashError
from gunicorn.dirty.stash import StashClient
from gunicorn.tasks.frames import CALL, target_of
from gunicorn.tasks.values import encode
from tests.conftest import Serve
from tests.master.scrape import Samples, face_of, samples, value
from tests.support.control import ask
from tests.support.server import HELLO, Server, is_alive
from tests.support.wait import wait_until
from tests.support.wire import get

from .pool import ARGS, AT, TASKS, master_of, processes_of, socket_of, write_tasks

T = "tasks:T"
METRICS = ("--metrics-bind", "127.0.0.1:0")


def start(make_server: Serve, folder: Path, *args: str, source: str = TASKS, **options: Any) -> tuple[Server, Path]:
    """A server with tasks and its control socket."""
    path = folder / "control.sock"
    server = make_server(options.pop("app", HELLO), *args, "--control-socket", str(path), **options)
    return write_tasks(server, source).start(), path


def calls(found: Samples, app: str = T) -> dict[str, int]:
    """What calls have come to."""
    return {
        dict(labels)["result"]: int(number) for (name, labels), number in found.items()
        if name == "gunicorn_task_calls_total" and dict(labels)["app"] == app and number
    }


def wait_for_calls(face: Any, wanted: dict[str, int]) -> Samples:
    found: Samples = {}

    def enough() -> bool:
        found.clear()
        found.update(samples(face))
        return sum(calls(found).values()) >= sum(wanted.values())

    wait_until(enough, what=lambda: f"{wanted}, but {calls(found)}")
    assert calls(found) == wanted
    return found


def test_commands(make_server: Serve, tmp_path: Path) -> None:
    server, path = start(make_server, tmp_path, *ARGS[:2], "--dirty-app", "tasks:Duck:1", "--dirty-workers", "2",
                         "--dirty-queue", "1", "--request-id-header", "X-Request-Id", app="""
        from gunicorn.dirty import get_dirty_client
        def app(environ, start_response):
            get_dirty_client().execute("tasks:T", "until_cancelled")
        """)
    client = DirtyClient(socket_of(server), timeout=20.0)
    wait_until(lambda: [row["state"] for row in ask(path, "show dirty")["workers"]] == ["ready"] * 2)
    shown = ask(path, "show dirty")
    assert shown["pid"] == master_of(server)
    assert sorted(row["pid"] for row in shown["workers"]) == sorted(processes_of(server))
    # They say so themselves; how long that can be is not a matter of this test.
    assert all(0 <= row["last_heartbeat"] <= row["uptime"] for row in shown["workers"])
    wait_until(lambda: all(row["last_heartbeat"] < row["uptime"] for row in ask(path, "show dirty")["workers"]))
    assert [(app["import_path"], app["worker_count"], app["current_workers"]) for app in shown["apps"]] == [
        (T, None, 2), ("tasks:Duck", 1, 1),
    ]
    # More, and less; not the only process of an application, and not the last one.
    assert ask(path, "dirty add 2")["target_workers"] == 4
    wait_until(lambda: [row["state"] for row in ask(path, "show dirty")["workers"]] == ["ready"] * 4)
    assert ask(path, "dirty remove 2")["removed"] == 2
    wait_until(lambda: len(processes_of(server)) == 2)
    assert ask(path, "dirty remove 5")["total_workers"] == 1
    wait_until(lambda: len(processes_of(server)) == 1)
    assert ask(path, "dirty remove") == "One task process stays."
    assert client.execute("tasks:Duck", "quack") == ["quack"]
    # What runs, for which request, and what waits.
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: ask(path, "show dirty")["calls"] != [])
        (call,) = ask(path, "show dirty")["calls"]
        assert (call["call"], call["pid"]) == (f"{T}.until_cancelled", processes_of(server)[0])
        assert call["request_id"] == ask(path, "show requests")["requests"][0]["request_id"] is not None
        # (by another connection: a request is waiting in that of the worker)
        other = DirtyClient(socket_of(server), timeout=0.3)
        with pytest.raises(DirtyTimeoutError):
            other.execute(T, "echo")
        wait_until(lambda: ask(path, "show dirty")["apps"][0]["results"]["cancelled"] == 1)
        (app, _) = ask(path, "show dirty")["apps"]
        assert (app["running"], app["waiting"], ask(path, "show dirty")["workers"][0]["state"]) == (1, 0, "busy")
        (worker,) = (row["pid"] for row in ask(path, "show workers")["workers"])
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: ask(path, "show dirty")["calls"] == [])
    assert ask(path, "show dirty")["apps"][0]["results"]["cancelled"] == 2
    assert ask(path, "show stats")["dirty_arbiter_pid"] == master_of(server)
    assert ask(path, "watch")["tasks"]["enabled"]
    memory = ask(path, "show dirty")["workers"][0]["memory"]
    assert memory is None or memory > 1 << 20


def test_what_an_action_logs_has_the_id_of_its_request(make_server: Serve, tmp_path: Path) -> None:
    source = """
import logging
from gunicorn.dirty import DirtyApp
class T(DirtyApp):
    def say(self, text):
        logging.getLogger("gunicorn.error").info(text)
    async def say_async(self, text):
        self.say(text)
"""
    server, _ = start(make_server, tmp_path, *ARGS[:2], "--dirty-workers", "1", "--request-id-header", "X-Request-Id",
                      source=source, app="""
        from gunicorn.dirty import get_dirty_client
        def app(environ, start_response):
            for action in ("say", "say_async"):
                get_dirty_client().execute("tasks:T", action, action + " hello")
            octets = environ["HTTP_X_REQUEST_ID"].encode()
            start_response("200 OK", [("Content-Length", str(len(octets)))])
            return [octets]
        """)
    identity = get(server.address).body.decode()
    for action in ("say", "say_async"):
        server.wait_for_log(rf"\[{identity}\] {action} hello")
    # Who has no request has no id.
    DirtyClient(socket_of(server), timeout=20.0).execute(T, "say", "nobody's")
    server.wait_for_log(r"\[INFO\] nobody's")


def test_counters_are_exact_whatever_becomes_of_processes(make_server: Serve, tmp_path: Path) -> None:
    server, _ = start(make_server, tmp_path, *ARGS[:2], "--dirty-workers", "1", *METRICS)
    face = face_of(server)
    client = DirtyClient(socket_of(server), timeout=20.0)
    for _ in range(3):
        client.execute(T, "echo", 1)
    with pytest.raises(DirtyAppError):
        client.execute(T, "fail", "KeyError")
    assert list(client.stream(T, "items", 20)) == list(range(20))
    found = wait_for_calls(face, {"ok": 4, "error": 1})
    assert value(found, "gunicorn_task_duration_seconds_count", app=T) == 5
    assert value(found, "gunicorn_task_queue_seconds_count", app=T) == 5
    assert value(found, "gunicorn_task_processes", state="ready") == 1
    # A reload brings another process, and its counts to those of the one before.
    (first,) = processes_of(server)
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: not is_alive(first))
    client.execute(T, "echo", 1)
    found = wait_for_calls(face, {"ok": 5, "error": 1})
    wait_until(lambda: value(samples(face), "gunicorn_task_restarts_total", cause="reload") == 1)
    # One that is killed in a call has lost that.
    with pytest.raises(Exception, match="may have run"):
        client.execute(T, "die")
    wait_for_calls(face, {"ok": 5, "error": 1, "lost": 1})
    wait_until(lambda: value(samples(face), "gunicorn_task_restarts_total", cause="signal") == 1)
    # And so has the process that leads them, which counts on from where the last one was.
    stash = StashClient(socket_of(server))
    stash.put("t", "k", "v")
    assert value(samples(face), "gunicorn_stash_entries") == 1
    wait_until(lambda: value(samples(face), "gunicorn_task_processes", state="ready") == 1)
    client._link.ask(CALL, target_of(T, "until_cancelled"), encode([[], {}]), 0, 20.0)
    wait_until(lambda: value(samples(face), "gunicorn_task_calls_running", app=T) == 1)
    os.kill(master_of(server), signal.SIGKILL)
    wait_until(lambda: value(samples(face), "gunicorn_task_master_starts_total") == 2)
    wait_for_calls(face, {"ok": 5, "error": 1, "lost": 2})
    client = DirtyClient(socket_of(server), timeout=20.0)
    client.execute(T, "echo", 1)
    found = wait_for_calls(face, {"ok": 6, "error": 1, "lost": 2})
    assert value(found, "gunicorn_task_calls_running", app=T) == 0
    assert value(found, "gunicorn_stash_entries") == 0
    text = samples(face, text=True)
    assert calls(text) == calls(found)


def test_a_reload_brings_the_first_tasks_and_takes_the_last(make_server: Serve, tmp_path: Path) -> None:
    path, pid = tmp_path / "control.sock", os.getpid()
    web = """
        from gunicorn.dirty import DirtyError, get_dirty_client
        def app(environ, start_response):
            try:
                octets = str(get_dirty_client().execute("tasks:T", "twice", 21)).encode()
            except DirtyError as error:
                octets = error.message.encode()
            start_response("200 OK", [("Content-Length", str(len(octets)))])
            return [octets]
        """
    server = make_server(web, "--control-socket", str(path), config="")
    write_tasks(server).start()
    config = server.folder / "gunicorn.conf.py"

    def reload(text: str) -> Any:
        config.write_text(text)
        return ask(path, "reload --wait")

    assert b"not configured" in get(server.address).body
    assert ask(path, "show dirty")["enabled"] is False
    tasks = "dirty_apps = ['tasks:T']\ndirty_workers = 1\n"
    assert reload(tasks)["reloaded"]
    wait_until(lambda: get(server.address).body == b"42")
    assert ask(path, "show dirty")["enabled"] is True
    leader, (process,) = master_of(server), processes_of(server)
    # What is wrong with tasks changes nothing.
    assert "dirty_apps" in str(reload(tasks.replace("tasks:T", "tasks:T:0")))
    assert get(server.address).body == b"42"
    # Nor does what the workers refuse: an order behind it finds the same generation.
    assert "pidfile" in str(reload(tasks + "pidfile = 'there/is/none'"))
    assert ask(path, "dirty add 1")["target_workers"] == 2
    assert len({row["generation"] for row in ask(path, "show dirty")["workers"]}) == 1
    assert process in processes_of(server)
    assert reload("")["reloaded"]
    wait_until(lambda: not is_alive(leader) and not is_alive(process))
    assert b"not configured" in get(server.address).body
    assert ask(path, "show dirty")["enabled"] is False
    assert not Path(AT.findall(server.log())[-1][1]).exists()
    # Once more, with a new socket; and back where the new workers cannot start.
    assert reload(tasks)["reloaded"]
    wait_until(lambda: get(server.address).body == b"42")
    leader = master_of(server)
    assert reload("")["reloaded"]
    wait_until(lambda: not is_alive(leader))
    failed = reload(tasks + "def post_worker_init(worker): raise RuntimeError('no')\n")
    assert "the old workers stay" in str(failed)
    wait_until(lambda: ask(path, "show dirty")["enabled"] is False)
    assert b"not configured" in get(server.address).body
    assert pid == os.getpid()
    server.expect_traceback = True
    assert server.stop() == 0


def test_applications_that_share_what_is_imported(make_server: Serve, tmp_path: Path) -> None:
    source = TASKS.replace("class T(DirtyApp):", "LOADED_BY = os.getpid()\nclass T(DirtyApp):\n"
                           "    def loaded_by(self):\n        return LOADED_BY\n", 1)
    server, _ = start(make_server, tmp_path, *ARGS[:2], "--dirty-workers", "2", "--dirty-preload", source=source)
    client = DirtyClient(socket_of(server), timeout=20.0)
    assert client.execute(T, "loaded_by") == master_of(server)
    broken = make_server(HELLO, *ARGS[:2], "--dirty-workers", "1", "--dirty-preload", expect_traceback=True)
    write_tasks(broken, "raise RuntimeError('no model')").spawn()
    assert broken.wait() == 3
    assert "RuntimeError: no model" in broken.log()
    assert "Booting task process" not in broken.log()


def test_a_reload_that_needs_no_room(make_server: Serve, tmp_path: Path) -> None:
    server, path = start(make_server, tmp_path, *ARGS[:2], "--dirty-workers", "2", "--dirty-reload", "replace")
    client = DirtyClient(socket_of(server), timeout=20.0)
    client.execute(T, "echo")
    wait_until(lambda: len(processes_of(server)) == 2)
    before, most = set(processes_of(server)), 0
    server.send_signal(signal.SIGHUP)
    until = time.monotonic() + 20.0
    while before & set(processes_of(server)) and time.monotonic() < until:
        most = max(most, len(ask(path, "show dirty")["workers"]))
        assert client.execute(T, "echo", 1) == [[1], {}]
    assert most <= 2
    wait_until(lambda: len(processes_of(server)) == 2)
    assert not before & set(processes_of(server))


def test_limits_of_messages_and_of_the_stash(make_server: Serve, tmp_path: Path) -> None:
    server, path = start(make_server, tmp_path, *ARGS[:2], "--dirty-workers", "1", "--dirty-max-message", "100K",
                         "--dirty-stash-memory", "10K")
    client = DirtyClient(socket_of(server), timeout=20.0)
    # This process is not the server's, and has a limit of its own; the one of the server is that of the task process.
    assert client.execute(T, "echo", "x" * 90_000) == [["x" * 90_000], {}]
    with pytest.raises(DirtyAppError, match="102400 are the most"):
        client.execute(T, "returns_long", 200_000)
    os.environ["GUNICORN_DIRTY_LIMIT"] = "102400"
    try:
        with pytest.raises(DirtyProtocolError, match="102400 are the most"):
            client.execute(T, "echo", "x" * 200_000)
    finally:
        del os.environ["GUNICORN_DIRTY_LIMIT"]
    stash = StashClient(socket_of(server))
    stash.put("t", "a", "x" * 5000)
    with pytest.raises(StashError, match="full"):
        stash.put("t", "b", "x" * 6000)
    assert ask(path, "show dirty")["stash"]["limit"] == 10240
    assert [stash.add("t", "n"), stash.add("t", "n", 5)] == [1, 6]
    assert [stash.put_if("t", "n", 6, 7), stash.put_if("t", "n", 6, 8), stash.get("t", "n")] == [True, False, 7]
    stash.put("t", "soon", 1, ttl=0.05)
    wait_until(lambda: stash.get("t", "soon") is None)
    # Nobody need ask for it.
    stash.put("t", "soon", 1, ttl=0.05)
    wait_until(lambda: ask(path, "show dirty")["stash"]["entries"] == 2)
    table = stash.table("t")
    assert [table.add("m"), table.put_if("p", None, 1, ttl=60), table.put_if("p", None, 2)] == [1, True, False]
