"""What a key does: a state becomes another one, and perhaps a command of the control protocol is to be sent."""

from __future__ import annotations

import re

from gunicorn._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["HELP", "NOBODY", "SORTS", "State", "choice", "decode", "press"]

NOBODY = -1
"""For `State.chosen`: nobody is to be chosen."""

#: What the rows of workers are sorted by, by the key that says so.
SORTS = {"r": "requests/s", "b": "busy", "m": "memory", "a": "age"}

HELP = (
    ("q", "quit"),
    ("p", "pause, and go on: what is on the screen stays, the server does not notice"),
    ("r b m a", "sort the workers by requests/s, busy, memory, age"),
    ("up down", "choose a worker"),
    ("s", "what the threads of that worker are doing"),
    ("k", "end that worker after the requests that it has; another one takes its place (asks first)"),
    ("R", "reload configuration and application (asks first)"),
    ("+ -", "one worker more, one less"),
    ("?", "this"),
)


class State(Record):
    """What the person at the keyboard has wanted so far, and what the program has to tell beside the numbers.

    `chosen` is a PID; 0: whatever comes first; NOBODY. `page`: "main", "help" or "stacks". `question`, and the command
    that a yes sends. `lost`: why there is no server at the moment. `busy`: shares of the last minute. `page_size`: rows
    that a page of text has. `order`: PIDs of the rows as they are on the screen.
    """

    sort: str = "r"
    chosen: int = 0
    order: tuple[int, ...] = ()
    paused: bool = False
    page: str = "main"
    question: str = ""
    command: str = ""
    note: str = ""
    lost: str = ""
    stacks: tuple[str, ...] = ()
    scroll: int = 0
    busy: tuple[float, ...] = ()
    ascii_only: bool = False
    ended: bool = False


# From octets to keys.

_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])|.", re.DOTALL)
_NAMES = {
    b"\x1b[A": "up", b"\x1bOA": "up", b"\x1b[B": "down", b"\x1bOB": "down", b"\x1b[5~": "page up",
    b"\x1b[6~": "page down", b" ": "page down", b"\x1b": "escape", b"\x03": "q", b"\x04": "q",
}


def decode(data: bytes) -> list[str]:
    """The keys of what a terminal has sent. A sequence that nobody knows is one key without a meaning."""
    return [_NAMES.get(found) or found.decode("latin-1") for found in _SEQUENCE.findall(data)]


# From keys to what is wanted.


def press(state: State, keys: Sequence[str]) -> tuple[State, list[str]]:
    """Keys that have come together; the state after them, and commands to be sent.

    What comes together with the key that makes a question is no answer to it: a text that was pasted by mistake shall
    end nothing.
    """
    commands: list[str] = []
    for key in keys:
        if state.question:
            if key == "y":
                commands.append(state.command)
            state = state.replaced(question="", command="", note="" if key == "y" else "Nothing was done")
            continue
        state = _pressed(state.replaced(note=""), key, commands.append)
        if state.question or state.ended:
            break
    return state, commands


def _pressed(state: State, key: str, send: Callable[[str], None]) -> State:
    if key == "q":
        # Out of a page of text first.
        return state.replaced(ended=True) if state.page == "main" else _turn_to(state, "main")
    if key == "?":
        return _turn_to(state, "main" if state.page == "help" else "help")
    if key == "p":
        return state.replaced(paused=not state.paused)
    if state.page != "main":
        return _read_on(state, key)
    if key in SORTS:
        return state.replaced(sort=key)
    if key in ("up", "down"):
        return _choose(state, 1 if key == "down" else -1)
    return _order(state, key, send)


def _turn_to(state: State, page: str) -> State:
    return state.replaced(page=page, scroll=0)


_STEPS = {"up": -1, "down": 1, "page up": -10, "page down": 10}


def _read_on(state: State, key: str) -> State:
    if key in ("escape", "s"):
        return _turn_to(state, "main")
    return state.replaced(scroll=max(0, state.scroll + _STEPS.get(key, 0)))


def _choose(state: State, by: int) -> State:
    if not state.order:
        return state
    place = state.order.index(state.chosen) + by if state.chosen in state.order else max(by, 0)
    return state.replaced(chosen=state.order[min(max(place, 0), len(state.order) - 1)])


def choice(chosen: int, pids: Sequence[int]) -> int:
    """The PID of whom commands are about: the one that was chosen, the first one where that is gone; 0: nobody."""
    if chosen in pids or chosen == NOBODY:
        return max(chosen, 0)
    return pids[0] if pids else 0


def _order(state: State, key: str, send: Callable[[str], None]) -> State:
    """What is told to the server."""
    pid = choice(state.chosen, state.order)
    if key == "R":
        return state.replaced(question="Reload configuration and application?", command="reload --wait")
    if key in "+-" and len(key) == 1:
        send("worker add 1" if key == "+" else "worker remove 1")
    elif key == "k" and pid:
        return state.replaced(question=f"End worker {pid}?", command=f"worker kill {pid}")
    elif key == "s" and pid:
        send(f"show stacks {pid}")
        return state.replaced(note=f"Asking worker {pid} ...")
    return state
