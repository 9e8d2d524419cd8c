"""What clients that were written for 27.0.1 send, and what it answered them (observed on its socket): frames, keys, the
kinds of their values, texts. Keys may be added, and none is ever taken away.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from tests.control.orders import TaskOrder
from tests.control.test_session import Talk
from tests.support.task_board import busy_board

ROW = {"pid": int, "age": int, "booted": bool, "aborted": bool, "last_heartbeat": float}
STATS = {
    "uptime": float, "pid": int, "workers_current": int, "workers_target": int, "workers_spawned": int,
    "workers_killed": int, "reloads": int, "dirty_arbiter_pid": None,
}
CONFIG = {
    "bind": [str], "workers": int, "worker_class": str, "threads": int, "timeout": int, "graceful_timeout": int,
    "keepalive": int, "max_requests": int, "max_requests_jitter": int, "worker_connections": int, "preload_app": bool,
    "daemon": bool, "pidfile": None, "proc_name": str, "reload": bool, "dirty_workers": int, "dirty_apps": [],
    "dirty_timeout": int, "control_socket": str, "control_socket_disable": bool,
}
HELP = (
    "show all", "show workers", "show dirty", "show config", "show stats", "show listeners", "worker add [N]",
    "worker remove [N]", "worker kill <PID>", "dirty add [N]", "dirty remove [N]", "reload", "reopen",
    "shutdown [graceful|quick]", "help",
)
#: Commands, and the form of their data: a type, the value itself, a list of things of one form, or keys.
DATA = {
    "help": {"commands": dict.fromkeys(HELP, str)},
    "show all": {
        "arbiter": {"pid": int, "type": "arbiter", "role": "master"},
        "web_workers": [{"pid": int, "type": "web", "age": int, "booted": bool, "last_heartbeat": float}],
        "web_worker_count": int, "dirty_arbiter": None, "dirty_workers": [], "dirty_worker_count": 0,
    },
    "show workers": {"workers": [ROW], "count": int},
    "SHOW   Workers": {"workers": [ROW], "count": int},
    "show 'workers'": {"workers": [ROW], "count": int},
    "show workers extra": {"workers": [ROW], "count": int},
    "show stats": STATS,
    "show stats x": STATS,
    "show dirty": {"enabled": False, "pid": None, "workers": [], "apps": []},
    "show config": CONFIG,
    "show listeners": {"listeners": [{"address": str, "fd": int, "type": str}], "count": int},
    "worker add": {"added": int, "previous": int, "total": int},
    "worker add 0": {"added": int, "previous": int, "total": int},
    "worker remove 2": {"removed": int, "previous": int, "total": int},
    "worker remove -1": {"removed": int, "previous": int, "total": int},
    "worker kill 11": {"success": True, "killed": 11},
    "worker kill 999999": {"success": False, "error": "Worker 999999 not found"},
    "dirty add": {"success": False, "error": "Dirty arbiter not running"},
    "dirty remove 2": {"success": False, "error": "Dirty arbiter not running"},
    "reload": {"status": "reloading"},
    "reopen": {"status": "reopening"},
    "shutdown": {"status": "shutting_down", "mode": "graceful"},
    "shutdown quick": {"status": "shutting_down", "mode": "quick"},
    "shutdown bogus": {"status": "shutting_down", "mode": "bogus"},
}


#: The same, of a server with a pool.
WITH_TASKS = {
    "show dirty": {
        "enabled": True, "pid": int, "workers": [{"pid": int, "age": int, "apps": list, "booted": bool}],
        "apps": [{"import_path": str, "current_workers": int, "worker_pids": list}],
    },
    "show all": {
        "dirty_arbiter": {"pid": int, "type": "dirty_arbiter", "role": "dirty master"},
        "dirty_workers": [{"pid": int, "type": "dirty", "age": int, "apps": list, "booted": bool}],
        "dirty_worker_count": int,
    },
    "dirty add 2": {
        "success": True, "operation": "add", "requested": 2, "spawned": 2, "total_workers": int, "target_workers": int,
    },
    "dirty remove": {
        "success": True, "operation": "remove", "requested": 1, "removed": 1, "total_workers": int,
        "target_workers": int,
    },
}


def misfits(value: Any, form: Any, path: str = "") -> list[str]:
    """Where a value is not of a form; more keys than it has are none of its business."""
    if isinstance(form, dict):
        missing = [f"{path}.{key} is missing" for key in form if not isinstance(value, dict) or key not in value]
        return missing or [each for key in form for each in misfits(value[key], form[key], f"{path}.{key}")]
    if isinstance(form, list):
        if not isinstance(value, list) or bool(value) != bool(form):
            return [f"{path} is {value!r}"]
        return [each for item in value for each in misfits(item, form[0], f"{path}[]")]
    fits = type(value) is form if isinstance(form, type) else value == form and type(value) is type(form)
    return [] if fits else [f"{path} is {value!r}"]


@pytest.mark.parametrize("command", DATA)
def test_what_a_command_answers(command: str) -> None:
    answer = Talk().ask(command)
    assert set(answer) == {"id", "status", "data"}
    assert answer["status"] == "ok"
    assert misfits(answer["data"], DATA[command]) == []


@pytest.mark.parametrize("command", WITH_TASKS)
def test_what_a_command_about_tasks_answers(command: str) -> None:
    talk = Talk()
    talk.orders.tasks = busy_board()
    talk.orders.task_order = TaskOrder(2, (4 if "add" in command else 1, ""))
    answer = talk.ask(command)
    assert answer["status"] == "ok"
    assert misfits(answer["data"], WITH_TASKS[command]) == []


def test_a_misfit_is_seen() -> None:
    form: Any = {"a": [int], "b": None, "c": {"d": True}}
    assert misfits({"a": [1], "b": None, "c": {"d": True, "more": 1}}, form) == []
    assert misfits({"a": [1.5], "b": 0, "c": {"d": 1}}, form) == [".a[] is 1.5", ".b is 0", ".c.d is 1"]
    assert misfits({"a": [], "b": None}, form) == [".c is missing"]


def frame(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


def framed(**message: Any) -> bytes:
    return frame(json.dumps(message).encode())


UNKNOWN = "Invalid argument: Unknown command: bogus"
#: Octets, and what comes of them: ids and errors (None: an answer), or the end of the connection.
FRAMES: dict[str, tuple[bytes, list[tuple[Any, str | None]] | None]] = {
    "no id": (framed(command="show stats"), [(0, None)]),
    "an id that is null": (framed(id=None, command="show stats"), [(None, None)]),
    "an id of any kind": (framed(id=[1, {"a": 2}], command="show stats"), [([1, {"a": 2}], None)]),
    "words behind": (framed(id=1, command="show", args=["stats"]), [(1, None)]),
    "a number behind": (framed(id=1, command="worker kill", args=[999999]), [(1, None)]),
    "args that are null": (framed(id=1, command="show stats", args=None), [(1, None)]),
    "two at once": (framed(id=1, command="show stats") + framed(id=2, command="bogus"), [(1, None), (2, UNKNOWN)]),
    "a tab": (framed(id=1, command="SHOW\tstats"), [(1, None)]),
    "no command": (framed(id=1), [(1, "Empty command")]),
    "an empty command": (framed(id=1, command="  "), [(1, "Empty command")]),
    "an open quotation": (framed(id=1, command='show "stats'), [(1, "Invalid argument: No closing quotation")]),
    "half a frame": (b"\0\0\0\x40{", []),
    "a command that is a number": (framed(id=1, command=5), None),
    "a command that is null": (framed(id=1, command=None), None),
    "no JSON": (frame(b"rubbish"), None),
    "a list": (frame(b"[1]"), None),
    "nothing": (frame(b""), None),
    "too long": (struct.pack(">I", 1 << 31), None),
    "no UTF-8": (frame(b'{"id":1,"command":"\xff"}'), None),
}


@pytest.mark.parametrize("name", FRAMES)
def test_what_comes_of_a_frame(name: str) -> None:
    octets, expected = FRAMES[name]
    talk = Talk()
    talk.session.receive(octets)
    answers = [*talk.turn(), *talk.turn()]
    assert talk.session.finished is (expected is None)
    assert [(each["id"], each.get("error")) for each in answers] == (expected or [])
    assert all(set(each) == {"id", "status", "error" if "error" in each else "data"} for each in answers)
