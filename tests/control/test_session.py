"""Commands as a client sends them: what each answers, what it orders, when its answer comes."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from gunicorn.control import facts, protocol
from gunicorn.control.commands import COMMANDS
from gunicorn.control.conversation import Peer
from gunicorn.control.session import Session
from gunicorn.instrument._board import Board
from tests.control.orders import Noted, TaskOrder
from tests.support.task_board import APP, OTHER, busy_board


class Talk:
    """A session, its orders, and what it has answered."""

    def __init__(self, tells_who: bool = False) -> None:
        self.orders = Noted()
        self.session = Session(self.orders, Peer("", 501, 77), tells_who)

    def send(self, command: object, *args: object, identity: object = 1) -> None:
        self.session.receive(protocol.frame({"id": identity, "command": command, "args": list(args)}))

    def turn(self) -> list[dict[str, Any]]:
        """One turn of a loop: the answers that came of it."""
        if self.session.due is None:
            self.session.answer()
        if self.session.due is not None:
            self.session.tick(self.orders.now)
        return self.heard()

    def heard(self) -> list[dict[str, Any]]:
        frames = protocol.Frames(1 << 20)
        frames.receive(bytes(self.session.output))
        self.session.output.clear()
        found = []
        while (payload := frames.next()) is not None:
            found.append(json.loads(payload))
        return found

    def ask(self, command: object, *args: object) -> dict[str, Any]:
        self.send(command, *args)
        answers = self.turn()
        assert len(answers) == 1
        return answers[0]


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("", "Empty command"), ("   ", "Empty command"),
        ("bogus", "Invalid argument: Unknown command: bogus"),
        ("show", "Invalid argument: Missing show target (all|workers|dirty|config|stats|listeners)"),
        ("worker", "Invalid argument: Missing worker action (add|remove|kill)"),
        ("bogus a b", "Invalid argument: Unknown command: bogus"),
        ("show bogus", "Invalid argument: Unknown show target: bogus"),
        ("worker bogus", "Invalid argument: Unknown worker action: bogus"),
        ("dirty", "Invalid argument: Missing dirty action (add|remove)"),
        ("worker kill", "Invalid argument: Missing PID for worker kill"),
        ("worker kill abc", "Invalid argument: invalid literal for int() with base 10: 'abc'"),
        ("dirty add x", "Invalid argument: invalid literal for int() with base 10: 'x'"),
        ("worker add x", "Invalid argument: invalid literal for int() with base 10: 'x'"),
        ('show "workers', "Invalid argument: No closing quotation"),
        ("drain", "Invalid argument: drain needs on or off"),
        ("wait ready soon", "Invalid argument: Invalid number of seconds: soon"),
        ("watch nan", "Invalid argument: Invalid number of seconds: nan"),
        ("log level loud", "Invalid argument: the levels are debug, info, warning, error, critical"),
        ("show stacks 99", "Worker 99 not found"),
    ],
)
def test_what_cannot_be_done(talk: Talk, command: str, error: str) -> None:
    assert talk.ask(command) == {"id": 1, "status": "error", "error": error}
    assert talk.orders.done == []


@pytest.mark.parametrize("line", ["SHOW  Workers", " show 'workers' ", "show"])
def test_words_of_any_case(talk: Talk, line: str) -> None:
    args = ["workers"] if line == "show" else []
    assert talk.ask(line, *args)["data"]["count"] == 2


@pytest.mark.parametrize("identity", [0, None, "a", [1], {"b": 2}, 1.5])
def test_the_id_comes_back(talk: Talk, identity: object) -> None:
    talk.send("show stats", identity=identity)
    assert talk.turn()[0]["id"] == identity


def test_workers(talk: Talk) -> None:
    first, second = talk.ask("show workers")["data"]["workers"]
    assert {key: first[key] for key in ("pid", "age", "booted", "aborted", "last_heartbeat")} == {
        "pid": 11, "age": 1, "booted": True, "aborted": False, "last_heartbeat": 0.12,
    }
    assert (second["booted"], second["last_heartbeat"]) == (False, 10.0)
    assert (first["phase"], first["state"], first["running"]) == ("ready", "busy", 1)


def test_all(talk: Talk) -> None:
    data = talk.ask("show all")["data"]
    assert data["arbiter"] == {"pid": 10, "type": "arbiter", "role": "master"}
    assert (data["web_worker_count"], data["dirty_worker_count"]) == (2, 0)
    assert (data["dirty_arbiter"], data["dirty_workers"]) == (None, [])
    assert {key: data["web_workers"][0][key] for key in ("pid", "type", "age", "booted")} == {
        "pid": 11, "type": "web", "age": 1, "booted": True,
    }


def test_stats(talk: Talk) -> None:
    data = talk.ask("show stats")["data"]
    assert {key: data[key] for key in list(data)[:8]} == {
        "uptime": 101.0, "pid": 10, "workers_current": 2, "workers_target": 2, "workers_spawned": 2,
        "workers_killed": 0, "reloads": 1, "dirty_arbiter_pid": None,
    }
    assert (data["ready"], data["not_ready_because"]) == (True, None)
    assert (data["requests"], data["responses"]["2xx"], data["restarts"]) == (0, 0, {"crash": 2})
    Board(talk.orders.slots[0]).end("GET", 200, 995.5, 996.0, 20)
    data = talk.ask("show stats")["data"]
    assert (data["requests"], data["responses"]["2xx"]) == (1, 1)
    talk.orders.changes["not_ready"] = "no worker is well"
    assert talk.ask("show stats")["data"]["not_ready_because"] == "no worker is well"


def test_config(talk: Talk) -> None:
    data = talk.ask("show config")["data"]
    assert set(data) == {*facts.SETTINGS_ON_TOP, "settings"}
    assert len(facts.SETTINGS_ON_TOP) == 20
    assert (data["bind"], data["workers"], data["worker_class"]) == (["127.0.0.1:8000"], 1, "sync")
    assert data["settings"]["timeout"] == {"value": 30, "source": "default"}


def test_a_password_is_told_to_nobody(talk: Talk) -> None:
    view = talk.orders.view()
    view.settings.set("keyfile_password", "secret")
    assert "secret" not in json.dumps(facts.of_settings(view))


def test_requests(talk: Talk) -> None:
    assert talk.ask("show requests")["data"] == {
        "requests": [
            {"pid": 11, "worker": 1, "age": 4.5, "line": "GET /slow\xff", "running": 1, "request_id": "an.id"},
        ],
        "count": 1,
    }
    Board(talk.orders.slots[0]).identify("")
    assert talk.ask("show requests")["data"]["requests"][0]["request_id"] is None


def test_listeners_and_tasks(talk: Talk) -> None:
    assert talk.ask("show listeners")["data"] == {
        "listeners": [{"address": "http://127.0.0.1:8000", "fd": 5, "type": "tcp"}], "count": 1,
    }
    assert talk.ask("show dirty")["data"] == {"enabled": False, "pid": None, "workers": [], "apps": []}
    for line in ("dirty add", "dirty remove 2"):
        assert talk.ask(line)["data"] == {"success": False, "error": "Dirty arbiter not running"}


def test_a_pool_is_shown(talk: Talk) -> None:
    talk.orders.tasks = busy_board()
    data = talk.ask("show dirty")["data"]
    assert (data["enabled"], data["pid"], data["target"], data["count"]) == (True, 20, 2, 2)
    first, second = data["workers"]
    assert {key: first[key] for key in ("pid", "age", "booted", "state", "calls", "errors", "running", "memory")} == {
        "pid": 21, "age": 1, "booted": True, "state": "busy", "calls": 2, "errors": 1, "running": 1, "memory": 3 << 20,
    }
    assert (second["booted"], second["state"], second["memory"]) == (False, "booting", None)
    app, other = data["apps"]
    assert {key: app[key] for key in ("import_path", "worker_count", "current_workers", "worker_pids", "waiting")} == {
        "import_path": APP, "worker_count": None, "current_workers": 1, "worker_pids": [21], "waiting": 2,
    }
    assert (other["worker_count"], other["calls"]) == (1, 0)
    assert (app["calls"], app["results"]["error"], app["results"]["refused"]) == (2, 1, 1)
    assert data["calls"] == [
        {"pid": 21, "call": f"{APP}.train", "app": APP, "action": "train", "age": 4.5, "request_id": "an.id"},
    ]
    assert data["stash"] == {"tables": 1, "entries": 3, "bytes": 5 << 20, "limit": 64 << 20}
    assert talk.ask("show stats")["data"]["dirty_arbiter_pid"] == 20
    data = talk.ask("show all")["data"]
    assert data["dirty_arbiter"]["pid"] == 20
    assert ([row["pid"] for row in data["dirty_workers"]], data["dirty_worker_count"]) == ([21, 22], 2)
    talk.send("watch")
    assert talk.turn()[0]["data"]["tasks"]["pid"] == 20


def test_what_is_not_wanted_any_more_is_not_shown(talk: Talk) -> None:
    talk.orders.tasks = board = busy_board()
    board.expect({OTHER: 1})
    assert [app["import_path"] for app in talk.ask("show dirty")["data"]["apps"]] == [OTHER]


@pytest.mark.parametrize(
    ("command", "by", "found", "answer"),
    [
        ("dirty add", 1, (3, ""), ("add", 1, "spawned", 1, 3, None)),
        ("dirty add 0", 1, (3, ""), ("add", 1, "spawned", 1, 3, None)),
        ("dirty add 5", 5, (7, ""), ("add", 5, "spawned", 5, 7, None)),
        ("dirty remove", -1, (1, ""), ("remove", 1, "removed", 1, 1, None)),
        ("dirty remove 4", -4, (1, "Why."), ("remove", 4, "removed", 1, 1, "Why.")),
        ("dirty remove 4", -4, (1, ""), ("remove", 4, "removed", 1, 1, "One task process stays.")),
        ("dirty add 99999", 1000, (1002, ""), ("add", 99999, "spawned", 1000, 1002, "At most 1000 at a time.")),
    ],
)
def test_more_and_less_task_processes(
    talk: Talk, command: str, by: int, found: tuple[int, str], answer: tuple[str, int, str, int, int, str | None]
) -> None:
    talk.orders.task_order = order = TaskOrder(2)
    talk.send(command)
    assert talk.turn() == []
    assert talk.orders.done == [("resize_tasks", by)]
    order.found = found
    (got,) = talk.turn()
    operation, requested, name, done, total, reason = answer
    assert got["data"] == {
        "success": True, "operation": operation, "requested": requested, name: done, "previous": 2,
        "total_workers": total, "target_workers": total, **({} if reason is None else {"reason": reason}),
    }


def test_a_pool_that_stops_takes_nobody_on(talk: Talk) -> None:
    talk.orders.task_order = TaskOrder(2, (2, ""))
    assert talk.ask("dirty add")["error"] == "The task processes are stopping."


@pytest.mark.parametrize("reason", ["No one can be spared.", ""])
def test_what_cannot_be_spared_stays(talk: Talk, reason: str) -> None:
    talk.orders.task_order = TaskOrder(2, (2, reason))
    assert talk.ask("dirty remove 3")["error"] == (reason or "One task process stays.")


def test_a_pool_that_does_not_answer(talk: Talk) -> None:
    talk.orders.task_order = TaskOrder(2)
    talk.send("dirty add")
    assert talk.turn() == []
    talk.orders.now += 11.0
    (got,) = talk.turn()
    assert got["error"] == "The process that leads the tasks does not answer"


def test_help_names_every_command(talk: Talk) -> None:
    told = talk.ask("help")["data"]["commands"]
    assert len(told) == len(COMMANDS)
    assert all(any(line.startswith(name) for line in told) for name in COMMANDS)


@pytest.mark.parametrize(
    ("command", "orders", "data"),
    [
        ("worker add", [("resize", 1)], {"added": 0, "previous": 2, "total": 2}),
        ("worker add 3", [("resize", 3)], {"added": 0, "previous": 2, "total": 2}),
        ("worker add 0", [("resize", 1)], {"added": 0, "previous": 2, "total": 2}),
        ("worker remove -5", [("resize", -1)], {"removed": 0, "previous": 2, "total": 2}),
        ("worker kill 11", [("dismiss", 11)], {"success": True, "killed": 11}),
        ("worker kill 99", [], {"success": False, "error": "Worker 99 not found"}),
        ("worker restart", [("renew", 11, 12)], {"success": True, "restarting": [11, 12]}),
        ("worker restart 12", [("renew", 12)], {"success": True, "restarting": [12]}),
        ("worker restart 99", [], {"success": False, "error": "Worker 99 not found"}),
        ("reload", [("signal", signal.SIGHUP)], {"status": "reloading"}),
        ("reopen", [("signal", signal.SIGUSR1)], {"status": "reopening"}),
        ("shutdown", [("signal", signal.SIGTERM)], {"status": "shutting_down", "mode": "graceful"}),
        ("shutdown GRACEFUL", [("signal", signal.SIGTERM)], {"status": "shutting_down", "mode": "graceful"}),
        ("shutdown quick", [("signal", signal.SIGINT)], {"status": "shutting_down", "mode": "quick"}),
        ("drain on", [("drain", True)], {"draining": False, "ready": True}),
        ("drain off", [("drain", False)], {"draining": False, "ready": True}),
        ("log level DEBUG", [("set_log_level", 10)], {"level": "debug"}),
    ],
)
def test_what_is_ordered(talk: Talk, command: str, orders: list[object], data: object) -> None:
    assert talk.ask(command) == {"id": 1, "status": "ok", "data": data}
    assert talk.orders.done == orders


def test_an_order_is_answered_behind_the_step_that_took_it(talk: Talk) -> None:
    talk.send("worker add 2")
    talk.session.answer()
    assert talk.heard() == []
    talk.orders.changes["target"] = 4
    assert talk.turn()[0]["data"] == {"added": 2, "previous": 2, "total": 4}


def test_a_second_graceful_stop_is_no_more_haste(talk: Talk) -> None:
    talk.orders.changes["stopping"] = True
    assert talk.ask("shutdown")["status"] == "ok"
    assert talk.orders.done == []
    assert talk.ask("shutdown quick")["status"] == "ok"
    assert talk.orders.done == [("signal", signal.SIGINT)]


def test_a_logger_without_a_level(talk: Talk) -> None:
    talk.orders.has_levels = False
    assert talk.ask("log level info")["status"] == "error"


def test_stacks_are_waited_for(talk: Talk) -> None:
    talk.send("show stacks 11")
    assert talk.turn() == []
    assert talk.session.due is not None
    talk.orders.answer.text = "Thread 1"
    assert talk.turn()[0]["data"] == {"pid": 11, "stacks": "Thread 1"}
    talk.orders.answer.text = ""
    assert talk.ask("show stacks 11")["error"] == "The worker does not answer"


def test_watching(talk: Talk) -> None:
    talk.send("watch 2", identity="w")
    talk.send("help")
    ticks = []
    for seconds in (0.0, 1.9, 2.1, 3.0, 9.0, 9.5):
        talk.orders.now = 1000.0 + seconds
        ticks += [(seconds, answer["id"]) for answer in talk.turn()]
    assert ticks == [(0.0, "w"), (2.1, "w"), (9.0, "w")]
    assert talk.session.due == 1011.0
    assert set(facts.snapshot(talk.orders.view())) == {
        "stats", "workers", "count", "requests", "listeners", "events",
        "histogram", "version", "moment",
    }


def test_waiting_for_ready(talk: Talk) -> None:
    assert talk.ask("wait ready")["data"] == {"ready": True}
    talk.orders.changes["not_ready"] = "no worker is ready yet"
    talk.send("wait ready 5")
    assert talk.turn() == []
    assert talk.session.due == 1005.0
    talk.orders.now = 1005.0
    assert talk.turn()[0]["error"] == "Not ready: no worker is ready yet"
    talk.send("wait ready")
    talk.orders.now = 1e9
    assert talk.turn() == []
    talk.orders.changes["not_ready"] = ""
    assert talk.turn()[0]["status"] == "ok"


@pytest.mark.parametrize(
    ("during", "after", "answer"),
    [
        ((True, 0, None), (False, 1, None), "ok"),
        ((False, 0, "that of before"), (False, 1, None), "ok"),
        ((True, 0, None), (False, 1, "no app"), "Reload failed: no app"),
    ],
)
def test_reload_and_wait(talk: Talk, during: tuple[Any, ...], after: tuple[Any, ...], answer: str) -> None:
    from gunicorn.control.view import ReloadView

    talk.send("reload --wait 60")
    talk.orders.changes["reload"] = ReloadView(*during)
    assert talk.turn() == []
    assert talk.orders.done == [("signal", signal.SIGHUP)]
    talk.orders.changes["reload"] = ReloadView(*after)
    found = talk.turn()[0]
    assert found.get("error", found["status"]) == answer


def test_a_reload_that_will_not_be(talk: Talk) -> None:
    talk.orders.changes["stopping"] = True
    assert talk.ask("reload --wait")["error"] == "The server is stopping"


@pytest.mark.parametrize("tells_who", [True, False])
def test_who_changes_something_is_named(tells_who: bool) -> None:
    talk = Talk(tells_who)
    talk.ask("show stats")
    talk.ask("worker kill 11")
    notes = [done for done in talk.orders.done if done[0] == "note"]
    assert notes == [("note", "'worker kill 11' by user 501, process 77")] * tells_who


@pytest.mark.parametrize("octets", [b"\0\0\0\x02[]", b"GET / HTTP/1.1\r\n", b"\xff\xff\xff\xff", b"\0\0\0\0"])
def test_what_is_not_the_protocol_ends_it_without_an_answer(talk: Talk, octets: bytes) -> None:
    talk.session.receive(octets)
    assert talk.turn() == []
    assert talk.session.finished
