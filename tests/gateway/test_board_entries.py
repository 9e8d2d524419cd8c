"""The time in a queue in front, as a trusted proxy tells it and the scoreboard has it."""

from __future__ import annotations

import pytest

from gunicorn.gateway.board_entries import tell_queue_time
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.request import Request
from gunicorn.instrument._board import Board
from gunicorn.instrument.scoreboard import Scoreboard, Slot
from gunicorn.wire.http1_head import HeadParser

NOW = 1_700_000_000.0


def read(*lines: str, trusted: bool = True) -> Request:
    head = "\r\n".join(["GET / HTTP/1.1", "Host: a", *lines, "", ""]).encode()
    parser = HeadParser(FieldTable(Limits()), trusted)
    parser.parse(head, 0, len(head))
    return parser.finish()


def told(request: Request) -> Slot:
    slot = Scoreboard().allocate(1)
    tell_queue_time(Board(slot), request, lambda: NOW)
    return slot


def test_what_a_trusted_proxy_tells_is_counted() -> None:
    request = read(f"x-request-start: t={NOW - 0.5}")
    assert request.header("X-Request-Start") == f"t={NOW - 0.5}", "the application has it as ever"
    slot = told(request)
    assert (sum(slot.queued), slot.queued_nanoseconds) == (1, 500_000_000)


@pytest.mark.parametrize(("lines", "trusted"), [
    ((), True),
    ((f"X-Request-Start: t={NOW - 1}",), False),
    ((f"X-Request-Start: t={NOW - 1}", f"X-Request-Start: t={NOW - 2}"), True),
    ((f"X_Request_Start: t={NOW - 1}",), True),
    (("X-Request-Start: soon",), True),
    ((f"X-Request-Start: t={NOW + 1}",), True),
    (("X-Request-Start:",), True),
])
def test_what_says_nothing_is_not(lines: tuple[str, ...], trusted: bool) -> None:
    slot = told(read(*lines, trusted=trusted))
    assert (sum(slot.queued), slot.queued_nanoseconds) == (0, 0)
