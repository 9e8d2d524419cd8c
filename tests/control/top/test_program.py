"""The program between a server and a person: what comes in, what goes out, and servers that go and come."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gunicorn import __version__
from gunicorn.control import cli, commands
from gunicorn.control.client import Unreachable
from gunicorn.control.session import Session
from gunicorn.control.top import link as links
from gunicorn.control.top.program import Top
from gunicorn.control.top.text import plain
from tests.control.orders import Noted
from tests.control.talk import Hall


class House:
    """A server that is only a view, in this process, and a `top` that looks at it; one clock for both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders = Noted()
        self.hall = self.open()
        self.now = 0.0
        self.top = Top(self.hall.path, lambda: self.now)

    def open(self) -> Hall:
        return Hall(self.folder, lambda peer: Session(self.orders, peer, False))

    def restart(self) -> None:
        """Another server at the same place."""
        self.close_server()
        self.orders = Noted()
        self.orders.changes["pid"] = 77
        self.hall = self.open()

    def close_server(self) -> None:
        self.hall.close()
        os.unlink(self.hall.path)

    def go(self, seconds: float = 0.0) -> list[str]:
        """Time passes, and all is done that there is to do; the screen then."""
        self.now += seconds
        self.orders.now += seconds
        self.hall.now += seconds
        self.top.look_at_clock()
        for _ in range(6):
            self.hall.turn()
            sources = [*self.top._pending, *([self.top._link] if self.top._link else [])]
            for each in select.select(sources, [], [], 0)[0]:
                self.top.hear(each)
        return [plain(line).rstrip() for line in self.top.lines(120, 30)]

    def press(self, data: bytes) -> list[str]:
        self.top.type(data)
        return self.go()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.top.close()
    made.hall.close()


def test_it_watches(house: House) -> None:
    assert house.go()[1].startswith("SERVING, FULL  workers 1/2  busy -  queue 3  running 1")
    house.orders.slots[0].offer(2)
    lines = house.go(1.0)
    assert "busy 50%" in lines[1]
    assert lines[4] == r"    5.5s       11 GET /slow\xff  an.id"
    assert house.top.state.busy == (pytest.approx(0.5),)


def test_numbers_are_those_of_ten_seconds(house: House) -> None:
    for _ in range(30):
        house.go(1.0)
    moments = [reading.moment for reading in house.top._window]
    assert moments[-1] - moments[0] == 10.0
    assert len(house.top.state.busy) == 0
    for _ in range(70):
        house.orders.slots[0].offer(2)
        house.go(1.0)
    assert len(house.top.state.busy) == 60


def test_a_pause_stops_the_screen_and_nothing_else(house: House) -> None:
    before = house.go()
    assert "PAUSED" in house.press(b"p")[0]
    house.orders.changes["not_ready"] = "drained by a command"
    assert house.go(1.0)[1] == before[1]
    house.press(b"p")
    assert house.go(1.0)[1].startswith("NOT READY: drained by a command")


@pytest.mark.parametrize(
    ("keys", "done", "note"),
    [
        ([b"+"], [("resize", 1)], "2 workers are wanted now, after 2"),
        ([b"-"], [("resize", -1)], "2 workers are wanted now, after 2"),
        ([b"k", b"y"], [("dismiss", 11)], "Worker 11 was told to end"),
        ([b"\x1b[B\x1b[B", b"k", b"y"], [("dismiss", 12)], "Worker 12 was told to end"),
        ([b"k", b"n"], [], "Nothing was done"),
        ([b"ky"], [], "End worker 11? y/n"),
        ([b"R", b"y"], [("signal", 1)], "reload --wait ..."),
        ([b"R", b"\r"], [], "Nothing was done"),
    ],
)
def test_orders(house: House, keys: list[bytes], done: list[Any], note: str) -> None:
    house.go()
    for each in keys:
        lines = house.press(each)
    assert (house.orders.done, lines[-1]) == (done, note)


