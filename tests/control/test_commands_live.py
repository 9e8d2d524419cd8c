"""One server, and everything one can ask and tell it; it must be as it was at the end of each test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.control import cli
from tests.master.scrape import face_of
from tests.master.test_signals import APP, Background
from tests.support.control import Control, ask, ready_workers
from tests.support.server import Server, running
from tests.support.wait import wait_until
from tests.support.wire import get

EXTRA = """
        elif path == "/level":
            import logging
            body = str(logging.getLogger("gunicorn.error").level).encode()
        elif path == "/held":
            while not os.path.exists("go"):
                time.sleep(0.02)
            body = b"one"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    app = APP.replace("        elif path.startswith", EXTRA[1:] + "        elif path.startswith")
    args = ("-w", "2", "--metrics-bind", "127.0.0.1:0")
    with running(tmp_path_factory.mktemp("live"), app, *args, workers=2) as started:
        ready_workers(started.folder / "gunicorn.ctl", 2)
        yield started


@pytest.fixture
def path(server: Server) -> str:
    return str(server.folder / "gunicorn.ctl")


def test_workers_are_those_of_the_system(server: Server, path: str) -> None:
    data = ask(path, "show workers")
    assert sorted(row["pid"] for row in data["workers"]) == sorted(server.worker_pids())
    assert all(row["booted"] and not row["aborted"] for row in data["workers"])
    assert ask(path, "show all")["arbiter"]["pid"] == server.pid
    assert ask(path, "show listeners")["listeners"][0]["address"] == server.url


def test_numbers_are_true(server: Server, path: str) -> None:
    def served() -> int:
        return sum(row["requests"] for row in ask(path, "show workers")["workers"])

    before = served()
    for _ in range(5):
        server.get()
    wait_until(lambda: served() >= before + 5)
    assert served() == before + 5


def test_more_and_less(server: Server, path: str) -> None:
    old = ready_workers(path, 2)
    assert ask(path, "worker add", 2) == {"added": 2, "previous": 2, "total": 4}
    assert len(ready_workers(path, 4)) == 4
    assert ask(path, "worker remove 2") == {"removed": 2, "previous": 4, "total": 2}
    assert not set(old) & set(ready_workers(path, 2)), "the oldest go"
    assert ask(path, "worker remove 9") == {"removed": 1, "previous": 2, "total": 1}
    assert ask(path, "worker add") == {"added": 1, "previous": 1, "total": 2}
    ready_workers(path, 2)


def test_one_is_killed_and_replaced(server: Server, path: str) -> None:
    first, second = ready_workers(path, 2)
    before = ask(path, "show stats")
    assert ask(path, "worker kill", first) == {"success": True, "killed": first}
    wait_until(lambda: first not in server.worker_pids())
    assert second in ready_workers(path, 2)
    after = ask(path, "show stats")
    assert after["requests"] == after["responses"]["2xx"] == before["requests"], "what one has served stays served"
    assert [after[name] - before[name] for name in ("workers_spawned", "workers_killed")] == [1, 1]


def test_all_are_restarted_and_the_configuration_stays(server: Server, path: str) -> None:
    old = ready_workers(path, 2)
    reloads = ask(path, "show stats")["reloads"]
    assert ask(path, "worker restart")["restarting"] == old
    wait_until(lambda: not set(old) & set(server.worker_pids()))
    ready_workers(path, 2)
    assert ask(path, "show stats")["reloads"] == reloads


def test_a_running_request(server: Server, path: str) -> None:
    request = Background(server, "/held?a=%1b[31m")
    rows = wait_until(lambda: ask(path, "show requests")["requests"])
    assert rows[0]["line"].startswith("GET /held?a=%1b")
    # Its page says that it runs before it does.
    wait_until(lambda: "in app" in ask(path, "show stacks", rows[0]["pid"])["stacks"])
    (server.folder / "go").touch()
    assert request.result() == b"one"
    wait_until(lambda: ask(path, "show requests")["count"] == 0)


