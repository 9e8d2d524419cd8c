"""`request_slow`: told once, while the request runs, with where it is; by each worker type."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.instrument._board import Board
from gunicorn.instrument.scoreboard import Scoreboard
from gunicorn.master.slow_requests import QUIET_SECONDS, SlowWatch
from gunicorn.workers.slow_requests import SlowRequests
from tests.conftest import Serve
from tests.master.test_signals import Background
from tests.support.server import Server
from tests.workers.kinds import everywhere

APP = """
    import os, time

    def app(environ, start_response):
        while environ["PATH_INFO"] == "/held" and not os.path.exists("go"):
            time.sleep(0.02)
        start_response("200 OK", [("Content-Length", "3")])
        return [b"one"]
"""


def look_into(server: Server) -> None:
    assert server.get("/quick").status == 200
    request = Background(server, "/held?%0a")
    server.wait_for_log(r"SLOW REQUEST \(pid:\d+\) after \d\.\d s in: GET /held\?%0a\nIt is here:")
    server.wait_for_log(r"line \d+,? in app\n")
    (server.folder / "go").touch()
    assert request.result() == b"one"
    log = server.log()
    assert (log.count("SLOW REQUEST"), log.count("/quick")) == (1, 0)


def test_each_worker_type(make_server: Serve, kinds: list[str]) -> None:
    everywhere(make_server, kinds, look_into, APP, "--request-slow", "0.4")


def test_each_is_told_of_once() -> None:
    slow = SlowRequests(2.0)
    first, second = object(), object()

    def new(now: float, *running: Any) -> list[Any]:
        return [(request, age) for _, request, age in slow.new(now, running)]

    assert new(11.9, (first, "a", 10.0)) == []
    assert new(12.0, (first, "a", 10.0), (second, "b", 11.0)) == [("a", 2.0)]
    assert new(13.0, (first, "a", 10.0), (second, "b", 11.0)) == [("b", 2.0)]
    # The next one on the same connection.
    assert new(19.0, (first, "c", 15.0)) == [("c", 4.0)]
    assert new(20.0, (first, "c", 15.0)) == []


class Told:
    """A master with one worker, and what it has told."""

    def __init__(self, limit: float) -> None:
        self.lines: list[tuple[object, ...]] = []
        self.now = 1000.0
        self.page = Scoreboard().allocate(1, self.now)
        self.page.state = 2
        worker = SimpleNamespace(tmp=SimpleNamespace(slot=self.page))
        stacks = SimpleNamespace(begin=lambda pid: 0, taken_until=0.0)
        self.master: Any = SimpleNamespace(
            cfg=SimpleNamespace(request_slow=limit), WORKERS={11: worker}, stacks=stacks,
            log=SimpleNamespace(warning=self.warning),
        )
        self.watch = SlowWatch(self.master, lambda: self.now)

    def warning(self, text: str, *values: object, extra: dict[str, str] | None = None) -> None:
        self.lines.append(values if extra is None else (*values, extra["request_id"]))

    def look(self, after: float) -> int:
        """How many lines there are then."""
        self.now += after
        self.watch.look(self.now)
        return len(self.lines)


def test_the_master_tells_of_one_that_cannot_look_at_itself() -> None:
    told = Told(2.0)
    assert told.look(0.0) == 0
    assert told.watch.due == 1000.5
    told.page.begin(b"GET /a\x1b", told.now)
    assert (told.look(1.9), told.look(0.5), told.look(5.0)) == (0, 1, 1)
    assert told.lines == [(11, pytest.approx(2.4), "GET /a\\x1b", "(unknown)")]
    Board(told.page).identify("an.id")
    told.page.begin(b"GET /b", told.now)
    assert told.look(2.0) == 2
    assert told.lines[1][-2:] == ("(unknown)", "an.id")


def test_one_that_looks_at_itself_is_asked_when_it_shows_no_sign_of_life() -> None:
    told = Told(0.5)
    told.page.tell_slow_requests()
    told.page.begin(b"GET /a", told.now)
    assert told.look(QUIET_SECONDS - 0.1) == 0
    assert told.look(0.2) == 1


def test_one_that_ends_before_it_answers_is_not_told_of() -> None:
    told = Told(2.0)
    answers = [None, "where"]
    told.page.begin(b"GET /a", told.now)
    told.now += 3.0
    told.watch.look(told.now)
    told.watch._asked[11] = SimpleNamespace(look=lambda: answers.pop(0))  # type: ignore[assignment]
    told.lines.clear()
    assert told.look(0.01) == 0
    told.page.begin(b"GET /b", told.now)
    assert told.look(0.01) == 0
    assert told.watch._asked == {}


def test_nobody_looks_where_nobody_wants_it() -> None:
    told = Told(0.0)
    told.page.begin(b"GET /a", told.now)
    assert told.look(100.0) == 0
    assert told.watch.due is None
