"""What is only there with Ray: how it is refused, where actors go, and what becomes of calls when nodes end."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from gunicorn.dirty import DirtyClient, DirtyError, DirtyTimeoutError, DirtyWorkerError
from gunicorn.dirty.stash import StashClient
from gunicorn.tasks._octets import head
from gunicorn.tasks.addresses import door_at
from gunicorn.tasks.frames import CALL, LEAVE, RESULT, WORN, FrameReader, target_of
from gunicorn.tasks.limits import LONGEST, VARIABLE_OF_LIMIT
from gunicorn.tasks.messages import MessageEnd, Messages, pair
from gunicorn.tasks.place import VARIABLE
from gunicorn.tasks.ray_actor import TaskActor
from gunicorn.tasks.values import decode, encode
from tests.conftest import Serve
from tests.support.server import HELLO, Server, children_of, is_alive
from tests.support.wait import PATIENCE, wait_until

from .conftest import NEEDS_RAY
from .pool import ARGS, TASKS, master_of, processes_of, socket_of, write_tasks
from .ray_nodes import Node, free_port

T = "tasks:T"


def on_ray(make_server: Serve, node: Node, *args: str, source: str = TASKS, **options: object) -> Server:
    ours = ("--dirty-backend", "ray", "--dirty-ray-address", node.address)
    return write_tasks(make_server(HELLO, *ARGS[:2], *ours, *args, **options), source)


def client_of(server: Server) -> DirtyClient:
    client = DirtyClient(socket_of(server), timeout=PATIENCE)
    assert client.execute(T, "echo", 1) == [[1], {}]
    return client


# -- without Ray


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_ray_is_not_installed(make_server: Serve) -> None:
    server = make_server(HELLO, *ARGS[:2], "--dirty-workers", "1", "--dirty-backend", "ray")
    assert write_tasks(server).spawn().wait() == 1
    assert "ray is not installed; pip install 'gunicorn[ray]'" in server.log()
    server.check_log()


@pytest.mark.parametrize("address", ["ray://head:10001", "redis://x"])
def test_a_client_of_ray_is_no_driver(make_server: Serve, address: str) -> None:
    server = make_server(HELLO, "--dirty-ray-address", address)
    assert server.spawn().wait() == 1
    assert "expected HOST:PORT of the cluster, or auto" in server.log()
    server.check_log()


@pytest.mark.parametrize(("words", "problem"), [
    (["--dirty-ray-pool", "shared:"], "expected own, or shared:NAME"),
    (["--dirty-ray-pool", "x"], "expected own, or shared:NAME"),
    (["--dirty-ray-pool", "shared:a b"], "expected own, or shared:NAME"),
    (["--dirty-ray-pool", "shared:a.b_c-1", "--no-dirty-ray-direct"], "dirty_ray_direct has to be on"),
])  # fmt: skip
def test_pools_that_cannot_be_shared(make_server: Serve, words: list[str], problem: str) -> None:
    server = make_server(HELLO, *ARGS[:2], "--dirty-workers", "1", "--dirty-backend", "ray", *words)
    assert write_tasks(server).spawn().wait() == 1
    assert problem in server.log()
    server.check_log()


def test_messages_between_the_two() -> None:
    ends = pair()
    first, second = map(Messages, ends)
    for end in ends:
        end.setblocking(False)
    reader, writer = os.pipe()
    first.send("begin", 1, {"a": b"x"}, passed=[writer, reader])
    os.close(writer)
    os.close(reader)
    said, passed = second.receive()
    assert said == ["begin", 1, {"a": b"x"}]
    os.write(passed[0], b"y")
    assert os.read(passed[1], 1) == b"y"
    with pytest.raises(BlockingIOError):
        second.receive()
    for fd in passed:
        os.close(fd)
    # What there is no room for goes later, in order.
    count = 0
    while not first.has_unsent:
        first.send("log", count, "x" * 50_000)
        count += 1
    for number in range(count):
        first.flush()
        assert second.receive()[0][1] == number
    assert not first.has_unsent
    second.close()
    # Nobody is told where nobody listens.
    first.send("log")
    with pytest.raises(MessageEnd):
        first.receive()
    first.close()


class Closing:
    closed = False

    def __call__(self, action: str, *args: object) -> list[object]:
        return [action, *args]

    def close(self) -> None:
        self.closed = True


def test_an_actor_with_the_sockets_of_a_task_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = {
        "chdir": "", "folders": [], "env": {}, "socket": "", "door": "", "node": "", "longest": LONGEST,
        "settings": {}, "age": 1, "apps": [], "hook": None,
    }
    # Which it sets.
    monkeypatch.setenv(VARIABLE_OF_LIMIT, str(LONGEST))
    actor = TaskActor(encode(about))
    app = actor.apps[T] = Closing()
    path = str(tmp_path / "meeting")
    (ours, theirs), (our_control, their_control) = socket.socketpair(), socket.socketpair()
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(3) as threads:
        assert not actor.meet(path, 0)
        assert not actor.come(door_at("127.0.0.1", free_port(), bytes(32)), 1, 0)
        listener.bind(path)
        listener.listen(1)
        for fds, answer in (([], False), ([theirs.fileno()], False), ([theirs.fileno(), their_control.fileno()], True)):
            met = threads.submit(actor.meet, path, 2)
            with listener.accept()[0] as meeting:
                socket.send_fds(meeting, [b"\0"], fds)
            assert met.result(PATIENCE) is answer
        works, hears = threads.submit(actor.work, 0), threads.submit(actor.hear)
        assert actor.stacks() == ""
        reader, payload, target = FrameReader(), encode([[b"x"], {}]), target_of(T, "echo")
        heard = []
        for number in (1, 2):
            ours.sendall(head(CALL, number, len(target) + len(payload), 0, len(target)) + target + payload)
        while len(heard) < 3:
            heard += reader.feed(ours.recv(65536))
        results = [(frame.number, decode(frame.payload)) for frame in heard if frame.kind == RESULT]
        assert results == [(1, ["echo", b"x"]), (2, ["echo", b"x"])]
        assert [frame.kind for frame in heard].count(WORN) == 1
        our_control.sendall(head(LEAVE, 0))
        hears.result(PATIENCE)
        assert app.closed
        ours.close()
        works.result(PATIENCE)
    assert actor._serving is not None
    actor._serving.put_down()
    for end in (theirs, their_control, our_control):
        end.close()


def test_the_last_words_of_one_that_goes_with_something_unread() -> None:
    first, second = map(Messages, pair())
    first.send("begin", 1)
    second.send("log", "error")
    second.close()
    assert first.receive()[0] == ["log", "error"]
    with pytest.raises(MessageEnd):
        first.receive()
    first.close()


# -- with Ray


@pytest.mark.ray
class TestOnRay:
    pytestmark = NEEDS_RAY

    def test_no_cluster_is_there(self, make_server: Serve) -> None:
        port = free_port()
        args = ("--dirty-backend", "ray", "--dirty-ray-address", f"127.0.0.1:{port}", "--dirty-workers", "1")
        server = write_tasks(make_server(HELLO, *ARGS[:2], *args)).spawn()
        assert server.wait() == 3
        assert f"no cluster of Ray can be joined at 127.0.0.1:{port}" in server.log()
        server.check_log()

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("import nothing_like_it", "nothing_like_it"),
            (TASKS.replace("class T(DirtyApp):", "class T(DirtyApp):\n    ray_options = {'max_restarts': 3}"),
             "ray_options has no 'max_restarts'"),
            (TASKS.replace("self.count = 0", "raise RuntimeError('no model')", 1), "RuntimeError: no model"),
            (TASKS.replace("class T(DirtyApp):", "class T(DirtyApp):\n    thread_safe = False"),
             "thread_safe = False, and dirty_threads is 2"),
        ],
    )
    def test_tasks_that_cannot_start(self, make_server: Serve, ray_head: Node, source: str, message: str) -> None:
        options = ("--dirty-workers", "1", "--dirty-threads", "2")
        server = on_ray(make_server, ray_head, *options, source=source, expect_traceback=True).spawn()
        assert server.wait() == 3
        assert message in server.log()

    def test_what_no_node_has_is_said(self, make_server: Serve, ray_head: Node) -> None:
        source = TASKS.replace("class T(DirtyApp):", "class T(DirtyApp):\n    ray_options = {'resources': {'tape': 1}}")
        config = "boot_timeout = 9"
        server = on_ray(make_server, ray_head, "--dirty-workers", "1", source=source, config=config).start()
        server.wait_for_log(r"an actor waits for what no node has: tape 1 \(the most of a node is 0\)")
        server.wait_for_log(r"its actor was not placed, since no node has tape 1")
        assert server.get().status == 200
        assert server.stop() == 0

    def test_hooks_and_the_environment(self, make_server: Serve, ray_head: Node) -> None:
        config = """