def test_profile_of_all(server: Server, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    pids = ready_workers(path, 2)
    target = server.folder / "flame.svg"
    assert cli.main(["-s", path, "profile", "all", "0.3", "-o", str(target)]) == 0
    assert capsys.readouterr().out.startswith(f"Wrote {target}: ")
    assert target.read_text().startswith("<svg ")
    profile = ask(path, "profile all 0.2")
    assert {row["pid"]: row["problem"] for row in profile["workers"]} == dict.fromkeys(pids)
    assert sum(row["idle"] for row in profile["workers"]) > 0, "nobody has asked for anything"


def test_a_profile_ends_with_its_client(server: Server, path: str) -> None:
    def threads() -> list[int]:
        return [len(os.listdir(f"/proc/{pid}/task")) for pid in ready_workers(path, 2)]

    before = threads()
    with Control(path) as client:
        client.send("profile all 600")
        wait_until(lambda: threads() == [count + 1 for count in before])
        assert ask(path, "profile all 0.1") == "A profile is being taken; one at a time"
    wait_until(lambda: threads() == before)
    wait_until(lambda: isinstance(ask(path, "profile all 0.1"), dict))


def test_drain(server: Server, path: str) -> None:
    assert ask(path, "drain on") == {"draining": True, "ready": False}
    try:
        assert server.get().status == 200
        assert get(face_of(server), "/health/ready").json()["reason"] == "drained by a command"
        assert ask(path, "wait ready 0.05") == "Not ready: drained by a command"
        with Control(path) as waiting:
            waiting.send("wait ready")
            assert ask(path, "drain off") == {"draining": False, "ready": True}
            assert waiting.receive()["data"] == {"ready": True}
    finally:
        ask(path, "drain off")


def test_the_level_of_the_log_reaches_every_worker(server: Server, path: str) -> None:
    assert ask(path, "log level", "critical") == {"level": "critical"}
    assert ask(path, "reopen") == {"status": "reopening"}
    wait_until(lambda: {server.get("/level").body for _ in range(10)} == {b"50"})
    assert ask(path, "log level", "info") == {"level": "info"}
    wait_until(lambda: {server.get("/level").body for _ in range(10)} == {b"20"})


def test_watching(server: Server, path: str) -> None:
    with Control(path) as client:
        client.send("watch 0.1", identity="tick")
        ticks = [client.receive() for _ in range(3)]
    assert {tick["id"] for tick in ticks} == {"tick"}
    moments = [tick["data"]["stats"]["uptime"] for tick in ticks]
    assert moments[0] < moments[1] < moments[2]


def test_reload_and_wait(server: Server, path: str) -> None:
    version = server.folder / "version"
    old = ready_workers(path, 2)
    version.write_text("two")
    assert ask(path, "reload --wait") == {"status": "reloaded", "reloaded": True}
    # An old worker may still serve whom it has accepted before.
    wait_until(lambda: server.get().body == b"two")
    assert not set(old) & set(ready_workers(path, 2))
    assert ask(path, "wait reloaded") == {"status": "reloaded", "reloaded": True}
    version.unlink()
    assert ask(path, "reload") == {"status": "reloading"}
    assert ask(path, "wait reloaded 60")["reloaded"]
    events = [event["text"] for event in wait_until(lambda: watch_once(path))["events"]]
    assert events[-1] == "Reload done"


def watch_once(path: str) -> dict[str, list[dict[str, str]]]:
    with Control(path) as client:
        client.send("watch")
        data: dict[str, list[dict[str, str]]] = client.receive()["data"]
        return data


# -- the program, in this process


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = cli.main(args)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_gunicornc_shows_tables(server: Server, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ready_workers(path, 2)
    code, out, _ = run(capsys, "-s", path, "-c", "show workers")
    head, rule, *rows = out.splitlines()
    assert (code, head, rule) == (0, "PID        AGE    BOOTED   LAST_BEAT", "-" * 40)
    assert [row.split()[0] for row in rows[:2]] == [str(first), str(second)]
    assert rows[2:] == ["", "Total: 2 workers"]
    assert run(capsys, "-s", path, "show", "stats")[1].splitlines()[1] == f"PID:              {server.pid}"


def test_gunicornc_speaks_json(server: Server, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "-s", path, "-j", "-c", "show stats")
    assert (code, json.loads(out)["pid"]) == (0, server.pid)
    assert run(capsys, "-s", path, "-c", "worker kill 1") == (
        0, '{\n  "success": false,\n  "error": "Worker 1 not found"\n}\n', "",
    )
    assert run(capsys, "-s", path, "-j", "-c", "bogus") == (1, "", "Error: Invalid argument: Unknown command: bogus\n")


def test_gunicornc_shows_all_at_once_as_json(
    server: Server, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "-s", path, "-j", "top")
    data = json.loads(out)
    assert (code, data["stats"]["pid"], len(data["workers"])) == (0, server.pid, 2)
    assert all(row["memory"] > 1 << 20 and row["places"] == 1 for row in data["workers"])
    assert [row["waiting"] for row in data["listeners"]] == [0]


def test_gunicornc_waits_for_a_reload(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "-s", path, "-j", "reload", "30", "--wait")
    assert (code, json.loads(out)["status"]) == (0, "reloaded")


def test_a_conversation(
    server: Server, path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    prompts: list[str] = []
    lines = iter(["show stats", "", "bogus", "EXIT", "never"])
    monkeypatch.setattr("builtins.input", lambda prompt: prompts.append(prompt) or next(lines))
    code, out, err = run(capsys, "-s", path, "-c", "")
    assert (code, err) == (0, "")
    assert out.startswith(f"Connected to {path}\nType 'help' for available commands, 'quit' to exit.\n\nUptime: ")
    assert out.endswith("\n\nError: Invalid argument: Unknown command: bogus\n\n")
    assert prompts == ["gunicorn> "] * 4
    assert os.stat(tmp_path / ".gunicornc_history").st_mode & 0o777 == 0o600


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, "-s", str(tmp_path / "x"), "-c", "help")
    assert (code, out) == (1, "")
    assert err == f"Error: Failed to connect to {tmp_path / 'x'}: [Errno 2] No such file or directory\n"
