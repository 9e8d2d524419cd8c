"""How task processes and their master start, are watched, replaced and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gunicorn.dirty import (
    DirtyAppError,
    DirtyClient,
    DirtyConnectionError,
    DirtyError,
    DirtyQueueFullError,
    DirtyTimeoutError,
    DirtyWorkerError,
)
from gunicorn.master.pool import pause_after
from gunicorn.tasks.client import result_of
from gunicorn.tasks.frames import CALL, target_of
from gunicorn.tasks.values import encode
from gunicorn.unix import resources
from tests.conftest import Serve
from tests.support.server import HELLO, Server, children_of, is_alive
from tests.support.wait import PATIENCE, wait_until
from tests.workers.kinds import KINDS, at_once

from .pool import ARGS, AT, TASKS, master_of, processes_of, socket_of, write_tasks

T = "tasks:T"
# Where tasks run, as words of a command line.
Backend = tuple[str, ...]

WEB = """
import json
from gunicorn.dirty import get_dirty_client, stash

def app(environ, start_response):
    stash.put("web", "path", environ["PATH_INFO"])
    client = get_dirty_client()
    answer = [client.execute("app:T", "echo", environ["PATH_INFO"]), client.execute("app:T", "twice", 4)]
    answer += [list(client.stream("app:T", "items_async", 3)), stash.get("web", "path")]
    octets = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Length", str(len(octets)))])
    return [octets]
"""


def start(make_server: Serve, *args: str, app: str = HELLO, source: str = TASKS, **options: object) -> Server:
    server = make_server(app, *ARGS[:2], *args, **options)
    return write_tasks(server, source).start()


def served(server: Server, **options: float) -> DirtyClient:
    """A client of a server whose tasks are ready."""
    client = DirtyClient(socket_of(server), timeout=PATIENCE)
    assert client.execute(T, "echo", 1) == [[1], {}]
    client.timeout = 20.0
    for name, value in options.items():
        setattr(client, name, value)
    return client


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("class T:\n  def init(self): raise RuntimeError('no model')\n  def close(self): 0\n  def __call__(self): 0",
         "RuntimeError: no model"),
        ("import nothing_like_it", "nothing_like_it"),
        ("T = 3", "tasks:T is not a class"),
        ("", "Dirty app not found: tasks:T"),
        ("import sys\nsys.exit(0)", "SystemExit"),
    ],
)
def test_tasks_that_cannot_start_end_a_server_that_starts(make_server: Serve, source: str, message: str) -> None:
    server = make_server(HELLO, *ARGS[:2], "--dirty-workers", "1", expect_traceback=True)
    write_tasks(server, source).spawn()
    assert server.wait() == 3
    assert message in server.log()
    assert server.log().count("Booting task process") == 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [("tasks:T:0", "Worker count must be >= 1, got 0"), ("tasks", "Invalid import path format: tasks.")],
)
def test_a_specification_that_is_none_ends_the_start(make_server: Serve, spec: str, message: str) -> None:
    server = make_server(HELLO, "--dirty-app", spec, "--dirty-workers", "1")
    server.spawn()
    assert server.wait() == 1
    assert message in server.log()
    server.check_log()
    check = make_server(HELLO, "--dirty-app", spec, "--dirty-workers", "1", "--check-config").spawn()
    assert check.wait() == 1
    assert message in check.log()
    check.check_log()


@pytest.mark.parametrize("args", [("--dirty-workers", "2"), ARGS[:2]])
def test_no_tasks_without_both(serve: Serve, args: tuple[str, ...]) -> None:
    server = serve(HELLO, *args, env={"GUNICORN_DIRTY_SOCKET": "/somebody/else"}, config="""
def when_ready(server):
    import os
    print("SOCKET", os.environ.get("GUNICORN_DIRTY_SOCKET"), server.pool.pid)
""")
    server.wait_for_log("SOCKET None 0")
    assert len(server.worker_pids()) == 1


def test_hooks(make_server: Serve) -> None:
    config = """
import os
def say(word, *args):
    with open("hooks", "a") as file:
        file.write(f"{word} {os.getpid()} {' '.join(map(str, args))}\\n")
def on_dirty_starting(arbiter): say("starting", arbiter.pid, arbiter.cfg.dirty_workers)
def dirty_post_fork(arbiter, worker): say("fork", worker.pid, worker.age)
def dirty_worker_init(worker):
    say("init", worker.pid, worker.ppid, sorted(worker.apps), worker.app_paths, worker.booted, worker.alive)