import os
def say(word, *args):
    with open("hooks", "a") as file:
        file.write(f"{word} {os.getpid()} {' '.join(map(str, args))}\\n")
def on_dirty_starting(arbiter): say("starting", arbiter.pid)
def dirty_worker_init(worker): say("init", worker.pid, sorted(worker.apps), worker.cfg.dirty_threads, worker.age)
def dirty_worker_exit(arbiter, worker): say("exit", worker.pid)
raw_env = ["COLOUR=green"]
dirty_threads = 3
"""
        server = on_ray(make_server, ray_head, "--dirty-workers", "1", config=config).start()
        client = client_of(server)
        assert client.execute(T, "environment", "COLOUR") == "green"
        (process,), master = processes_of(server), master_of(server)
        assert server.stop() == 0
        assert (server.folder / "hooks").read_text().splitlines() == [
            f"starting {master} {master}", f"init {process} {process} ['tasks:T'] 3 1", f"exit {master} {process}",
        ]
        wait_until(lambda: not is_alive(process))

    def test_the_process_that_speaks_to_ray_is_killed(self, make_server: Serve, ray_head: Node) -> None:
        server = on_ray(make_server, ray_head, "--dirty-workers", "1").start()
        client = client_of(server)
        (process,), (gateway,) = processes_of(server), children_of(master_of(server))
        client.execute(T, "echo")
        os.kill(gateway, signal.SIGKILL)
        server.wait_for_log(rf"The process that speaks to Ray \(pid:{gateway}\) ended with -9")
        assert answers_again(client)
        assert children_of(master_of(server)) != [gateway]
        wait_until(lambda: not is_alive(process))
        assert server.stop() == 0

    @pytest.mark.parametrize(("nodes", "more", "method", "place"), [
        ("ray_head", (), "work", "/"), ("far_node", (), "work", "tcp://"),
        ("far_node", ("--no-dirty-ray-direct",), "run", "/"),
    ])  # fmt: skip
    def test_which_way_calls_take(
        self, make_server: Serve, request: pytest.FixtureRequest, nodes: str, more: tuple[str, ...], method: str,
        place: str,
    ) -> None:
        source = TASKS.replace("""    def pid(self):
