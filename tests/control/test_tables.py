"""Answers as people read them. Columns and labels are those that scripts cut out."""

from __future__ import annotations

from typing import Any

import pytest

from gunicorn.control import facts, tables
from gunicorn.instrument._board import Board
from gunicorn.instrument.task_board import TaskBoard
from tests.control.orders import Noted
from tests.support.task_board import busy_board


def text(command: str, tell: Any) -> list[str]:
    return tables.as_text(command.split(), tell(Noted().view())).splitlines()


def test_workers() -> None:
    assert text("SHOW workers", facts.workers) == [
        "PID        AGE    BOOTED   LAST_BEAT",
        "----------------------------------------",
        "11         1      yes      0.12s ago",
        "12         2      no       10.0s ago",
        "",
        "Total: 2 workers",
    ]


def test_all() -> None:
    assert text("show all", facts.everything) == [
        "ARBITER (master)",
        "  PID: 10",
        "",
        "WEB WORKERS (2)",
        "  PID        AGE    BOOTED   LAST_BEAT",
        "  --------------------------------------",
        "  11         1      yes      0.12s ago",
        "  12         2      no       10.0s ago",
        "",
        "DIRTY ARBITER",
        "  (not running)",
    ]


def test_stats() -> None:
    assert text("show stats", facts.stats) == [
        "Uptime:           1m 41s",
        "PID:              10",
        "Workers current:  2",
        "Workers target:   2",
        "Workers spawned:  2",
        "Workers killed:   0",
        "Reloads:          1",
    ]


def test_listeners() -> None:
    assert text("show listeners", facts.listeners) == [
        "ADDRESS                                  TYPE     FD",
        "-------------------------------------------------------",
        "http://127.0.0.1:8000                    tcp      5",
        "",
        "Total: 1 listeners",
    ]


def test_mounts() -> None:
    orders = Noted()
    view = orders.view()
    view.settings.set("mount", ["/api=api:app", "h.example/=x:make(a='\x1b')"])
    data = facts.listeners(view)
    assert data["mounts"] == [
        {"place": "/api", "application": "api:app"}, {"place": "h.example/", "application": "x:make(a='\x1b')"},
    ]
    lines = tables.as_text(["show", "listeners"], data).splitlines()
    assert lines[-3:] == [
        "Mounted at /api: api:app", r"Mounted at h.example/: x:make(a='\x1b')", "Total: 1 listeners",
    ]


def test_config() -> None:
    lines = text("show config", facts.of_settings)
    assert len(lines) == 20
    assert lines == sorted(lines)
    assert {"bind: 127.0.0.1:8000", "dirty_apps: ", "pidfile: None", "preload_app: False"} <= set(lines)


def test_requests_cannot_steer_a_terminal() -> None:
    orders = Noted()
    page = orders.slots[0]
    page.begin("GET /\x1b[2J\x00\u0085é".encode("latin-1"), 995.5)
    lines = tables.as_text(["show", "requests"], facts.requests(orders.view())).splitlines()
    assert lines[0].split() == ["PID", "WORKER", "SINCE", "ID", "REQUEST"]
    assert lines[2] == rf"11         1      4.5s       {'an.id':<36} GET /\x1b[2J\x00\x85é"
    Board(page).identify("\x1b[2J")
    assert tables.as_text(["show", "requests"], facts.requests(orders.view())).splitlines()[2].split()[3] == r"\x1b[2J"
    Board(page).identify("")
    lines = tables.as_text(["show", "requests"], facts.requests(orders.view())).splitlines()
    assert lines[2] == r"11         1      4.5s       GET /\x1b[2J\x00\x85é"


def test_help_and_tasks() -> None:
    assert text("show dirty", facts.of_tasks) == ["Dirty arbiter not running"]
    assert tables.as_text(["help"], {"commands": {"b": "2", "aaa [N]": "1"}}).splitlines() == [
        "Available commands:", "", "  aaa [N]   1", "  b         2",
    ]


def test_a_pool() -> None:
    orders = Noted()
    orders.tasks = busy_board()
    lines = tables.as_text(["show", "dirty"], facts.of_tasks(orders.view())).splitlines()
    assert lines == [
        "2 of 2 task processes, led by process 20, ended: crash 1",
        "",
        "PID        AGE    STATE     RUN   CALLS    ERRORS  MEMORY   APPS",
        "-" * 60,
        "21         1      busy      1     2        1       3 MiB    mod:App, mod:Other",
        "22         2      booting   0     0        0       -        ",
        "",
        "APP                            PROCESSES  RUN   WAITING  CALLS    NOT OK",
        "-" * 70,
        "mod:App                        1/2        1     2        2        error 1, refused 1",
        "mod:Other                      1/1        0     0        0        -",
        "",
        "PID        SINCE      REQUEST ID                           CALL",
        "-" * 70,
        f"21         4.5s       {'an.id':<36} mod:App.train",
        "",
        "Stash: 1 tables, 3 entries, 5.0 of 64 MiB",
    ]
    board = TaskBoard()
    board.begin(1)
    board.begins(1, "", 5, b"\x1b[2J\0\x00\x07\0\x1b", 0.0)
    orders.tasks = board
    text = tables.as_text(["show", "dirty"], facts.of_tasks(orders.view()))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_tick_is_a_line() -> None:
    assert text("watch 2", facts.snapshot) == ["ready: 1 of 2 workers, 1 requests running, 0 served, 0 connections"]


@pytest.mark.parametrize("command", ["reload", "worker add", "bogus", ""])
def test_everything_else_is_json(command: str) -> None:
    assert tables.as_text(command.split(), {"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'


@pytest.mark.parametrize("data", [{}, {"workers": None, "requests": [1], "listeners": "x", "stats": 5, "commands": 1}])
@pytest.mark.parametrize("command", list(tables._TEXTS))
def test_an_answer_of_another_server_breaks_nothing(command: str, data: dict[str, object]) -> None:
    assert isinstance(tables.as_text(command.split(), data), str)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0s"), (59.9, "59s"), (60, "1m 0s"), (3600, "1h 0m 0s"), (90061, "1d 1h 1m 1s")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert tables.as_text(["show", "stats"], {"uptime": seconds}).splitlines()[0].split(maxsplit=1)[1] == shown
