"""The door by which actors on other nodes come, and callers there: who is let in, and where places are."""

from __future__ import annotations

import socket
from queue import Queue

import pytest

from gunicorn.tasks import ray_door
from gunicorn.tasks.addresses import CALLS, CONTROLS, GUEST, Greeting, Way, connected, door_at, way_to
from gunicorn.tasks.ray_door import Door
from tests.support.wait import PATIENCE

SECRET = bytes(range(32))


@pytest.mark.parametrize(("host", "family", "name"), [
    ("10.0.0.1", socket.AF_INET, "10.0.0.1:81"), ("fd00::1", socket.AF_INET6, "[fd00::1]:81"),
])  # fmt: skip
def test_a_place_that_is_a_door(host: str, family: int, name: str) -> None:
    way = way_to(door_at(host, 81, SECRET), CALLS, 7)
    assert (way.name, way.family, way.where, way.is_local) == (name, family, (host, 81), False)
    assert SECRET.hex() not in way.name
    for secret, found in ((SECRET, Greeting(CALLS, 7)), (SECRET[::-1], None)):
        assert Greeting.read(way.greeting, secret, bytes.__eq__) == found


@pytest.mark.parametrize("place", [
    "/run/x/tasks.sock", "relative", "", "tcp:/x", "tcp://host:1/x", "tcp://host/00", f"tcp://host:y/{SECRET.hex()}",
])  # fmt: skip
def test_what_is_no_door_is_a_path(place: str) -> None:
    way = way_to(place)
    assert (way.family, way.where, way.is_local) == (socket.AF_UNIX, place, True)


Callers = Queue[int]


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> tuple[Door, Callers]:
    monkeypatch.setattr(ray_door, "MOST_STRANGERS", 2)
    callers: Callers = Queue()
    door = Door("127.0.0.1", lambda sock: callers.put(sock.getpeername()[1]))
    door.open()
    return door, callers


def is_sent_away(sock: socket.socket) -> bool:
    sock.settimeout(PATIENCE)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_caller(door: tuple[Door, Callers]) -> None:
    with connected(way_to(door[0].address), PATIENCE) as sock:
        assert door[1].get(timeout=PATIENCE) == sock.getsockname()[1]
    # In pieces.
    way = way_to(door[0].address)
    with socket.create_connection(("127.0.0.1", port_of(way)), PATIENCE) as sock:
        for octet in way.greeting:
            sock.sendall(bytes([octet]))
        assert door[1].get(timeout=PATIENCE) == sock.getsockname()[1]


def port_of(way: Way) -> int:
    assert isinstance(way.where, tuple)
    return way.where[1]


def test_who_does_not_know_the_secret_is_sent_away(door: tuple[Door, Callers]) -> None:
    way = way_to(door[0].address)
    wrong = way.greeting[:20] + bytes([way.greeting[20] ^ 1]) + way.greeting[21:]
    for octets in (wrong, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3, b"x" + way.greeting, bytes(45)):
        with socket.create_connection(("127.0.0.1", port_of(way)), PATIENCE) as sock:
            sock.sendall(octets)
            assert is_sent_away(sock)
    with connected(way, PATIENCE):
        door[1].get(timeout=PATIENCE)
    assert door[1].empty()


def test_strangers_that_say_nothing_are_few(door: tuple[Door, Callers], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_door, "GREETING_SECONDS", 0.5)
    where = ("127.0.0.1", port_of(way_to(door[0].address)))
    first, second = (socket.create_connection(where, PATIENCE) for _ in range(2))
    with first, second, socket.create_connection(where, PATIENCE) as third:
        assert is_sent_away(third)
        # And not for ever.
        assert is_sent_away(first)
        assert is_sent_away(second)
    with connected(way_to(door[0].address), PATIENCE):
        door[1].get(timeout=PATIENCE)


def test_the_two_connections_of_an_actor(door: tuple[Door, Callers]) -> None:
    address = door[0].address
    # Nobody waits for it.
    with connected(way_to(address, CALLS, 1), PATIENCE) as early:
        assert is_sent_away(early)
    with door[0].expecting(1) as arrived:
        with connected(way_to(address, CONTROLS, 1), PATIENCE) as control, connected(
            way_to(address, CALLS, 1), PATIENCE
        ) as calls, connected(way_to(address, CALLS, 2), PATIENCE) as other, connected(
            way_to(address, 9, 1), PATIENCE
        ) as nobody:
            found = arrived(PATIENCE)
            assert [end.getpeername() for end in found] == [calls.getsockname(), control.getsockname()]
            assert is_sent_away(other)
            assert is_sent_away(nobody)
            for end in found:
                end.sendall(b"x")
                end.close()
            assert calls.recv(1) == control.recv(1) == b"x"
    assert door[1].empty()


def test_one_of_the_two_is_not_enough(door: tuple[Door, Callers]) -> None:
    with door[0].expecting(1) as arrived, connected(way_to(door[0].address, CALLS, 1), PATIENCE) as calls:
        assert arrived(0.2) == []
        assert is_sent_away(calls)
    assert GUEST not in (CALLS, CONTROLS)
