"""Kept-alive clients of slow applications: whichever worker is free answers them, and nothing is lost on the way."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.workers.farewell import FAREWELL_SECONDS, QUICK_FAREWELL_SECONDS
from tests.conftest import Serve
from tests.master.scrape import face_of, samples, value
from tests.support.server import Server, children_of, halted, is_alive
from tests.support.wait import wait_until
from tests.support.wire import Wire

APP = """
import os, time
from pathlib import Path

def app(environ, start_response):
    path = environ["PATH_INFO"]
    time.sleep(0.04)
    if path == "/hold":
        Path("held").touch()
        while not Path("release").exists():
            time.sleep(0.01)
    body = f"{os.getpid()} {environ['REMOTE_ADDR'] or '-'}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
KINDS = pytest.mark.parametrize("args", [(), ("-k", "gthread", "--threads", "1")], ids=["sync", "gthread"])
WORKERS = ("-w", "2")


def ask(client: Wire, path: str = "/") -> None:
    client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


def answer(client: Wire) -> list[str]:
    response = client.read_response()
    assert response.status == 200
    return [*response.body.decode().split(), response.get("connection") or ""]


def booted(server: Server) -> set[int]:
    """All workers that there have ever been."""
    return {int(line.rpartition(" ")[2]) for line in server.log_lines() if "Booting worker with pid" in line}


def parking_pid(server: Server) -> int:
    """The process of parked connections; 0 for none."""
    return next(iter(set(children_of(server.pid)) - booted(server)), 0)


def warm_up(server: Server, clients: list[Wire], greeting: str = "") -> None:
    """Have the clients' connections parked. Before that a worker may tell one to connect anew."""

    def play_round() -> bool:
        for client in clients:
            ask(client)
        told = [answer(client)[2] for client in clients]
        for place, connection in enumerate(told):
            if connection == "close":
                clients[place].close()
                clients[place] = server.connect()
                clients[place].send(greeting.replace("*", str(place)).encode())
        return "close" not in told and bool(parking_pid(server))

    wait_until(play_round, what="a parking place")


@pytest.fixture
def clients() -> Iterator[list[Wire]]:
    """Connections of a test, which are closed at its end."""
    found: list[Wire] = []
    yield found
    for client in found:
        client.close()


@KINDS
def test_no_client_waits_behind_the_request_of_another_one(
    args: tuple[str, ...], serve: Serve, clients: list[Wire], tmp_path: Path
) -> None:
    server = serve(APP, *args, *WORKERS, "--metrics-bind", "127.0.0.1:0", workers=2)
    clients += [server.connect() for _ in range(8)]
    warm_up(server, clients)
    face = face_of(server)
    wait_until(lambda: value(samples(face), "gunicorn_connections_parked") == 8)
    assert value(samples(face), "gunicorn_connections") == 8
    ask(clients[0], "/hold")
    wait_until(lambda: (server.folder / "held").exists())
    # One worker is held. Whose these connections were does not matter.
    for client in clients[1:]:
        ask(client)
    others = [answer(client) for client in clients[1:]]
    (server.folder / "release").touch()
    mine = answer(clients[0])
    assert {told[0] for told in others} == {str(pid) for pid in booted(server)} - {mine[0]}
    assert {told[2] for told in [mine, *others]} == {""}

    # Requests that come together, and one that comes in pieces.
    clients[1].send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
    for _ in range(3):
        answer(clients[1])
    for octet in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n":
        clients[2].send(bytes([octet]))
    answer(clients[2])

    # The place breaks down: who is there is gone, all others are served, and there is another one.
    before = parking_pid(server)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not is_alive(before))
    server.wait_for_log("The process of parked connections .* ended with -9")
    fresh = [server.connect() for _ in range(4)]
    warm_up(server, fresh)
    clients += fresh
    # What the whole group is sent ends no place where clients wait.
    os.kill(parking_pid(server), signal.SIGTERM)
    os.kill(parking_pid(server), signal.SIGINT)

    # A reload: the same connections, other workers.
    old = booted(server)
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("Booting worker with pid", count=4)
    wait_until(lambda: not any(map(is_alive, old)))
    for client in fresh:
        ask(client)
    assert {int(answer(client)[0]) for client in fresh} <= booted(server) - old

    # The end: whoever has a connection may ask once more.
    place = parking_pid(server)
    server.send_signal(signal.SIGTERM)
    server.wait_for_log("Handling signal: term")
    ask(fresh[0])
    assert answer(fresh[0])[2] == "close"
    assert server.wait() == 0
    wait_until(lambda: not is_alive(place))
    for client in fresh[1:]:
        client.expect_eof()


