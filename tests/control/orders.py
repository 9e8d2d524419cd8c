"""A server that is only a view, and orders that are only noted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gunicorn.config import Config
from gunicorn.control.view import Counters, Event, ListenerView, Probes, ReloadView, ServerView, WorkerView
from gunicorn.instrument import scoreboard
from gunicorn.instrument._board import Board
from gunicorn.instrument.profile_file import Profile, ProfileFile
from gunicorn.instrument.scoreboard import Scoreboard
from gunicorn.instrument.task_board import TaskBoard
from gunicorn.instrument.totals import Ledger


class Answer:
    """What a worker has answered; None: not yet."""

    def __init__(self) -> None:
        self.text: str | None = None

    def look(self) -> str | None:
        return self.text


class TaskOrder:
    """Something that a pool was told to do; it is done when `found` says what came of it."""

    def __init__(self, before: int, found: tuple[int, str] | None = None) -> None:
        self.before = before
        self.found = found

    def look(self) -> tuple[int, str] | None:
        return self.found


class Unheard(ProfileFile):
    """Of profiles that no process hears of."""

    def _call(self, pid: int) -> None:
        """The numbers of these workers may be those of others."""


def _nobody() -> None:
    """Where the life of nobody begins."""


class Noted:
    """Two workers, of which one runs a request and the other one boots; what is ordered stands in `done`."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.now = 1000.0
        self.changes: dict[str, Any] = {}
        self.has_levels = True
        self.answer = Answer()
        self.profiles: ProfileFile | None = None
        # A pool of task processes, and how many it says are wanted after an order, and why not less.
        self.tasks: TaskBoard | None = None
        self.task_order: TaskOrder | None = None
        pages = Scoreboard()
        self.slots = [pages.allocate(1, 900.0), pages.allocate(1, 990.0)]
        self.slots[0].state = scoreboard.READY
        self.slots[0].heartbeat = 999.875
        board = Board(self.slots[0])
        board.identify("an.id")
        board.begin("GET", "/slow\xff", 995.5, 11)

    def view(self) -> ServerView:
        workers = (
            WorkerView(11, 1, 1, "ready", 900.0, 901.0, self.slots[0]),
            WorkerView(12, 2, 1, "booting", 990.0, 0.0, self.slots[1]),
        )
        view = ServerView(
            now=self.now, pid=10, started_at=899.0, workers=workers, target=2, counters=Counters(2, 0, 1),
            reload=ReloadView(), events=(Event(1.5, "Booted"),),
            listeners=(ListenerView("http://127.0.0.1:8000", 5, "tcp"),), settings=Config(), not_ready="",
            add_up=lambda: Ledger().sums(self.slots), restarts={"crash": 2},
            probe=lambda: Probes({11: 50 << 20, 21: 3 << 20}, {5: 3}),
            look_at_tasks=lambda: None if self.tasks is None else self.tasks.read(),
        )
        return view.replaced(**self.changes)

    def signal(self, number: int) -> None:
        self.done.append(("signal", number))

    def resize(self, by: int) -> None:
        self.done.append(("resize", by))

    def resize_tasks(self, by: int) -> TaskOrder | None:
        self.done.append(("resize_tasks", by))
        return self.task_order

    def dismiss(self, pid: int) -> None:
        self.done.append(("dismiss", pid))

    def renew(self, pids: Iterable[int]) -> None:
        self.done.append(("renew", *pids))

    def drain(self, on: bool) -> None:
        self.done.append(("drain", on))

    def set_log_level(self, level: int) -> bool:
        self.done.append(("set_log_level", level))
        return self.has_levels

    def ask_stacks(self, pid: int) -> Answer:
        self.done.append(("ask_stacks", pid))
        return self.answer

    def profile(self, pids: Iterable[int], seconds: float) -> Profile:
        self.done.append(("profile", *pids, seconds))
        if self.profiles is None:
            self.profiles = Unheard(_nobody, lambda: self.now)  # type: ignore[arg-type]
        pages = {11: self.slots[0], 12: self.slots[1]}
        return self.profiles.begin({pid: pages[pid] for pid in pids}, seconds)

    def note(self, text: str) -> None:
        self.done.append(("note", text))
