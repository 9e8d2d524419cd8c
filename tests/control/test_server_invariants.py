"""Whatever clients do, one more is answered soon, bounds hold, and the loop comes to rest."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunicorn.control import server
from tests.control.talk import Hall, heard

SAYINGS = (
    b"one\n", b"half", b"\n", b"one\ntwo\nthree\n", b"wait\n", b"watch\n", b"bye\n", b"long 300000\n", b"fail\n",
    b"x" * 70000,
)
DEEDS = st.one_of(
    st.just(("connect",)),
    st.tuples(st.just("send"), st.integers(0, 39), st.sampled_from(SAYINGS)),
    st.tuples(st.just("read"), st.integers(0, 39)),
    st.tuples(st.just("close"), st.integers(0, 39)),
    st.tuples(st.just("half-close"), st.integers(0, 39)),
    st.tuples(st.just("turn"), st.integers(1, 3)),
    st.tuples(st.just("time"), st.sampled_from([0.1, 5.0, server.REQUEST_SECONDS])),
)


def do(hall: Hall, deed: tuple[object, ...]) -> None:
    name, *args = deed
    if name == "connect":
        if len(hall.sockets) < 40:
            hall.connect()
        return
    if name == "turn":
        hall.turn(int(str(args[0])))
    elif name == "time":
        hall.now += float(str(args[0]))
    elif int(str(args[0])) < len(hall.sockets):
        client = hall.sockets[int(str(args[0]))]
        try:
            if name == "send":
                client.send(args[1])  # type: ignore[arg-type]
            elif name == "read":
                heard(client)
            elif name == "close":
                client.close()
            else:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            # It is closed, by one or the other, or full.
            return


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@settings(max_examples=60)
@given(st.lists(DEEDS, max_size=60))
def test_whatever_clients_do(deeds: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        hall = Hall(Path(folder))
        try:
            for deed in deeds:
                do(hall, deed)
                assert hall.clients <= server.MOST_CONNECTIONS
                for connection in hall.server._connections.values():
                    assert len(connection.conversation.output) <= server.MOST_OUT
            more = hall.connect()
            more.send(b"hello\n")
            # All that is queued before it: 40 clients to be accepted, each with some requests, eight a turn.
            answer = None
            for _ in range(30):
                hall.turn()
                answer = answer or heard(more)
            assert answer == b"hello\n"
            # Clients that do nothing more need no turns: all that is left is a watch, which wants one, or a time limit.
            for made in hall.made:
                made.due = None if made.due == 0.0 else made.due
            hall.turn(200)
            assert hall.interest.wait(0) == []
            assert hall.server.due is None or hall.server.due > hall.now
        finally:
            hall.close()
