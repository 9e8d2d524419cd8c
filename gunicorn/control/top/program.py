"""`gunicornc top`, in a terminal or once: the server's answers and a person's keys come in, screens go out."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from collections import deque

from gunicorn.control import tables
from gunicorn.control.client import Client, Unreachable

from . import table
from .keys import NOBODY, State, decode, press
from .link import Link
from .reading import read
from .screen import busy_share, view
from .terminal import Ended, Terminal
from .text import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Clock

    from .reading import Reading

    Data = dict[str, object]

__all__ = ["run"]

COMMAND = "watch 1"
WINDOW_SECONDS = 10.0
"""Rates and percentiles are those of so long."""

HISTORY = 60
AGAIN_SECONDS = 1.0
SILENT_SECONDS = 3.0
"""Without an answer for so long, a server is told to be silent."""

MOST_PENDING = 4
INTERRUPTED = 130


def run(path: str, once: bool, json: bool = False) -> int:
    """Show the server at `path`: once, if that is said or there is no terminal to do it in, and with `json` as its
    answer is. The exit status.

    Raises Unreachable when there is no server to begin with.
    """
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if once or json or not is_terminal:
        print(_once(path, json), flush=True)
        return 0
    top = Top(path)
    try:
        with Terminal(sys.stdin.fileno(), sys.stdout.fileno(), colour=not os.environ.get("NO_COLOR")) as terminal:
            top.serve(terminal)
    except Ended as end:
        if end.number == signal.SIGINT:
            return INTERRUPTED
        # The terminal is as it was: let the signal do what it does.
        signal.signal(end.number, signal.SIG_DFL)
        os.kill(os.getpid(), end.number)
    finally:
        top.close()
    return 0


def _is_ascii_only() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"


def _once(path: str, json: bool) -> str:
    """One screen, as long as it needs to be."""
    with Client(path) as client:
        answers = client.watch(COMMAND)
        first, second = next(answers), next(answers)
    if json:
        return tables.as_json(second)
    before, now = read(first), read(second)
    columns = shutil.get_terminal_size((120, 24)).columns
    rows = 20 + len(now.requests) + len(now.workers) + len(now.events)
    state = State(chosen=NOBODY, ascii_only=_is_ascii_only())
    lines = [plain(line).rstrip() for line in view(now, before, state, columns, rows)]
    # Nobody presses a key.
    return "\n".join(lines[:-1]).rstrip()


class Top:
    """What is known of a server, and what the person wants. Raises Unreachable when there is none to begin with."""

    def __init__(self, path: str, clock: Clock = time.monotonic) -> None:
        self.state = State(ascii_only=_is_ascii_only())
        self._path = path
        self._clock = clock
        self._pending: list[Link] = []
        self._window: deque[Reading] = deque()
        # What is on the screen; it stays while that is paused.
        self._shown: tuple[Reading | None, Reading | None] = (None, None)
        self._heard_at = clock()
        self._again_at = 0.0
        try:
            self._link: Link | None = Link(path, COMMAND)
        except Unreachable as error:
            raise Unreachable(f"Failed to connect to {path}: {error}") from error

    def close(self) -> None:
        """End all connections."""
        for link in [*self._pending, *([self._link] if self._link else [])]:
            link.close()

    def serve(self, terminal: Terminal) -> None:
        """Until the person has had enough."""
        while not self.state.ended:
            self.look_at_clock()
            terminal.draw(self.lines(*terminal.size()))
            links = [*self._pending, *([self._link] if self._link else [])]
            sources: list[int | Link] = [terminal.fd, terminal.wake_fd, *links]
            ready, _, _ = select.select(sources, [], [], AGAIN_SECONDS / 2)
            if terminal.wake_fd in ready:
                terminal.woken()
            if terminal.fd in ready:
                self.type(terminal.keys())
            for link in ready:
                if isinstance(link, Link):
                    self.hear(link)

    def lines(self, columns: int, rows: int) -> list[list[tuple[str, str]]]:
        """The screen of now."""
        return view(*self._shown, self.state, columns, rows)

    # What comes in.

    def type(self, data: bytes) -> None:
        """Keys; none: nobody is there any more."""
        now, before = self._shown
        order = () if now is None else table.order(now, before, self.state.sort)
        self.state, commands = press(self.state.replaced(order=order, ended=not data), decode(data))
        for command in commands:
            self._send(command)

    def look_at_clock(self) -> None:
        """Connect again, when it is time to; notice that nothing comes."""
        now = self._clock()
        if self._link is None and now >= self._again_at:
            try:
                self._link = Link(self._path, COMMAND)
            except Unreachable as error:
                self._lose(str(error))
        silent = now - self._heard_at
        if self._link is not None and silent >= SILENT_SECONDS:
            self.state = self.state.replaced(lost=f"no answer for {silent:.0f} s")

    def hear(self, link: Link) -> None:
        """Something has come from the server."""
        try:
            answers = link.read()
        except Unreachable as error:
            link.close()
            if link is self._link:
                self._link = None
                self._lose(str(error))
            elif link in self._pending:
                self._pending.remove(link)
                self._note(f"{link.command}: {error}")
            return
        for answer in answers:
            data = answer.get("data")
            if link is self._link and isinstance(data, dict):
                self._take(data)
            elif link is self._link:
                # A server that knows no `watch`.
                link.close()
                self._link = None
                self._lose(str(answer.get("error", "no data")))
            elif link in self._pending:
                self._pending.remove(link)
                link.close()
                self._answered(link.command, data if isinstance(data, dict) else answer)

    def _lose(self, why: str) -> None:
        self._again_at = self._clock() + AGAIN_SECONDS
        self.state = self.state.replaced(lost=f"{self._path}: {why}; trying again")

    def _take(self, data: Data) -> None:
        """The numbers of now."""
        now, window = read(data), self._window
        self._heard_at = self._clock()
        self._note_who_answers(now)
        busy = busy_share(now, window[-1]) if window else None
        if busy is not None:
            self.state = self.state.replaced(busy=(*self.state.busy, busy)[-HISTORY:])
        window.append(now)
        while len(window) > 2 and now.moment - window[1].moment >= WINDOW_SECONDS:
            window.popleft()
        if not self.state.paused:
            self._shown = now, window[0] if len(window) > 1 else None

    def _note_who_answers(self, now: Reading) -> None:
        """Another server has nothing to do with what was seen before."""
        window = self._window
        was_lost, self.state = self.state.lost, self.state.replaced(lost="")
        if window and (window[-1].pid != now.pid or window[-1].moment > now.moment):
            self._note(f"Another server answers here: PID {window[-1].pid} was followed by {now.pid}")
            window.clear()
            self.state = self.state.replaced(busy=())
        elif was_lost:
            self._note("The server answers again")

    # What goes out.

    def _note(self, text: str) -> None:
        self.state = self.state.replaced(note=text)

    def _send(self, command: str) -> None:
        if len(self._pending) >= MOST_PENDING:
            self._note("Earlier commands are not answered yet")
            return
        try:
            self._pending.append(Link(self._path, command))
        except Unreachable as error:
            self._note(f"{command}: {error}")
            return
        if not self.state.note:
            self._note(f"{command} ...")

    def _answered(self, command: str, data: Data) -> None:
        if "error" in data:
            self._note(f"{command}: {data['error']}")
            return
        tell = next((tell for start, tell in _TOLD if command.startswith(start)), None)
        if tell is None:
            self.state = self.state.replaced(
                page="stacks", scroll=0, note="", stacks=tuple(str(data.get("stacks", "")).splitlines())
            )
        else:
            self._note(tell(data))


#: What is said of an answer, by how the command begins.
_TOLD: tuple[tuple[str, Callable[[Data], str]], ...] = (
    ("worker kill", lambda data: f"Worker {data.get('killed')} was told to end"),
    ("worker", lambda data: f"{data.get('total')} workers are wanted now, after {data.get('previous')}"),
    ("reload", lambda data: "The new workers serve"),
)
