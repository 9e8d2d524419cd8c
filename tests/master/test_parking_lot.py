"""The parking place in process: what comes in by one channel, goes out by another, and when."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from gunicorn.engine.parking import Parked
from gunicorn.engine.shared_parking import SharedParking, octets_of, parked_from
from gunicorn.master.parking_lot import Lot
from gunicorn.unix import handover

pytestmark = pytest.mark.skipif(not handover.IS_POSSIBLE, reason="this system has no such channels")


class Place:
    """A lot with its channels, the way of a worker to it, and a clock."""

    def __init__(self, most: int = 100) -> None:
        self.now = 100.0
        entrance, arrivals = handover.pair()
        departures, exit = handover.pair()
        self.life, self.alive = os.pipe()
        self.worker = SharedParking(entrance, exit)
        self.channels = entrance, arrivals, departures, exit
        self.board = memoryview(bytearray(8)).cast("q")
        self.lot = Lot(arrivals, departures, self.life, most, lambda: self.now, self.board)
        self.clients: list[socket.socket] = []

    def park(self, deadline: float = 0.0) -> socket.socket:
        """The client of a connection that a worker has parked, or tried to."""
        client, served = socket.socketpair()
        self.clients.append(client)
        client.setblocking(False)
        with served:
            served.setblocking(False)
            self.is_parked = self.worker.park(served.fileno(), parked(deadline))
        return client

    def take(self) -> tuple[socket.socket, Parked]:
        found = self.worker.take()
        assert found is not None
        return socket.socket(fileno=found[0]), found[1]

    def turn(self) -> None:
        assert self.lot.turn(0)

    def close(self) -> None:
        self.worker.close()
        for channel in self.channels:
            channel.close()
        for client in self.clients:
            client.close()
        os.close(self.life)
        if self.alive >= 0:
            os.close(self.alive)


def parked(deadline: float = 0.0, **changes: object) -> Parked:
    return Parked(deadline, 1234.5, "127.0.0.1 8000", ("127.0.0.1", 54321), 7).replaced(**changes)


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.close()


@pytest.mark.parametrize("value", [
    parked(), parked(12.5), parked(peer="/run/socket"), parked(peer=""), parked(peer=("::1", 1, 0, 2)),
    parked(number=0), parked(proxy_info={"proxy_protocol": "TCP4", "client_addr": "10.0.0.1", "client_port": 1,
                                         "proxy_addr": "10.0.0.2", "proxy_port": 2}),
])
def test_all_that_is_known_comes_along(place: Place, value: Parked) -> None:
    assert parked_from(value.deadline, octets_of(value)) == value


@pytest.mark.parametrize("octets", [b"", b"{}", b"[1]", b"no", b"[1,2,3,4,5,6]"])
def test_what_is_none_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parked_from(0.0, octets)


def test_a_connection_of_which_nothing_is_known_is_closed(place: Place) -> None:
    client, served = socket.socketpair()
    place.clients.append(client)
    client.setblocking(False)
    with served:
        handover.send(place.channels[2], served.fileno(), 0.0, b"[1]")
    known = place.park()
    place.turn()
    known.sendall(b"known")
    place.turn()
    served, _ = place.take()
    with served:
        assert served.recv(10) == b"known"
    assert is_closed(client)


def test_a_connection_stays_until_something_comes_and_keeps_all_of_it(place: Place) -> None:
    client = place.park()
    place.turn()
    place.turn()
    assert len(place.lot.parked) == place.board[0] == 1
    assert place.worker.take() is None
    client.sendall(b"GET / HTTP")
    place.turn()
    served, told = place.take()
    with served:
        assert served.recv(100) == b"GET / HTTP"
        served.sendall(b"HTTP/1.1 200 OK")
    assert client.recv(100) == b"HTTP/1.1 200 OK"
    assert is_closed(client)
    assert told == parked()
    assert not place.lot.parked


def test_what_has_come_before_is_handed_on_at_once(place: Place) -> None:
    client = place.park()
    client.sendall(b"early")
    place.turn()
    place.turn()
    served, _ = place.take()
    with served:
        assert served.recv(100) == b"early"


def test_whoever_asks_first_is_served_first(place: Place) -> None:
    clients = [place.park() for _ in range(10)]
    place.turn()
    for number in (3, 1, 4, 5, 9, 2, 6):
        clients[number].sendall(b"%d" % number)
        place.turn()
    found = []
    for _ in range(7):
        served, _ = place.take()
        with served:
            found.append(int(served.recv(10)))
    assert found == [3, 1, 4, 5, 9, 2, 6]


def test_whoever_leaves_is_nobody_s_work(place: Place) -> None:
    client = place.park()
    place.turn()
    client.close()
    place.turn()
    assert not place.lot.parked
    assert place.worker.take() is None


@pytest.mark.parametrize(("deadline", "now", "stays"), [
    (0.0, 1e9, True), (102.0, 101.9, True), (102.0, 102.0, False), (102.0, 200.0, False),
])
def test_idle_time_has_its_end(place: Place, deadline: float, now: float, stays: bool) -> None:
    client = place.park(deadline)
    place.turn()
    place.now = now
    place.turn()
    assert is_closed(client) is not stays


def test_a_full_place_lets_nobody_in_until_somebody_leaves() -> None:
    place = Place(most=2)
    try:
        clients = [place.park() for _ in range(3)]
        place.turn()
        place.turn()
        assert len(place.lot.parked) == 2
        clients[0].close()
        place.turn()
        place.turn()
        assert len(place.lot.parked) == 2
        clients[2].sendall(b"third")
        place.turn()
        served, _ = place.take()
        with served:
            assert served.recv(10) == b"third"
    finally:
        place.close()


def test_nothing_is_lost_while_no_worker_takes_anything(place: Place) -> None:
    clients = []
    # More than the channel holds.
    for number in range(600):
        clients.append(place.park())
        while not place.is_parked:
            place.turn()
            clients[-1].close()
            clients[-1] = place.park()
        place.turn()
        clients[-1].sendall(b"%d" % number)
        place.turn()
    assert place.lot.ready
    found = []
    while len(found) < 600:
        place.turn()
        while (taken := place.worker.take()) is not None:
            with socket.socket(fileno=taken[0]) as served:
                found.append(int(served.recv(10)))
    assert found == list(range(600))


def test_a_worker_keeps_its_connection_where_the_way_is_full(place: Place) -> None:
    clients = []
    while len(clients) < 2000:
        clients.append(place.park())
        if not place.is_parked:
            break
    assert not place.is_parked
    place.turn()
    client = place.park()
    assert place.is_parked
    assert not is_closed(client)


def test_at_the_end_all_go_to_the_workers(place: Place) -> None:
    idle, asking = place.park(), place.park()
    place.turn()
    late = place.park()
    asking.sendall(b"asking")
    os.close(place.alive)
    place.alive = -1
    place.lot.run()
    found = []
    while (taken := place.worker.take()) is not None:
        with socket.socket(fileno=taken[0]) as served:
            served.setblocking(False)
            found.append(peeked(served))
    assert sorted(found) == [b"", b"", b"asking"]
    assert place.worker.fd >= 0
    place.park()
    assert not place.is_parked
    assert not place.worker.ended
    # Nobody is left who could hand over anything.
    place.channels[2].close()
    assert place.worker.take() is None
    assert place.worker.ended
    assert is_closed(idle)
    assert is_closed(late)


def peeked(served: socket.socket) -> bytes:
    try:
        return served.recv(100)
    except BlockingIOError:
        return b""


def test_at_the_end_nobody_is_waited_for_who_is_gone(place: Place) -> None:
    place.park()
    place.turn()
    place.channels[3].close()
    place.worker.close()
    os.close(place.alive)
    place.alive = -1
    began = place.now
    place.lot.run()
    assert place.now == began
    assert not place.lot.parked


# Channels.

def test_a_channel_that_has_ended_says_so() -> None:
    first, second = handover.pair()
    assert handover.receive(second) is None
    first.close()
    assert handover.receive(second) is handover.ENDED
    with pytest.raises(OSError, match=r"."):
        handover.send(second, 0, 0.0, b"")
    second.close()


def test_what_is_no_hand_over_brings_nothing() -> None:
    first, second = handover.pair()
    first.send(b"no descriptor, but octets")
    handed = handover.receive(second)
    assert handed is not None
    assert handed.fd == -1
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, (0).to_bytes(4, "little"))]
    first.sendmsg([b"short"], rights)
    before = len(os.listdir("/proc/self/fd"))
    handed = handover.receive(second)
    assert handed is not None
    assert handed.fd == -1
    assert len(os.listdir("/proc/self/fd")) == before
    first.close()
    second.close()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ETOOMANYREFS, errno.ENOBUFS])
def test_a_full_channel_is_no_error(number: int) -> None:
    class Full:
        def sendmsg(self, *args: object) -> int:
            raise OSError(number, os.strerror(number))

    assert not handover.send(Full(), 0, 0.0, b"")  # type: ignore[arg-type]