@pytest.mark.parametrize(("number", "idle"), [
    (signal.SIGTERM, FAREWELL_SECONDS), (signal.SIGQUIT, QUICK_FAREWELL_SECONDS),
], ids=["TERM", "QUIT"])
def test_whoever_is_parked_is_waited_for(number: int, idle: float, serve: Serve, clients: list[Wire]) -> None:
    """The place may get no processor for a while, on a machine with much to do."""
    server = serve(APP, *WORKERS, workers=2)
    clients += [server.connect() for _ in range(8)]
    warm_up(server, clients)
    place = parking_pid(server)
    with halted(place):
        server.send_signal(number)
        server.wait_for_log("Handling signal")
        for client in clients:
            ask(client)
        # Longer than an idle client of a worker is waited for.
        time.sleep(idle + 0.2)
    assert {answer(client)[2] for client in clients} == {"close"}
    assert server.wait() == 0


def test_whatever_is_known_of_a_connection_stays_known(serve: Serve, clients: list[Wire]) -> None:
    server = serve(APP, *WORKERS, "--proxy-protocol", env={"GUNICORN_KEEPALIVE": "1"}, workers=2)
    clients += [server.connect() for _ in range(4)]
    for number, client in enumerate(clients):
        client.send(f"PROXY TCP4 10.1.2.{number} 10.0.0.1 1234 80\r\n".encode())
    warm_up(server, clients, "PROXY TCP4 10.1.2.* 10.0.0.1 1234 80\r\n")
    for client in clients:
        ask(client)
    assert [answer(client)[1] for client in clients] == [f"10.1.2.{number}" for number in range(4)]
    assert parking_pid(server)
    # Idle time has the same end there.
    for client in clients:
        client.expect_eof()
    # The place ends with a master that can tell nobody.
    place = parking_pid(server)
    server.extra_pids |= {place, *booted(server)}
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(place))


def test_a_connection_without_a_request_waits_there_as_well(serve: Serve, clients: list[Wire], tmp_path: Path) -> None:
    binds = "--bind", f"unix:{tmp_path}/s", "--metrics-bind", "127.0.0.1:0"
    server = serve(APP, *WORKERS, *binds, bind=None, workers=2)
    clients += [server.connect() for _ in range(4)]
    silent = server.connect()
    warm_up(server, clients)
    face = face_of(server)

    def all_are_parked() -> bool:
        warm_up(server, clients)
        return value(samples(face), "gunicorn_connections_parked") == 5

    # It was there before anything was slow.
    wait_until(all_are_parked)
    clients.append(silent)
    ask(clients[0], "/hold")
    wait_until(lambda: (server.folder / "held").exists())
    ask(silent)
    answer(silent)
    (server.folder / "release").touch()
    answer(clients[0])


@pytest.mark.parametrize(("args", "env"), [
    (("-w", "1"), {}), (("-w", "2", "--no-park-connections"), {}),
    (("-w", "2", "-k", "gevent"), {}),
], ids=["alone", "switched-off", "gevent"])
def test_where_nobody_waits_for_others_nothing_is_parked(
    args: tuple[str, ...], env: dict[str, str], serve: Serve, clients: list[Wire]
) -> None:
    server = serve(APP, *args, env=env, workers=1)
    clients.append(server.connect())
    for _ in range(8):
        ask(clients[0])
        assert answer(clients[0])[2] == ""
    assert parking_pid(server) == 0