""", """    def task(self):
        import ray
        return ray.get_runtime_context().get_task_function_name()
    def pid(self):
""", 1)
        node = request.getfixturevalue(nodes)
        server = on_ray(make_server, node, "--dirty-workers", "1", *more, source=source).start()
        client = client_of(server)
        assert str(client.execute(T, "task")).endswith(f"TaskActor.{method}")
        door = str(client.execute(T, "environment", VARIABLE))
        assert door.startswith(place)
        # What it does not say who it is for is in no log.
        assert door.rpartition("/")[2] not in server.log() or place == "/"
        assert not list(Path(socket_of(server)).parent.glob("actor-*"))
        assert server.stop() == 0

    @pytest.mark.parametrize("nodes", ["ray_head", "far_node"])
    def test_how_much_may_be_sent_at_once(self, make_server: Serve, request: pytest.FixtureRequest, nodes: str) -> None:
        node = request.getfixturevalue(nodes)
        server = on_ray(make_server, node, "--dirty-workers", "1", "--dirty-max-message", "100K").start()
        client = client_of(server)
        with pytest.raises(DirtyError, match="102400 are the most"):
            client.execute(T, "returns_long", 200_000)
        assert len(str(client.execute(T, "returns_long", 100_000))) == 100_000
        assert len(processes_of(server)) == 1
        assert server.stop() == 0

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_a_pool_that_servers_share(self, make_server: Serve, ray_head: Node, number: int) -> None:
        shared = ("--dirty-workers", "1", "--dirty-ray-pool", f"shared:of-{number}")
        first = on_ray(make_server, ray_head, *shared).start()
        first.wait_for_log("the pool of-.* is led here")
        second = on_ray(make_server, ray_head, *shared).start()
        second.wait_for_log(r"the pool of-.* is led at \S+:\d+\n")
        leader, client = client_of(first), client_of(second)
        assert leader.execute(T, "pid") == client.execute(T, "pid")
        # What comes in several pieces; and what would be passed as a descriptor on one machine.
        for size in (200_000, 1_000_000):
            assert client.execute(T, "echo", b"x" * size) == [[b"x" * size], {}]
        assert list(client.stream(T, "items", 50)) == list(range(50))
        for place, other in ((first, second), (second, first)):
            StashClient(socket_of(place)).put("shared", "k", place.pid)
            assert StashClient(socket_of(other)).get("shared", "k") == place.pid
        assert client.execute(T, "from_stash", "k") == second.pid
        with pytest.raises(DirtyTimeoutError):
            DirtyClient(socket_of(second), timeout=0.5).execute(T, "until_cancelled")
        wait_until(lambda: client.execute(T, "what_ended")[1].count("cancelled") == 1)
        second.send_signal(signal.SIGTTIN)
        second.send_signal(signal.SIGHUP)
        second.wait_for_log("Task processes: reload done, 0 serve the new code")
        assert processes_of(second) == []
        # Who leads ends: the other one does.
        os.kill(first.pid, number)
        second.wait_for_log("the pool of-.* is led here")
        assert answers_again(client)
        assert processes_of(second) == [client.execute(T, "pid")]
        assert second.stop() == 0

    def test_who_has_lost_the_name_of_a_pool_follows(self, make_server: Serve, ray_head: Node) -> None:
        shared = ("--dirty-workers", "1", "--dirty-ray-pool", "shared:lost")
        first = on_ray(make_server, ray_head, *shared).start()
        client_of(first)
        before = children_of(master_of(first))
        # With the process that speaks to Ray all goes: actors, the name, and the pool begins anew.
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: first.log().count("the pool lost is led here") == 2, 60, first.describe)
        assert answers_again(DirtyClient(socket_of(first), timeout=PATIENCE))
        assert first.stop() == 0

    def test_nothing_is_left_of_a_killed_server(self, make_server: Serve, ray_head: Node) -> None:
        server = on_ray(make_server, ray_head, "--dirty-workers", "2").start()
        client_of(server)
        wait_until(lambda: len(processes_of(server)) == 2)
        pids = [*processes_of(server), *children_of(master_of(server)), master_of(server)]
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, pids)))

    def test_a_node_that_does_not_answer_gets_nothing_new(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import ray

        from gunicorn.tasks.ray_cluster import Cluster

        def node(name: str, port: int, cpus: float) -> dict[str, object]:
            return {"NodeID": name, "Alive": True, "NodeManagerAddress": "127.0.0.1", "NodeManagerPort": port,
                    "Resources": {"CPU": cpus}}

        with socket.create_server(("127.0.0.1", 0)) as listener:
            nodes = [node("aa", free_port(), 8.0), node("bb", listener.getsockname()[1], 2.0)]
            monkeypatch.setattr(ray, "nodes", lambda: nodes)
            cluster, options = Cluster(), {"num_cpus": 2, "label_selector": {"zone": "a"}}
            assert cluster.problem_of("bb") == ""
            assert "its node, 127.0.0.1, does not answer" in cluster.problem_of("aa")
            assert cluster.problem_of("cc") == "its node has left the cluster"
            assert cluster.placed(options) == options
            cluster.suspect("aa")
            selector = {"zone": "a", "ray.io/node-id": "!in(aa)"}
            assert cluster.placed(options) == {"num_cpus": 2, "label_selector": selector}
            # What only that node has waits for it.
            assert cluster.placed({"num_cpus": 4}) == {"num_cpus": 4}

    def test_an_actor_that_is_only_busy_is_left_alone(self, make_server: Serve, ray_head: Node) -> None:
        """In code that keeps the interpreter to itself no thread of an actor answers anybody."""
        source = TASKS.replace("    def pid(self)", "    def hold(self, seconds):\n        import ctypes\n"
                               "        return ctypes.PyDLL(None).sleep(seconds)\n    def pid(self)", 1)
        server = on_ray(make_server, ray_head, "--dirty-workers", "1", source=source).start()
        client = client_of(server)
        (process,) = processes_of(server)
        # Longer than an actor may be silent before its node is looked at, and longer than that may take.
        assert client.execute(T, "hold", 10) == 0
        assert client.execute(T, "pid") == process
        assert server.stop() == 0

    def test_calls_go_on_when_a_node_ends(self, make_server: Serve, ray_head: Node) -> None:
        second = Node(4, ray_head)
        try:
            second.wait()
            server = on_ray(make_server, ray_head, "--dirty-workers", "2").start()
            client = client_of(server)
            wait_until(lambda: len(processes_of(server)) == 2, 60, server.describe)
            nodes = re.findall(r"is ready: .* on node (\w+)", server.log())
            assert len(set(nodes)) == 2, server.log()
            told = in_a_load(client, second.kill)
            # Those that ran there may have run, and nobody else has noticed.
            assert all(isinstance(error, DirtyWorkerError) for error in told), told
            assert all(error.details["node"] in nodes for error in told)
            # The lost one has a successor on the other node.
            wait_until(lambda: len(processes_of(server)) == 2, 60, server.describe)
            assert server.stop() == 0
        finally:
            second.close()


def in_a_load(client: DirtyClient, act: Callable[[], None]) -> list[DirtyError]:
    """What callers are told while `act` is called among their calls; they go on until somebody was told something, and
    others have been answered behind that."""
    told: list[DirtyError] = []
    ends, good, moments = threading.Event(), [0], [0.0, 0.0, 0.0]

    def ask() -> None:
        while not ends.is_set():
            try:
                client.execute(T, "sleep", 0.05)
            except DirtyError as error:
                told.append(error)
                moments[1] = moments[1] or time.monotonic()
            else:
                good[0] += 1
                moments[2] = moments[2] or time.monotonic() if moments[0] else 0.0

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: good[0] > 20)
        moments[0] = time.monotonic()
        act()
        wait_until(lambda: told)
        before = good[0]
        wait_until(lambda: good[0] > before + 20)
    finally:
        ends.set()
        for thread in threads:
            thread.join(30)
    print(f"told after {moments[1] - moments[0]:.2f} s, answered again after {moments[2] - moments[0]:.2f} s")
    return told


def answers_again(client: DirtyClient) -> bool:
    def answers() -> bool:
        try:
            return bool(client.execute(T, "echo", 1) == [[1], {}])
        except DirtyError:
            return False

    return wait_until(answers)
