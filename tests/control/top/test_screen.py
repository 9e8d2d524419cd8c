"""The screen as text, in the sizes that people have, of servers that are well, full, ill and strange."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.control import facts
from gunicorn.control.top.keys import SORTS, State
from gunicorn.control.top.reading import Reading, read
from gunicorn.control.top.screen import busy_share, view
from gunicorn.control.top.terminal import painted
from gunicorn.control.top.text import STYLES, plain, width
from tests.control.orders import Noted
from tests.control.top.specimens import answer, earlier, histogram, later, tasks, worker

SIZES = [(80, 24), (120, 40), (40, 10)]


@pytest.fixture(autouse=True)
def at_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


def shown(
    now: Reading | None, before: Reading | None = None, columns: int = 80, rows: int = 24, **state: Any
) -> list[str]:
    return [plain(line).rstrip() for line in view(now, before, State(**state), columns, rows)]


def test_80_by_24() -> None:
    assert shown(later(), earlier(), busy=(0.1, 0.5, 0.99)) == [
        "gunicorn 28.0.0  pid 1200  up 1h02m  http://127.0.0.1:8000",
        "SERVING  workers 3/3  busy 18%  queue 0  running 3  connections 6  ▁▅█",
        "100 requests/s  p50 0.9ms  p95 786ms  p99 996ms  5xx 2.0/s  refused 0.0/s",
        "RUNNING, THE OLDEST FIRST",
        "   12.3s     1209 GET /reports/yearly",
        "   250ms     1208 POST /orders (+1)",
        "        PID STATE     REQ/S BUSY   PSS     RUN  CONN    AGE   BEAT  ERR     REQS",
        ">      1208 busy       20.0  50%   30M     2/4     2  1h01m  400ms    0     1200",
        " !     1209 busy       10.0   0%   90M     1/4     2  1h01m  12.0s    3     1100",
        "       1215 ready      10.0   5%     -     0/4     2   5.0s  400ms    0      100",
        "EVENTS, THE LAST FIRST",
        *(f"  01-02 00:{number:02d}:00 Event {number}" for number in range(11, -1, -1)),
        "q quit  p pause  r b m a sort  s stacks  k kill  R reload  + - workers  ? help",
    ]


def test_120_by_40() -> None:
    lines = shown(later(), earlier(), 120, 40)
    assert lines[1] == (
        "SERVING  workers 3/3  busy 18%  queue 0  running 3  connections 6  3 ended, crash 2, timeout 1"
    )
    assert lines[6].endswith("REQS REQUEST")
    assert lines[7].endswith("1200 POST /orders")
    assert lines[23:39] == [""] * 16
    assert len(lines) == 40


def test_tasks_stand_between_workers_and_events() -> None:
    now, before = later(tasks=tasks(calls=500, failed=5)), earlier(tasks=tasks())
    lines = shown(now, before, 100)
    assert lines[10:14] == [
        "TASKS  processes 2/2  busy 1  1.1G",
        "  model:Languages                    2/2    10.0 calls/s  running 1  queue 2  not ok 3",
        r"   1m15s     1301 model:Languages.train  an\x1b.id",
        "EVENTS, THE LAST FIRST",
    ]
    lines = shown(later(tasks=tasks(pid=None, workers=[])), None, 100)
    assert lines[10].startswith("TASKS  processes 0/2  busy 0")
    assert "     - calls/s" in lines[11]
    for columns, rows in SIZES:
        assert all(width(line) <= columns for line in shown(now, before, columns, rows))


@pytest.mark.parametrize("strange", [{}, {"enabled": False}, {"enabled": True}, 5, {"enabled": True, "apps": [1, {}]},
                                     {"enabled": True, "calls": [{}], "workers": "x", "target": "y"}])
def test_strange_tasks_break_nothing(strange: object) -> None:
    assert len(shown(later(tasks=strange), earlier(tasks=strange))) == 24


def test_a_request_has_its_id_behind_it() -> None:
    requests = [{"pid": 1208, "age": 1.0, "line": "GET /", "running": 2, "request_id": "an\x1b.id"}]
    assert shown(later(requests=requests), earlier())[4] == r"    1.0s     1208 GET / (+1)  an\x1b.id"


def test_40_by_10() -> None:
    assert shown(later(), earlier(), 40, 10) == [
        "gunicorn 28.0.0  pid 1200  up 1h02m",
        "SERVING  workers 3/3  busy 18%  queue 0",
        "100 requests/s  p50 0.9ms  p95 786ms",
        "RUNNING, THE OLDEST FIRST",
        "   12.3s     1209 GET /reports/yearly",
        "        PID STATE     REQ/S BUSY   PSS",
        ">      1208 busy       20.0  50%   30M",
        "EVENTS, THE LAST FIRST",
        "  01-02 00:11:00 Event 11",
        "q quit  p pause  ? help",
    ]


def test_many_workers_leave_room_for_what_happened() -> None:
    workers = [worker(1000 + slot, slot) for slot in range(64)]
    lines = shown(later(workers=workers), earlier(workers=workers))
    assert [len([line for line in lines if mark in line]) for mark in (" ready ", "Event", "GET /")] == [11, 4, 1]


def test_the_first_answer_has_no_rates() -> None:
    lines = shown(later())
    assert lines[2] == "requests/s -  numbers come with the next answer"
    assert lines[7].split()[1:5] == ["1208", "busy", "-", "-"]


@pytest.mark.parametrize(
    ("changes", "state", "line"),
    [
        ({"stats": {"ready": False, "not_ready_because": "no worker is well"}}, {}, "NOT READY: no worker is well"),
        ({"stats": {"reloading": True}}, {}, "SERVING  workers 3/3  busy 18%  queue 0  reloading  running 3"),
        ({"listeners": [{"waiting": 3}, {"waiting": 4}, {}]}, {}, "SERVING, FULL  workers 3/3  busy 18%  queue 7"),
        ({"listeners": [{"address": "unix:/s", "waiting": None}]}, {}, "SERVING  workers 3/3  busy 18%  queue -"),
        ({"stats": {"workers_ready": 2}}, {}, "SERVING  workers 2/3"),
        ({"workers": [worker(1208, 0, busy_seconds=48.0)]}, {}, "SERVING, FULL  workers 3/3  busy 95%"),
        ({}, {"lost": "/run/s: gone; trying again"}, "NO ANSWER  /run/s: gone; trying again  workers 3/3"),
    ],
)
def test_whether_it_serves(changes: dict[str, Any], state: dict[str, Any], line: str) -> None:
    assert shown(later(**changes), earlier(), **state)[1].startswith(line)


def test_without_any_server() -> None:
    lines = shown(None, lost="nobody is there", rows=3)
    assert (lines[:2], len(lines)) == (["gunicorn", "NO ANSWER  nobody is there"], 3)


def test_nothing_runs_and_nobody_has_asked() -> None:
    now = later(requests=[], histogram=histogram(), stats={"requests": 2400, "responses": {}})
    lines = shown(now, earlier())
    assert lines[2:4] == [
        "0.0 requests/s  p50 -  p95 -  p99 -  5xx 0.0/s  refused 0.0/s", "NO REQUEST RUNS",
    ]


def styles(lines: list[list[tuple[str, str]]], text: str) -> set[str]:
    return {style for line in lines for style, part in line if text in part}


def test_what_is_bad_looks_bad() -> None:
    lines = view(later(), earlier(), State(), 80, 24)
    assert styles(lines, "SERVING") == {"good"}
    assert (styles(lines, "12.3s"), styles(lines, "12.0s"), styles(lines, "!")) == ({"bad"}, {"bad"}, {"bad"})
    assert styles(lines, "5xx") == {"bad"}
    assert styles(lines, " 1208") == {"chosen", ""}
    assert styles(view(later(), earlier(), State(chosen=1209), 80, 24), " 1209") == {"chosen", ""}
    assert {style for line in lines for style, _ in line} <= STYLES


def test_memory_is_odd_beside_that_of_others() -> None:
    def rows(*memory: int | None) -> list[str]:
        workers = [worker(100 + slot, slot, memory=used) for slot, used in enumerate(memory)]
        return [line[:2] for line in shown(later(workers=workers, requests=[]), None)[5 : 5 + len(memory)]]

    assert rows(30, 30, 46) == ["> ", "  ", " !"]
    assert rows(30, 30, 45) == ["> ", "  ", "  "]
    # Of two nobody can say which one is odd.
    assert rows(30, 90, None) == ["> ", "  ", "  "]


@pytest.mark.parametrize(
    ("sort", "pids"), [("r", [1208, 1209, 1215]), ("b", [1208, 1215, 1209]), ("m", [1209, 1208, 1215]),
                       ("a", [1208, 1209, 1215])],
)
def test_rows_are_sorted(sort: str, pids: list[int]) -> None:
    lines = view(later(), earlier(), State(sort=sort), 80, 24)
    assert [int(plain(line)[2:11]) for line in lines[7:10]] == pids
    assert [part.strip() for style, part in lines[6] if style == "chosen"] == [
        {"requests/s": "REQ/S", "busy": "BUSY", "memory": "PSS", "age": "AGE"}[SORTS[sort]]
    ]


# What others say.

HOSTILE = "GET /\x1b[2J\x1b]0;x\x07\x00\u0085\u202e\r\n日本語" + "/long" * 50


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_paths_are_text(columns: int, rows: int) -> None:
    line = HOSTILE.encode().decode("latin-1")
    requests = [{"pid": 1208, "age": 1.0, "line": line, "running": 1}]
    events = [{"at": 1e300, "text": HOSTILE}, {"at": 0, "text": "\x9b2J"}]
    now = later(requests=requests, events=events, version="\x1b[2J", listeners=[{"address": "\x1b"}])
    lines = view(now, earlier(), State(lost="\x1b", note="\x1b"), columns, rows)
    assert all(part.isprintable() for each in lines for _, part in each)
    assert all(width(plain(each)) <= columns for each in lines)
    text = "\n".join(map(plain, lines))
    assert r"GET /\x1b[2J\x1b]0;x\x07\x00"[: columns - 19] in text
    assert columns < 80 or "\\u202e\\r\\n日本語/long" in text


def test_wide_characters_take_two_columns() -> None:
    path = "GET /" + "日" * 40
    requests = [{"pid": 1208, "age": 1.0, "line": path.encode().decode("latin-1"), "running": 1}]
    line = shown(later(requests=requests), earlier(), 40, 10)[4]
    assert line == "    1.0s     1208 GET /日日日日日日日日>"
    assert width(line) == 40


def test_octets_that_are_no_text() -> None:
    requests = [{"pid": 1208, "age": 1.0, "line": "GET /\xff\xfeé", "running": 1}]
    assert shown(later(requests=requests), earlier())[4] == r"    1.0s     1208 GET /\xff\xfe\xe9"


def test_only_ascii_for_terminals_that_have_no_more() -> None:
    requests = [{"pid": 1208, "age": 1.0, "line": "GET /é日".encode().decode("latin-1"), "running": 1}]
    lines = shown(later(requests=requests), earlier(), busy=(0.1, 0.99), ascii_only=True)
    assert all(line.isascii() for line in lines)
    assert lines[1].endswith("  19")
    assert lines[4].endswith(r"GET /\xe9\u65e5")


def test_text_of_stacks_is_moved_and_bounded() -> None:
    stacks = tuple(f"\tframe {number}\x1b" for number in range(30))
    lines = shown(later(), None, 40, 10, page="stacks", stacks=stacks, scroll=3)
    assert lines[1:3] == [r"    frame 3\x1b", r"    frame 4\x1b"]
    assert lines[-1] == "up down to move, q to go back"
    assert shown(later(), None, 40, 10, page="stacks", stacks=stacks, scroll=99)[1:9][-1] == r"    frame 29\x1b"


def test_questions_come_before_notes() -> None:
    assert shown(later(), question="End worker 5?", note="x")[-1] == "End worker 5? y/n"
    assert shown(later(), note="Done")[-1] == "Done"
    assert shown(later(), paused=True)[0].startswith("gunicorn 28.0.0  pid 1200  up 1h02m  PAUSED")


def test_help_has_every_key() -> None:
    text = "\n".join(shown(later(), page="help"))
    assert all(f"\n{key} " in f"\n{text}" for key in ("q", "p", "r b m a", "s", "k", "R", "+ -", "?"))


@pytest.mark.parametrize("data", [
    {}, {"stats": 5, "workers": [1, {}], "requests": "x", "histogram": [None], "events": [{}], "listeners": {}},
    {"stats": {"restarts": [], "responses": 1, "uptime": float("inf"), "pid": float("nan")}, "moment": None},
])
def test_an_answer_of_another_server_breaks_nothing(data: dict[str, object]) -> None:
    reading = read(data)
    assert len(view(reading, reading, State(), 80, 24)) == 24


def test_answers_of_ours_are_understood() -> None:
    orders = Noted()
    before = read(facts.snapshot(orders.view()))
    orders.now += 10.0
    now = read(facts.snapshot(orders.view()))
    lines = shown(now, before)
    assert lines[1].startswith("SERVING, FULL  workers 1/2  busy -  queue 3")
    assert lines[4] == r"   14.5s       11 GET /slow\xff  an.id"
    assert now.workers[0].memory == 50 << 20
    assert (now.waiting, now.version != "") == (3, True)


def test_the_share_of_busy_places() -> None:
    # 20 of 40 s, 0 of 40 s, and 1 s of one that has lived for 5 s with four places: the mean of 12 places.
    assert busy_share(later(), earlier()) == pytest.approx((0.5 * 4 + 0.0 + 0.05 * 4) / 12)
    assert busy_share(later(), None) is None
    assert busy_share(later(), earlier(stats={"pid": 7})) is None
    assert busy_share(later(workers=[worker(1, 0, places=0)]), earlier()) is None


@given(
    st.integers(-1, 200), st.integers(-1, 60), st.integers(0, 70), st.sampled_from(["main", "help", "stacks"]),
    st.booleans(),
)
def test_it_always_fits(columns: int, rows: int, workers: int, page: str, first: bool) -> None:
    now = later(workers=[worker(2**31 + slot, slot, requests=1e15, memory=1 << 60) for slot in range(workers)])
    lines = view(now, None if first else earlier(), State(page=page, busy=(0.5,) * 60), columns, rows)
    assert len(lines) == (max(rows, 0) if columns > 0 else 0)
    assert all(width(plain(line)) <= columns for line in lines)


def test_paint() -> None:
    line = [("bad", "x"), ("", "y"), ("dim", "z")]
    assert painted([line, []], True) == "\x1b[H\x1b[0m\x1b[K\x1b[1;31mx\x1b[0my\x1b[2mz\x1b[0m\r\n\x1b[0m\x1b[K"
    colourless = painted(view(later(), earlier(), State(), 80, 24), False)
    assert not any(f"\x1b[{code}" in colourless for code in ("3", "1;3", "4", "9"))
    assert {answer()["stats"]["pid"]} == {1200}
