"""The server of conversations: its turn, its bounds, and clients that do not behave; the clock is the test's."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.control import server
from tests.control.talk import Hall, heard


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    made = Hall(tmp_path)
    yield made
    made.close()


def test_a_request_is_answered_in_the_turn_in_which_it_comes(hall: Hall) -> None:
    client = hall.connect()
    client.send(b"one\n")
    hall.turn(2)
    assert heard(client) == b"one\n"
    hall.turn()
    assert hall.server.due is None
    assert (hall.made[0].peer.uid, hall.made[0].peer.pid) == (os.getuid(), os.getpid())


def test_byte_by_byte(hall: Hall) -> None:
    client = hall.connect()
    for octet in b"one\n":
        assert heard(client) is None
        client.send(bytes([octet]))
        hall.turn(2)
    assert heard(client) == b"one\n"


def test_one_request_a_client_and_turn(hall: Hall) -> None:
    client = hall.connect()
    client.send(b"one\ntwo\nthree\n")
    for line in (b"one\n", b"two\n", b"three\n"):
        hall.turn(2 if line == b"one\n" else 1)
        assert heard(client) == line
    hall.turn()
    assert hall.server.due is None, "nobody waits for a turn any more"


def test_eight_requests_a_turn_and_everybody_comes_to_it(hall: Hall) -> None:
    clients = [hall.connect() for _ in range(20)]
    hall.turn(4)
    for client in clients:
        client.send(b"one\ntwo\n")
    answered = [0] * len(clients)
    for _ in range(5):
        assert sum(answered) % 8 == 0
        hall.turn()
        for number, client in enumerate(clients):
            answered[number] += (heard(client) or b"").count(b"\n")
        assert max(answered) - min(answered) <= 1
    assert sum(answered) == 40
    hall.turn()
    assert hall.server.due is None


def test_a_client_that_takes_nothing_is_rendered_nothing(hall: Hall) -> None:
    client = hall.connect()
    client.send(b"long 1000000\n" * 50)
    hall.turn(60)
    assert hall.made[0].rendered == 1
    assert hall.server.due is None, "it is not waited for by turning"
    before = 0
    while (taken := heard(client)) is not None:
        before += len(taken)
        hall.turn()
    assert before >= 2_000_000
    assert hall.made[0].rendered > 2


def test_a_watcher_that_takes_nothing_misses_ticks(hall: Hall) -> None:
    client = hall.connect()
    client.send(b"watch\n")
    hall.turn(40)
    assert hall.made[0].ticks < 10
    assert len(hall.made[0].output) <= 100_000
    assert hall.server.due is None


def test_an_answer_that_is_too_long_ends_the_connection(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    client = hall.connect()
    client.send(b"long %d\n" % (server.MOST_OUT + 1))
    hall.turn(2)
    assert heard(client) == b""
    assert "too long" in caplog.text


def test_who_waits_is_answered_after_a_step_and_then_goes_on(hall: Hall) -> None:
    client = hall.connect()
    client.send(b"wait\nnext\n")
    hall.turn(3)
    assert heard(client) is None
    hall.now += 3600
    hall.turn()
    assert hall.clients == 1, "waiting is no late request"
    hall.made[0].go_on = True
    hall.turn()
    assert heard(client) == b"at last\n"
    hall.turn()
    assert heard(client) == b"next\n"


def test_a_request_that_does_not_come_to_its_end(hall: Hall) -> None:
    late, idle, done = hall.connect(), hall.connect(), hall.connect()
    late.send(b"on")
    done.send(b"one\n")
    hall.turn(3)
    assert hall.server.due == hall.now + server.REQUEST_SECONDS
    hall.now += server.REQUEST_SECONDS - 0.1
    late.send(b"e")
    hall.turn()
    assert hall.clients == 3
    hall.now += 0.2
    hall.turn()
    assert heard(late) == b""
    assert (heard(idle), heard(done)) == (None, b"one\n")
    assert hall.server.due is None


@pytest.mark.parametrize("last", [b"", b"half a li", b"one\n", b"one\ntwo\n", b"bye\n", b"long 900000\n", b"wait\n"])
def test_a_client_that_is_gone(hall: Hall, last: bytes) -> None:
    client = hall.connect()
    client.send(last)
    client.close()
    hall.turn(6)
    assert hall.clients == 0
    assert hall.interest.wait(0) == []


def test_what_was_said_before_the_end_has_its_turn(hall: Hall) -> None:
    clients = [hall.connect() for _ in range(20)]
    hall.turn(4)
    for client in clients:
        client.send(b"one\n")
        client.close()
    hall.turn(8)
    assert [each.rendered for each in hall.made] == [1] * 20
    assert hall.clients == 0


def test_a_client_that_has_ended_its_side_is_answered(hall: Hall) -> None:
    client = hall.connect()
    client.send(b"one\ntwo\n")
    client.shutdown(socket.SHUT_WR)
    hall.turn(5)
    assert heard(client) == b"one\ntwo\n"
    assert heard(client) == b""


def test_the_last_word_is_sent_before_the_end(hall: Hall) -> None:
    client = hall.connect()
    client.send(b"bye\nmore\n")
    hall.turn(3)
    assert heard(client) == b"bye\n"
    # What was never read makes the kernel say so.
    assert heard(client) == b""


def test_one_that_fails_ends_itself(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    good, bad = hall.connect(), hall.connect()
    bad.send(b"fail\n")
    good.send(b"one\n")
    hall.turn(3)
    assert heard(bad) == b""
    assert heard(good) == b"one\n"
    assert "ZeroDivisionError" in caplog.text


def test_one_more_client_takes_the_place_of_the_longest_idle(hall: Hall, tmp_path: Path) -> None:
    hall.listen(str(tmp_path / "other"))
    other = hall.connect(str(tmp_path / "other"))
    clients = [hall.connect() for _ in range(server.MOST_CONNECTIONS)]
    hall.turn(6)
    for number, client in enumerate(clients):
        hall.now += 1
        # The first one is busy, and the second has spoken last.
        client.send(b"wait\n" if number == 0 else b"one\n")
        hall.turn(2)
    hall.now += 1
    clients[1].send(b"one\n")
    hall.turn(2)
    more = hall.connect()
    hall.turn(2)
    for client in clients:
        heard(client)
    ended = [number for number, client in enumerate(clients) if heard(client) == b""]
    assert ended == [2]
    assert (heard(more), heard(other)) == (None, None)
    assert hall.clients == server.MOST_CONNECTIONS + 1


def test_where_all_are_busy_there_is_room_all_the_same(hall: Hall) -> None:
    clients = [hall.connect() for _ in range(server.MOST_CONNECTIONS)]
    for client in clients:
        client.send(b"half")
    hall.turn(8)
    more = hall.connect()
    more.send(b"one\n")
    hall.turn(3)
    assert heard(more) == b"one\n"
    assert hall.clients == server.MOST_CONNECTIONS


def test_no_descriptor_is_left(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __init__(self, sock: object) -> None:
            self.sock = sock
            self.asked = 0

        def __getattr__(self, name: str) -> object:
            return getattr(self.sock, name)

        def _accept(self) -> object:
            self.asked += 1
            raise OSError(24, "Too many open files")

    listener, hall.endpoint.listener = hall.endpoint.listener, Refusing(hall.endpoint.listener)  # type: ignore[assignment]
    client = hall.connect()
    client.send(b"one\n")
    hall.turn(5)
    assert hall.endpoint.listener.asked == 1  # type: ignore[attr-defined]
    assert hall.server.due == hall.now + server.PAUSE_SECONDS
    hall.endpoint.listener = listener
    hall.now += server.PAUSE_SECONDS
    hall.turn(3)
    assert heard(client) == b"one\n"


def test_nothing_is_left_open(hall: Hall) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    clients = [hall.connect() for _ in range(10)]
    hall.turn(3)
    assert hall.clients == 10
    hall.server.close()
    assert hall.interest.wait(0) == []
    assert [heard(client) for client in clients] == [b""] * 10
    for client in clients:
        client.close()
    if before:
        assert len(os.listdir("/proc/self/fd")) == before - 1, "and the listener is closed as well"
