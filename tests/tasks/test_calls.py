"""What callers see of task processes: one server, with real processes and sockets, for all cases."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.dirty import (
    DirtyAppError,
    DirtyClient,
    DirtyConnectionError,
    DirtyProtocolError,
    DirtyTimeoutError,
    DirtyWorkerError,
)
from gunicorn.dirty.errors import DirtyNoWorkersAvailableError
from tests.support.server import HELLO, Server
from tests.support.wait import wait_until

from .pool import ARGS, processes_of, socket_of, write_tasks

T = "tasks:T"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, backend: tuple[str, ...]) -> Iterator[Server]:
    args = (*ARGS, "--dirty-workers", "2", "--dirty-threads", "2", "--dirty-graceful-timeout", "3", *backend)
    made = Server(Path(tmp_path_factory.mktemp("calls")), HELLO, *args)
    write_tasks(made)
    try:
        made.start()
        yield made
        assert made.stop() == 0
    finally:
        made.kill()


@pytest.fixture
def client(server: Server) -> Iterator[DirtyClient]:
    with DirtyClient(socket_of(server), timeout=20.0) as client:
        yield client


def test_values_go_there_and_come_back(client: DirtyClient) -> None:
    value = [None, True, 2**100, 1.5, "é", b"\x00", {"a": [1, (2,)]}]
    assert client.execute(T, "echo", *value, key=b"x") == [[None, True, 2**100, 1.5, "é", b"\x00", {"a": [1, [2]]}],
                                                           {"key": b"x"}]
    assert client.execute(T, "returns", "tuple") == [1, [2]]
    assert client.execute(T, "returns", "big") == 2**100


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
def test_sizes(client: DirtyClient, size: int) -> None:
    payload = os.urandom(size)
    assert client.execute(T, "echo", payload) == [[payload], {}]


def test_where_things_run(client: DirtyClient) -> None:
    in_main, name = client.execute(T, "where")
    assert in_main
    assert name.startswith(f"dirty-worker-{client.execute(T, 'pid')}-_"[:13])


def test_calls_are_dealt_to_all_that_have_the_application(client: DirtyClient, server: Server) -> None:
    wait_until(lambda: len({client.execute(T, "pid") for _ in range(4)}) == 2)
    assert len({client.execute("tasks:One", "pid") for _ in range(4)}) == 1
    assert client.execute("tasks:Duck", "quack", 1) == ["quack", 1]


@pytest.mark.parametrize(
    ("kind", "args", "message"),
    [("KeyError", ["k"], "'k'"), ("KeyboardInterrupt", ["now"], "now"), ("GeneratorExit", [], ""),
     ("MemoryError", [], "")],
)
def test_what_an_action_raises_is_its_caller_s(
    client: DirtyClient, server: Server, kind: str, args: list[str], message: str
) -> None:
    wait_until(lambda: len(processes_of(server)) == 2)
    before = processes_of(server)
    with pytest.raises(DirtyAppError) as caught:
        client.execute(T, "fail", kind, *args)
    error = caught.value
    assert (error.message, error.app_path, error.action, error.error_type) == (message, T, "fail", kind)
    assert error.traceback is not None
    assert "in fail" in error.traceback
    assert processes_of(server) == before


@pytest.mark.parametrize("action", ["nope", "_hidden", "__call__", "workers"])
def test_actions_that_are_none(client: DirtyClient, action: str) -> None:
    with pytest.raises(DirtyAppError, match=f"Unknown action: {action}"):
        client.execute(T, action)


def test_an_application_that_nobody_has(client: DirtyClient) -> None:
    with pytest.raises(DirtyNoWorkersAvailableError, match="No workers available for app: tasks:X"):
        client.execute("tasks:X", "do")


def test_what_cannot_be_passed_is_refused_where_it_is_sent(client: DirtyClient) -> None:
    with pytest.raises(DirtyProtocolError, match="type set"):
        client.execute(T, "echo", {1})
    with pytest.raises(DirtyAppError, match="type set"):
        client.execute(T, "returns", "set")
    assert client.execute(T, "echo", 1) == [[1], {}]


def test_coroutines(client: DirtyClient) -> None:
    assert client.execute(T, "twice", 4) == 8


def test_a_child_of_an_action(client: DirtyClient) -> None:
    assert client.execute(T, "child") == 7
    assert client.execute(T, "echo", 1) == [[1], {}]


# -- streams


@pytest.mark.parametrize("action", ["items", "items_async"])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100])
def test_streams(client: DirtyClient, action: str, count: int) -> None:
    assert list(client.stream(T, action, count)) == list(range(count))


def test_a_stream_of_what_gives_no_items(client: DirtyClient) -> None:
    assert list(client.stream(T, "echo", 1)) == []


def test_an_error_in_the_middle_of_a_stream(client: DirtyClient) -> None:
    items = client.stream(T, "items", 5, error_at=3)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DirtyAppError, match="in the middle"):
        next(items)
    with pytest.raises(StopIteration):
        next(items)


def test_what_gives_items_is_to_be_streamed(client: DirtyClient) -> None:
    for action in ("items", "items_async"):
        with pytest.raises(DirtyAppError, match=r"ask for them by stream\(\)"):
            client.execute(T, action, 3)
    assert client.execute(T, "echo", 1) == [[1], {}]


def ended(client: DirtyClient) -> list[str]:
    """What has ended early, in all processes."""
    found = dict(client.execute(T, "what_ended") for _ in range(8))
    return [word for words in found.values() for word in words]


@pytest.mark.parametrize(("action", "word"), [("items", "closed"), ("items_async", "async closed")])
def test_a_stream_that_is_left_ends(client: DirtyClient, action: str, word: str) -> None:
    before = ended(client).count(word)
    items = client.stream(T, action, 10**9)
    assert next(items) == 0
    items.close()
    assert list(items) == []
    # The connection is as good as before.
    assert client.execute(T, "echo", 1) == [[1], {}]
    wait_until(lambda: ended(client).count(word) > before)


def test_streams_and_calls_beside_each_other(client: DirtyClient) -> None:
    first, second = client.stream(T, "items", 50), client.stream(T, "items_async", 50)
    found = []
    for a, b in zip(first, second, strict=True):
        found.append((a, b, client.execute("tasks:Duck", "x", a)[1]) if a % 10 == 0 else (a, b, a))
    assert found == [(n, n, n) for n in range(50)]


def test_a_slow_reader_stops_the_generator(client: DirtyClient) -> None:
    items = client.stream(T, "items", 10**9)
    next(items)
    # It has sent what there is room for, and makes the one behind.
    counts: set[int] = set()
    wait_until(lambda: counts.update([client.execute(T, "add")]) or max(counts) >= 8)
    assert client.execute(T, "add") < 60
    items.close()


# -- limits of callers


def test_a_caller_that_gives_up_is_told_and_the_next_call_is_served(server: Server, client: DirtyClient) -> None:
    hasty = DirtyClient(socket_of(server), timeout=0.1)
    with pytest.raises(DirtyTimeoutError) as caught:
        hasty.execute(T, "sleep", 0.4)
    assert caught.value.timeout == 0.1
    wait_until(lambda: len(processes_of(server)) == 2)
    assert DirtyClient(socket_of(server)).execute(T, "echo", 1) == [[1], {}]
    # What comes too late for the first call is not taken for the answer of the next.
    hasty.timeout = 20.0
    for number in range(20):
        assert hasty.execute(T, "echo", number) == [[number], {}]


@pytest.mark.parametrize("action", ["until_cancelled", "for_ever"])
def test_who_gives_up_cancels(server: Server, client: DirtyClient, action: str) -> None:
    word = {"until_cancelled": "cancelled", "for_ever": "async cancelled"}[action]
    before = ended(client).count(word)
    with pytest.raises(DirtyTimeoutError):
        DirtyClient(socket_of(server), timeout=0.1).execute(T, action)
    wait_until(lambda: ended(client).count(word) > before)


def test_a_caller_that_ends_cancels(server: Server, client: DirtyClient) -> None:
    before = ended(client).count("cancelled")
    other = DirtyClient(socket_of(server))

    def ask() -> None:
        with pytest.raises(DirtyConnectionError):
            other.execute(T, "until_cancelled")

    waiting = server.folder / "waiting"
    waiting.unlink(missing_ok=True)
    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(waiting.exists)
    other.close()
    thread.join(10)
    assert not thread.is_alive()
    wait_until(lambda: ended(client).count("cancelled") > before)


# -- processes that end


def test_a_process_that_dies_in_a_call(server: Server, client: DirtyClient) -> None:
    wait_until(lambda: len(processes_of(server)) == 2)
    before = processes_of(server)
    with pytest.raises(DirtyWorkerError) as caught:
        client.execute(T, "die")
    assert caught.value.worker_id is not None
    assert client.execute(T, "echo", 1) == [[1], {}]
    wait_until(lambda: len(processes_of(server)) == 2 and processes_of(server) != before)
    # Its place among those that have the limited application is taken.
    assert len({client.execute("tasks:One", "pid") for _ in range(4)}) == 1


def test_an_action_that_leaves_ends_its_process_alone(server: Server, client: DirtyClient) -> None:
    wait_until(lambda: len(processes_of(server)) == 2)
    before = processes_of(server)
    with pytest.raises(DirtyAppError):
        client.execute(T, "fail", "SystemExit", 5)
    assert client.execute(T, "echo", 1) == [[1], {}]
    wait_until(lambda: len(set(processes_of(server)) - set(before)) == 1 and len(processes_of(server)) == 2)


# -- many callers


def test_threads_with_one_client(client: DirtyClient) -> None:
    found: list[object] = []

    def ask(number: int) -> None:
        found.extend(client.execute(T, "echo", number, n)[0] == [number, n] for n in range(40))

    threads = [threading.Thread(target=ask, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [True] * 320


def test_coroutines_with_one_client(server: Server) -> None:
    async def play() -> None:
        async with DirtyClient(socket_of(server)) as client:
            found = await asyncio.gather(*(client.execute_async(T, "twice", number) for number in range(50)))
            assert found == [2 * number for number in range(50)]
            assert [item async for item in client.stream_async(T, "items", 30)] == list(range(30))
            big = b"x" * 3_000_000
            assert (await client.execute_async(T, "echo", big))[0][0] == big
            with pytest.raises(DirtyAppError, match="in the middle"):
                async for _ in client.stream_async(T, "items", 9, error_at=2):
                    pass
            items = client.stream_async(T, "items_async", 10**9)
            assert await anext(items) == 0
            await items.aclose()
            client.timeout = 0.1
            with pytest.raises(DirtyTimeoutError):
                await client.execute_async(T, "sleep", 1.0)
            client.timeout = 20.0
            task = asyncio.create_task(client.execute_async(T, "for_ever"))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await client.execute_async(T, "twice", 1) == 2

    asyncio.run(play())


def test_a_client_after_a_fork(client: DirtyClient) -> None:
    assert client.execute(T, "echo", 1) == [[1], {}]
    pid = os.fork()
    if not pid:
        ok = all(client.execute(T, "echo", n) == [[n], {}] for n in range(50))
        os._exit(0 if ok else 1)
    assert all(client.execute(T, "echo", -n) == [[-n], {}] for n in range(50))
    assert os.waitpid(pid, 0)[1] == 0


def test_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(DirtyConnectionError, match="Failed to connect") as caught:
        DirtyClient(str(tmp_path / "none")).execute(T, "echo")
    assert caught.value.socket_path == str(tmp_path / "none")


def test_a_peer_that_talks_nonsense_is_left(server: Server, client: DirtyClient) -> None:
    import socket

    for octets in (b"GET / HTTP/1.1\r\n\r\n" * 9, bytes(100), b"\x09" + bytes(23)):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(socket_of(server))
            peer.sendall(octets)
            assert peer.recv(100) == b""
    assert client.execute(T, "echo", 1) == [[1], {}]


# -- the stash


def test_the_stash(server: Server, client: DirtyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from gunicorn.dirty import StashError, StashKeyNotFoundError, StashTableNotFoundError, stash

    monkeypatch.setenv("GUNICORN_DIRTY_SOCKET", socket_of(server))
    stash.put("shared", "k", {"a": [1]})
    stash.put("shared", 7, b"x")
    assert client.execute(T, "from_stash", "k") == {"a": [1]}
    table = stash.table("shared")
    assert (table["k"], table[7], len(table), list(table), "k" in table, "x" in table) == (
        {"a": [1]}, b"x", 2, ["k", 7], True, False)
    assert (table.items(), table.values(), table.keys("k*")) == ([("k", {"a": [1]}), (7, b"x")], [{"a": [1]}, b"x"],
                                                                ["k"])
    del table[7]
    for missing in (lambda: table[7], lambda: table.__delitem__(7), lambda: stash.table("never")["k"]):
        with pytest.raises(KeyError) as caught:
            missing()
        assert isinstance(caught.value, StashKeyNotFoundError)
    assert stash.get("shared", "x", 5) == 5
    assert stash.get("never", "x", 5) == 5
    assert (stash.delete("shared", "x"), stash.exists("shared"), stash.exists("shared", "k")) == (False, True, True)
    assert stash.info("shared") == {"size": 1, "table": "shared"}
    with pytest.raises(StashTableNotFoundError):
        stash.info("never")
    with pytest.raises(StashError):
        stash.put("shared", [1], 1)
    with pytest.raises(StashError, match="type set"):
        stash.put("shared", "k", {1})
    with pytest.raises(StashTableNotFoundError):
        len(stash.table("never"))
    assert (stash.keys("never"), stash.delete("never", "k"), stash.table("never").values()) == ([], False, [])
    stash.ensure("other")
    assert stash.tables() == ["shared", "other"]
    stash.clear("shared")
    stash.delete_table("other")
    stash.delete_table("other")
    assert (stash.tables(), stash.keys("shared")) == (["shared"], [])
