"""What a pool of task processes writes, and the master of the workers reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gunicorn.instrument.task_board import TaskBoard
from gunicorn.instrument.task_readings import AppReading, StashReading
from tests.support.task_board import APP, IDENTITY, OTHER, busy_board, target


def app_of(board: TaskBoard, path: str) -> AppReading:
    return next(app for app in board.read().apps if app.path == path)


def counted(app: AppReading) -> dict[str, int]:
    return {result: count for result, count in app.results.items() if count}


def test_what_is_written_is_read() -> None:
    found = busy_board().read()
    assert (found.pid, found.target, found.starts, found.spawned) == (20, 2, 1, 2)
    assert {cause for cause, count in found.restarts.items() if count} == {"crash"}
    assert found.stash == StashReading(1, 3, 5 << 20, 64 << 20)
    first, second = found.processes
    assert (first.pid, first.state, first.calls, first.errors, first.running) == (21, "busy", 2, 1, 1)
    assert (first.apps, first.spawned_at, first.ready_at) == ((APP, OTHER), 900.0, 900.0)
    assert (second.pid, second.state, second.apps, second.ready_at) == (22, "booting", (), 0.0)
    (call,) = found.calls
    assert (call.pid, call.app, call.action, call.request_id, call.started) == (21, APP, "train", IDENTITY, 995.5)
    nobody, app, other = found.apps
    assert (nobody.path, counted(nobody)) == ("", {"refused": 1})
    assert (app.limit, app.processes, app.waiting, app.running) == (0, 1, 2, 1)
    assert (other.limit, other.processes, counted(other)) == (1, 1, {})
    assert counted(app) == {"error": 1, "refused": 1}
    assert (sum(app.histogram), app.nanoseconds) == (1, 250_000_000)
    assert sum(app.queued) == 2
    assert abs(app.queued_nanoseconds - 300_000_000) < 1000


def test_one_that_is_told_to_go_drains_whatever_it_runs() -> None:
    board = busy_board()
    board.phase(21, "retiring")
    found = board.read()
    assert [each.state for each in found.processes] == ["draining", "booting"]
    assert app_of(board, APP).processes == 0
    board.leaves(2, False)
    board.gone(21, "reload")
    assert [each.pid for each in board.read().processes] == [22]
    assert board.read().calls == ()


def test_counters_outlive_the_process_that_writes_them() -> None:
    board = busy_board()
    board.ended()
    assert (board.read().pid, board.read().processes, board.count) == (0, (), 0)
    board.begin(30)
    board.expect({OTHER: 2})
    # The call that ran, and the two that waited, have no answer any more.
    assert counted(app_of(board, APP)) == {"error": 1, "refused": 1, "lost": 3}
    assert (app_of(board, APP).limit, app_of(board, APP).running, app_of(board, APP).waiting) == (-1, 0, 0)
    assert app_of(board, OTHER).limit == 2
    board.begin(31)
    assert counted(app_of(board, APP)) == {"error": 1, "refused": 1, "lost": 3}
    board.expect({APP: None})
    board.comes(APP)
    board.begins(1, APP, 5, target(APP, "x"), 0.0)
    board.leaves(1, False)
    board.ends(APP, "ok")
    found = board.read()
    assert counted(app_of(board, APP)) == {"ok": 1, "error": 1, "refused": 1, "lost": 3}
    assert (found.starts, found.pid, found.stash) == (3, 31, StashReading(0, 0, 0, 64 << 20))


def test_what_finds_no_row_is_counted_all_the_same() -> None:
    board = TaskBoard(lambda: 1.0)
    board.begin(1)
    board.expect({f"m:A{number}": None for number in range(80)} | {"m:" + "x" * 300: None})
    assert len(board.read().apps) == 62
    for number in range(300):
        board.spawned(1000 + number, number, number, 1)
        board.comes("m:A79")
        board.begins(number, "m:A79", 1000 + number, target("m:A79", "do"), 1.0)
    found = board.read()
    assert (len(found.processes), len(found.calls), app_of(board, "").running) == (256, 256, 300)
    for number in range(300):
        board.leaves(number, False)
        board.ends("m:A79", "ok")
        board.gone(1000 + number, "exit")
    found = board.read()
    assert (found.processes, found.calls, app_of(board, "").running) == ((), (), 0)
    assert (counted(app_of(board, "")), found.spawned, found.restarts["exit"]) == ({"ok": 300}, 300, 300)


@given(st.binary(max_size=600), st.text(max_size=300))
def test_texts_of_anybody(octets: bytes, reason: str) -> None:
    board = TaskBoard(lambda: 1.0)
    board.begin(1)
    board.begins(1, "", 5, octets, 1.0)
    (call,) = board.read().calls
    assert call.pid == 5
    board.hear(2, reason[:100])
    assert board.heard == 2
    assert board.reason == reason[:100].encode("utf-8", "replace").decode()