def test_stacks(house: House) -> None:
    house.go()
    assert house.press(b"s")[-1] == "Asking worker 11 ..."
    house.orders.answer.text = "Thread 1\n  File x"
    lines = house.go(1.0)
    assert lines[1:4] == ["Thread 1", "  File x", ""]
    # The numbers behind it go on.
    assert house.go(1.0)[0] > lines[0]
    assert house.press(b"q")[1].startswith("SERVING")
    assert not house.top.state.ended


def test_what_is_refused_is_told(house: House) -> None:
    house.go()
    house.press(b"k")
    house.orders.changes["workers"] = ()
    assert house.press(b"y")[-1] == "worker kill 11: Worker 11 not found"


def test_commands_that_nobody_answers_are_few(house: House) -> None:
    house.go()
    for _ in range(9):
        house.top.type(b"s")
    assert len(house.top._pending) == 4
    assert house.top.state.note == "Earlier commands are not answered yet"


def test_a_server_that_goes_and_another_that_comes(house: House) -> None:
    house.go()
    house.close_server()
    house.press(b"+")
    path = house.hall.path
    lines = house.go()
    assert lines[1].startswith("NO ANSWER  ")
    assert house.top.state.lost == f"{path}: the connection was closed; trying again"
    house.now += 1.0
    house.top.look_at_clock()
    assert house.top.state.lost == f"{path}: No such file or directory; trying again"
    house.hall = house.open()
    house.top.look_at_clock()
    # Not at each turn.
    assert house.top._link is None
    house.restart()
    lines = house.go(1.0)
    assert lines[0].startswith(f"gunicorn {__version__}  pid 77 ")
    assert lines[-1] == "Another server answers here: PID 10 was followed by 77"
    assert lines[2].startswith("requests/s -")
    assert "NO ANSWER" not in lines[1]
    # Nothing is left of the other one.
    assert house.go(1.0)[2].startswith("0.0 requests/s")


def test_the_same_server_answers_again(house: House) -> None:
    house.go()
    house.close_server()
    house.go()
    house.hall = house.open()
    assert house.go(1.0)[-1] == "The server answers again"


def test_a_server_that_stands_still(house: House) -> None:
    house.go()
    house.now += 3.5
    house.top.look_at_clock()
    assert plain(house.top.lines(80, 24)[1]).startswith("NO ANSWER  no answer for 4 s")
    assert house.go(0.0)[1].startswith("NO ANSWER")
    house.orders.now += 1.0
    house.hall.now += 1.0
    assert "NO ANSWER" not in house.go()[1]


def test_a_server_that_knows_no_watch(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(commands.COMMANDS, "watch")
    lines = house.go()
    assert lines[1].startswith("NO ANSWER  ")
    assert house.top.state.lost == f"{house.hall.path}: Invalid argument: Unknown command: watch; trying again"
    assert house.top._link is None


def test_the_terminal_is_gone(house: House) -> None:
    house.top.type(b"")
    assert house.top.state.ended


def test_octets_that_are_no_answers(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    link = links.Link(hall.path, "watch")
    assert link.read() == []
    hall.turn()
    hall.made[0].output += b"\x00\x00\x00\x01["
    hall.turn(2)
    with pytest.raises(Unreachable, match="a frame that is no JSON"):
        link.read()
    link.close()
    hall.close()


# The command line.


@pytest.mark.parametrize(
    ("args", "code"),
    [(["top"], 1), (["-c", "top"], 1), (["top", "--once"], 1), (["--once"], 2), (["show", "stats", "--once"], 2)],
)
def test_without_a_server(args: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-s", str(tmp_path / "x"), *args]) == code
    assert capsys.readouterr().err == (
        f"Error: Failed to connect to {tmp_path / 'x'}: [Errno 2] No such file or directory\n" if code == 1
        else "Error: --once goes with the word `top`\n"
    )


def test_json_is_json() -> None:
    from gunicorn.control import facts

    json.dumps(facts.snapshot(Noted().view()), allow_nan=False)
