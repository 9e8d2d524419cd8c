"""A pool that is only its board: two applications, two processes, one of them with a call."""

from __future__ import annotations

from gunicorn.instrument.task_board import TaskBoard

APP, OTHER = "mod:App", "mod:Other"
IDENTITY = "an.id"


def target(app: str, action: str, request_id: str = "") -> bytes:
    return f"{app}\0{action}".encode() + (b"\0" + request_id.encode() if request_id else b"")


def busy_board(now: float = 1000.0) -> TaskBoard:
    """At the moment `now`: process 21 has run a call of 0.25 s that failed and runs one for 4.5 s now, 22 boots; two
    calls wait, one was refused, one was of an application that there is not."""
    moment = now - 100.0
    board = TaskBoard(lambda: moment)
    board.begin(20)
    board.expect({APP: None, OTHER: 1})
    for place, pid in enumerate((21, 22)):
        board.spawned(pid, place, place + 1, 1)
    board.ready(21, [APP, OTHER])
    board.phase(21, "ready")
    moment = now - 50.0
    board.comes(APP)
    board.begins(1, APP, 21, target(APP, "fail"), moment - 0.3)
    moment += 0.25
    board.leaves(1, True)
    board.ends(APP, "error")
    moment = now - 4.5
    board.comes(APP)
    board.begins(2, APP, 21, target(APP, "train", IDENTITY), moment)
    for _ in range(2):
        board.comes(APP)
    board.waits(APP, 2)
    board.comes(APP)
    board.ends(APP, "refused")
    board.comes("mod:None")
    board.ends("mod:None", "refused")
    board.gone(23, "crash")
    board.stash(1, 3, 5 << 20, 64 << 20)
    board.report(2, 2, True)
    return board