def dirty_worker_exit(arbiter, worker): say("exit", worker.pid)
"""
    server = start(make_server, "--dirty-workers", "1", config=config)
    served(server)
    master, (process,) = master_of(server), processes_of(server)
    assert server.stop() == 0
    lines = (server.folder / "hooks").read_text().splitlines()
    # The forked process may be faster than the one that has forked it.
    assert sorted(lines[1:3]) + [lines[0], lines[3]] == [
        f"fork {master} {process} 1", f"init {process} {process} {master} ['tasks:T'] ['tasks:T'] False True",
        f"starting {master} {master} 1", f"exit {master} {process}",
    ]


def test_a_stop_lets_calls_end_and_closes_applications(make_server: Serve, backend: Backend) -> None:
    server = start(make_server, "--dirty-workers", "1", *backend)
    client = served(server)
    path, (process,) = socket_of(server), processes_of(server)
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(client.execute(T, "sleep", 0.5)))
    thread.start()
    wait_until((server.folder / "sleeping").exists)
    assert server.stop() == 0
    thread.join(10)
    assert found == [process]
    assert (server.folder / "closed").read_text() == f"{process}\n"
    assert not os.path.exists(os.path.dirname(path))
    with pytest.raises(DirtyConnectionError):
        client.execute(T, "echo")


def test_a_stop_can_be_hastened(make_server: Serve, backend: Backend) -> None:
    server = start(make_server, "--dirty-workers", "1", *backend)
    client = served(server)

    def ask() -> None:
        with pytest.raises(DirtyError):
            client.execute(T, "sleep", 300)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until((server.folder / "sleeping").exists)
    (worker,) = set(server.worker_pids()) - {master_of(server)}
    server.send_signal(signal.SIGTERM)
    # The workers are gone, and the tasks are waited for.
    wait_until(lambda: not is_alive(worker))
    server.send_signal(signal.SIGINT)
    assert server.wait() == 0
    thread.join(10)
    assert not thread.is_alive()
    assert "did not end in time" not in server.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_quick_stop_waits_for_nobody(make_server: Serve, number: int, backend: Backend) -> None:
    server = start(make_server, "--dirty-workers", "1", *backend)
    client = served(server)

    def ask() -> None:
        with pytest.raises(DirtyError):
            client.execute(T, "sleep", 60)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until((server.folder / "sleeping").exists)
    begun = time.monotonic()
    assert server.stop(number) == 0
    assert time.monotonic() - begun < 20
    thread.join(10)
    assert not thread.is_alive()


def test_a_stop_that_all_processes_are_told_of(make_server: Serve) -> None:
    """As a service manager and a terminal do it: those that go are replaced, and these go, too."""
    server = start(make_server, "--dirty-workers", "3")
    served(server)
    wait_until(lambda: len(processes_of(server)) == 3)
    os.killpg(server.pid, signal.SIGTERM)
    assert server.wait() == 0
    server.check_log()
    assert "did not end in time" not in server.log()


def test_a_call_that_takes_too_long_costs_its_process(make_server: Serve, backend: Backend) -> None:
    server = start(make_server, "--dirty-workers", "1", *backend, "--dirty-timeout", "1", expect_traceback=True)
    client = served(server)
    (process,) = processes_of(server)
    with pytest.raises(DirtyTimeoutError) as caught:
        client.execute(T, "sleep", 60)
    assert caught.value.timeout == 1
    # Another process is there at once, whatever the first one is still doing.
    assert client.execute(T, "echo", 1) == [[1], {}]
    assert process not in processes_of(server)
    match = server.wait_for_log(r"TASK TIMEOUT \(pid:\d+\) after 1 s in: tasks:T\.sleep")
    wait_until(lambda: "in sleep" in server.log()[match.end():])
    assert list(client.stream(T, "items", 3, seconds=0.6)) == [0, 1, 2]


def test_a_reload_brings_new_code_and_keeps_the_old_where_the_new_does_not_start(
    make_server: Serve, backend: Backend
) -> None:
    server = start(make_server, "--dirty-workers", "2", *backend, expect_traceback=True)
    client = served(server)
    wait_until(lambda: len(processes_of(server)) == 2)
    first, path = set(processes_of(server)), socket_of(server)
    write_tasks(server, TASKS.replace("return [list(args), kwargs]", "return ['new', *args]"))
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: client.execute(T, "echo", 1) == ["new", 1])
    wait_until(lambda: not first & set(processes_of(server)))
    write_tasks(server, TASKS.replace("self.count = 0", "raise RuntimeError('not today')"))
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("Task processes: reload failed, the old ones stay")
    assert client.execute(T, "echo", 1) == ["new", 1]
    assert path == socket_of(server)
    wait_until(lambda: len(processes_of(server)) == 2)


@pytest.mark.parametrize("count", [1_280, pytest.param(100_000, marks=pytest.mark.slow)])
def test_no_call_of_many_is_lost_or_run_twice(make_server: Serve, count: int) -> None:
    server = start(make_server, "--dirty-workers", "1")
    path = served(server).socket_path

    def ask(calls: int) -> list[int]:
        with DirtyClient(path, timeout=PATIENCE) as client:
            return [client.execute(T, "add") for _ in range(calls)]

    def memory() -> int:
        used = [resources.proportional_memory(pid) for pid in (master_of(server), *processes_of(server))]
        return sum(each or 0 for each in used)

    with ThreadPoolExecutor(64) as callers:
        told = [each for found in callers.map(ask, [count // 640] * 64) for each in found]
        before = memory()
        told += [each for found in callers.map(ask, [count // 64 - count // 640] * 64) for each in found]
    # Each run has counted one further, and was told to one caller.
    assert sorted(told) == list(range(1, len(told) + 1))
    assert memory() < before + (4 << 20)
    assert len(told) == count // 64 * 64


def test_a_process_is_replaced_after_so_many_calls(make_server: Serve, backend: Backend) -> None:
    server = start(make_server, "--dirty-workers", "1", *backend, "--dirty-max-calls", "20")
    client = served(server)
    found = [client.execute(T, "pid") for _ in range(19)]
    assert len(set(found)) == 1
    # The old one serves until the new one is ready, and no call is lost on the way.
    wait_until(lambda: client.execute(T, "pid") != found[0])
    wait_until(lambda: found[0] not in processes_of(server))
    assert (server.folder / "closed").read_text() == f"{found[0]}\n"


@pytest.mark.slow
def test_a_process_that_has_grown_is_replaced(make_server: Serve) -> None:
    ballast = "self.ballast = [] if os.path.exists('grown') else b'x' * (80 << 20); self.main ="
    source = TASKS.replace("self.main =", ballast)
    server = start(make_server, "--dirty-workers", "1", "--dirty-max-memory", "60M", source=source)
    client = served(server)
    first = client.execute(T, "pid")
    (server.folder / "grown").touch()
    wait_until(lambda: processes_of(server) and first not in processes_of(server))
    assert client.execute(T, "pid") != first


def test_so_many_calls_wait(make_server: Serve, backend: Backend) -> None:
    server = start(make_server, "--dirty-workers", "1", *backend, "--dirty-queue", "2")
    client = served(server)
    # On one connection calls come in order.
    ask = client._link.ask
    replies = [ask(CALL, target_of(T, "until_cancelled"), encode([[], {}]), 0, 20.0) for _ in range(6)]
    for reply in replies[3:]:
        with pytest.raises(DirtyQueueFullError):
            result_of(*client._link.wait(reply, 20.0))
    for reply in replies[:3]:
        client._link.cancel(reply)
    assert client.execute(T, "echo", 1) == [[1], {}]
    # The two that waited were never run.
    assert client.execute(T, "what_ended")[1] == ["cancelled"]


def test_one_more_and_one_less(make_server: Serve, backend: Backend) -> None:
    server = make_server(HELLO, *ARGS[:4], "--dirty-workers", "2", *backend)
    write_tasks(server).start()
    client = served(server)
    master = master_of(server)
    wait_until(lambda: len(processes_of(server)) == 2)
    os.kill(master, signal.SIGTTIN)
    wait_until(lambda: len(processes_of(server)) == 3)
    one = client.execute("tasks:One", "pid")
    for left in (2, 1):
        os.kill(master, signal.SIGTTOU)
        wait_until(lambda left=left: len(processes_of(server)) == left)
    # The one that has the application which is in no other process stays.
    assert processes_of(server) == [one]
    assert client.execute("tasks:One", "pid") == one


def test_the_only_processes_of_two_applications_stay(make_server: Serve) -> None:
    server = make_server(HELLO, "--dirty-app", "tasks:T:1", "--dirty-app", "tasks:Duck:2", "--dirty-workers", "2")
    write_tasks(server).start()
    served(server)
    wait_until(lambda: len(processes_of(server)) == 2)
    os.kill(master_of(server), signal.SIGTTOU)
    server.wait_for_log("No task process can be spared")
    assert len(processes_of(server)) == 2


# -- killed


def test_a_killed_master_of_tasks_is_started_again_at_the_same_place(make_server: Serve, backend: Backend) -> None:
    server = start(make_server, "--dirty-workers", "1", *backend)
    client = served(server)
    master, (process,) = master_of(server), processes_of(server)
    os.kill(master, signal.SIGKILL)
    # By the old connection or a new one: what was not taken is asked for again, what was is told.
    def answers() -> bool:
        try:
            return client.execute(T, "echo", 1) == [[1], {}]
        except DirtyConnectionError:
            return False

    wait_until(answers)
    assert master_of(server) != master
    wait_until(lambda: not is_alive(process))
    assert server.stop() == 0


#: Who is killed, what runs meanwhile in the only task process, and what its caller is told. The leading process between
#: them has the next one begin without a pause for what died before.
KILLED: list[tuple[str, str, type[DirtyError] | None]] = [
    ("process", "nothing", None), ("process", "a call", DirtyWorkerError), ("master", "nothing", None),
    ("process", "a stream", DirtyWorkerError), ("master", "a call", DirtyConnectionError), ("caller", "a call", None),
    ("master", "a stream", DirtyConnectionError),
]

CALLER = """
import sys
from gunicorn.dirty import DirtyClient
DirtyClient(sys.argv[1]).execute("tasks:T", "until_cancelled")
"""


def test_whoever_is_killed_and_whenever_all_goes_on(make_server: Serve) -> None:
    """Who has asked is told, what waited is done or told, and the next one is served. How long that takes is printed;
    that what dies once is replaced at once, `test_a_crash_loop_slows_down_and_recovers` holds by a clock of its own."""
    server = start(make_server, "--dirty-workers", "1")
    client, waiting = served(server), server.folder / "waiting"

    def is_served() -> bool:
        try:
            return client.execute(T, "echo", 1) == [[1], {}]
        except DirtyError:
            return False

    for who, what, error in KILLED:
        with ThreadPoolExecutor(2) as pool:
            waiting.unlink(missing_ok=True)
            items = client.stream(T, "items", 10**9) if what == "a stream" else iter([0])
            assert next(items) == 0
            victim = master_of(server) if who == "master" else processes_of(server)[0]
            call = queued = caller = None
            if who == "caller":
                caller = subprocess.Popen([sys.executable, "-c", CALLER, socket_of(server)])
                victim = caller.pid
            elif what == "a call":
                call = pool.submit(client.execute, T, "until_cancelled")
            if what == "a call":
                wait_until(waiting.exists)
                queued = pool.submit(is_served)
                other = DirtyClient(socket_of(server), timeout=0.05)
                with pytest.raises(DirtyTimeoutError):
                    other.execute(T, "echo")
            os.kill(victim, signal.SIGKILL)
            begun = time.monotonic()
            wait_until(is_served)
            print(f"{who} killed in {what}: served again after {time.monotonic() - begun:.3f} s")
            if error is not None:
                with pytest.raises(error, match=r"may have run"):
                    call.result() if call is not None else list(items)
            if queued is not None:
                assert queued.result() == (who != "master")
            if caller is not None:
                assert caller.wait(PATIENCE) == -signal.SIGKILL
                assert client.execute(T, "what_ended")[1] == ["cancelled"]
    assert server.stop() == 0


INTERRUPTED = """
import signal, sys
from gunicorn.dirty import DirtyClient
# Whoever runs the tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
client = DirtyClient(sys.argv[1])
try:
    client.execute("tasks:T", "until_cancelled")
