"""Keys: what each does to the state, and what it sends."""

from __future__ import annotations

from typing import Any

import pytest

from gunicorn.control.top.keys import State, decode, press

AT = State(order=(11, 12, 13))


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"qk", ["q", "k"]),
        (b"\x1b[A\x1b[B\x1bOA\x1bOBx", ["up", "down", "up", "down", "x"]),
        (b"\x1b[5~\x1b[6~ ", ["page up", "page down", "page down"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[1;5C\x1b[?2026;1$yq", ["\x1b[1;5C", "\x1b[?2026;1$y", "q"]),
        ("é\n".encode(), ["\xc3", "\xa9", "\n"]),
        (b"", []),
    ],
)
def test_keys_of_a_terminal(data: bytes, keys: list[str]) -> None:
    assert decode(data) == keys


@pytest.mark.parametrize(
    ("keys", "changes", "commands"),
    [
        (["q"], {"ended": True}, []),
        (["p"], {"paused": True}, []),
        (["p", "p"], {}, []),
        (["m"], {"sort": "m"}, []),
        (["b", "a", "r"], {"sort": "r"}, []),
        (["down"], {"chosen": 12}, []),
        (["down", "down", "down"], {"chosen": 13}, []),
        (["up"], {"chosen": 11}, []),
        (["down", "up"], {"chosen": 11}, []),
        (["+"], {}, ["worker add 1"]),
        (["-"], {}, ["worker remove 1"]),
        (["s"], {"note": "Asking worker 11 ..."}, ["show stacks 11"]),
        (["k"], {"question": "End worker 11?", "command": "worker kill 11"}, []),
        (["down", "k"], {"chosen": 12, "question": "End worker 12?", "command": "worker kill 12"}, []),
        (["R"], {"question": "Reload configuration and application?", "command": "reload --wait"}, []),
        (["?"], {"page": "help"}, []),
        (["?", "?"], {}, []),
        (["?", "q"], {}, []),
        (["?", "k", "R", "+", "down"], {"page": "help", "scroll": 1}, []),
        (["?", "page down", "up", "escape"], {}, []),
        (["x", "\x1b[1;5C", "escape", "\n"], {}, []),
    ],
)
def test_a_key(keys: list[str], changes: dict[str, Any], commands: list[str]) -> None:
    assert press(AT, keys) == (AT.replaced(**changes), commands)


@pytest.mark.parametrize(("key", "command"), [("k", "worker kill 12"), ("R", "reload --wait")])
def test_what_cannot_be_undone_is_asked_for(key: str, command: str) -> None:
    asked, commands = press(AT.replaced(chosen=12), [key])
    assert commands == []
    said, commands = press(asked, ["y"])
    assert (commands, said.question, said.command) == ([command], "", "")
    for other in ("n", "Y", "\n", "escape", "q", key):
        said, commands = press(asked, [other])
        assert (commands, said.question, said.note, said.ended) == ([], "", "Nothing was done", False)


def test_a_pasted_text_answers_no_question() -> None:
    state, commands = press(AT, list("risky"))
    assert (commands, state.question) == (["show stacks 11"], "End worker 11?")


def test_the_answer_is_about_who_was_asked_for() -> None:
    asked, _ = press(AT.replaced(chosen=12), ["k"])
    assert press(asked.replaced(order=(13, 11), chosen=0), ["y"])[1] == ["worker kill 12"]


def test_nobody_to_choose() -> None:
    state, commands = press(State(), ["k", "s", "down", "up"])
    assert (state, commands) == (State(), [])