except KeyboardInterrupt:
    print(client.execute("tasks:T", "what_ended")[1])
"""


def test_a_caller_that_is_interrupted_gives_up_its_call(make_server: Serve) -> None:
    server = start(make_server, "--dirty-workers", "1")
    served(server)
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED, socket_of(server)], stdout=subprocess.PIPE) as caller:
        wait_until((server.folder / "waiting").exists)
        caller.send_signal(signal.SIGINT)
        assert caller.communicate(timeout=PATIENCE)[0] == b"['cancelled']\n"


def test_pauses_before_the_leading_process_is_started_again() -> None:
    pauses = [0.0]
    for _ in range(9):
        pauses.append(pause_after(pauses[-1], lasted=False))
    assert pauses == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert pause_after(10.0, lasted=True) == 0.0


def test_nothing_outlives_a_killed_server(make_server: Serve) -> None:
    server = start(make_server, "--dirty-workers", "2")
    served(server)
    wait_until(lambda: len(processes_of(server)) == 2)
    pids = [master_of(server), *processes_of(server), *server.worker_pids()]
    path = socket_of(server)
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, pids)))
    assert not os.path.exists(os.path.dirname(path))


@pytest.mark.slow
def test_processes_that_die_again_and_again_are_not_started_without_pause(make_server: Serve) -> None:
    source = TASKS + "\nif os.path.exists('broken'):\n    raise RuntimeError('broken')\n"
    server = start(make_server, "--dirty-workers", "1", source=source, expect_traceback=True)
    client = served(server)
    (server.folder / "broken").touch()
    with pytest.raises(DirtyError):
        client.execute(T, "die")
    server.wait_for_log("RuntimeError: broken", count=3)
    time.sleep(0.5)
    assert server.log().count("RuntimeError: broken") < 8
    assert server.get().status == 200
    (server.folder / "broken").unlink()
    wait_until(lambda: bool(processes_of(server)))
    client.timeout = 20.0

    def answers() -> bool:
        try:
            return client.execute(T, "echo", 1) == [[1], {}]
        except DirtyError:
            return False

    wait_until(answers)


def test_a_new_master_has_tasks_of_its_own(make_server: Serve) -> None:
    server = start(make_server, "--dirty-workers", "1", "--pid", "pid")
    client = served(server)
    old, path = master_of(server), socket_of(server)
    server.send_signal(signal.SIGUSR2)
    wait_until(lambda: master_of(server) != old)
    new_path = AT.findall(server.log())[-1][1]
    assert new_path != path
    successor = next(pid for pid in children_of(server.pid) if master_of(server) in children_of(pid))
    server.extra_pids |= {successor, master_of(server)}
    new = DirtyClient(new_path, timeout=20.0)
    assert new.execute(T, "echo", 2) == [[2], {}]
    assert client.execute(T, "echo", 1) == [[1], {}]
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert not os.path.exists(path)
    assert new.execute(T, "echo", 3) == [[3], {}]
    os.kill(successor, signal.SIGTERM)
    wait_until(lambda: not is_alive(successor))
    assert not os.path.exists(new_path)
    assert "no setting" not in server.log()


# -- from web workers


def test_workers_of_every_type_ask_for_tasks(make_server: Serve, kinds: list[str]) -> None:
    """Also where a library has put greenlets in the place of threads: in the task processes, too, which are forked from
    the same master."""

    def play(kind: str) -> None:
        server = servers[kind].start()
        for path in ("/a", "/b"):
            answer = server.get(path)
            assert (answer.status, answer.body) == (200, f'[[["{path}"], {{}}], 8, [0, 1, 2], "{path}"]'.encode())
        assert server.stop() == 0

    pool = ("--dirty-app", "app:T", "--dirty-workers", "1")
    servers = {kind: make_server(TASKS + WEB, *KINDS[kind], *pool) for kind in kinds}
    at_once(servers, play)


def test_an_asgi_application_asks_for_tasks(make_server: Serve) -> None:
    app = TASKS + """
from gunicorn.dirty import get_dirty_client_async

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    client = await get_dirty_client_async()
    found = await asyncio.gather(*(client.execute_async("app:T", "twice", n) for n in range(10)))
    found += [item async for item in client.stream_async("app:T", "items", 20)]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": repr(found).encode()})
"""
    server = make_server(app, "-k", "asgi", "--dirty-app", "app:T", "--dirty-workers", "1").start()
    for _ in range(3):
        assert server.get().body == repr([2 * n for n in range(10)] + list(range(20))).encode()
    assert server.stop() == 0


def test_children(make_server: Serve) -> None:
    server = start(make_server, "--dirty-workers", "1")
    served(server)
    # The master of tasks and a worker, and below the first one process.
    assert len(children_of(server.pid)) == 2
    assert len(processes_of(server)) == 1
    with pytest.raises(DirtyAppError):
        served(server).execute(T, "nope")
