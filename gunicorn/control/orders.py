"""What a command may see and do; its master does it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from gunicorn.instrument.profile_file import Profile

    from .view import ServerView

    class Question(Protocol):
        """Something that a worker was asked."""

        def look(self) -> str | None:
            """What it has answered; None: nothing yet, empty: it will not."""

    class TaskOrder(Protocol):
        """Something that the process was told to do that leads the tasks."""

        before: int
        """So many task processes were wanted."""

        def look(self) -> tuple[int, str] | None:
            """How many are wanted now, and why not less; None: it is not done yet."""

    class Orders(Protocol):
        """What is asked for here is done in the next step of the master, which nobody waits for meanwhile."""

        def view(self) -> ServerView:
            """The server of now."""

        def signal(self, number: int) -> None:
            """Do what the master does at this signal."""

        def resize(self, by: int) -> None:
            """So many workers more, or less; one stays."""

        def resize_tasks(self, by: int) -> TaskOrder | None:
            """So many task processes more, or less; None: there are no tasks."""

        def dismiss(self, pid: int) -> None:
            """End a worker by TERM; what is missing then is started."""

        def renew(self, pids: Iterable[int]) -> None:
            """Replace workers, each when the one in its place is ready."""

        def drain(self, on: bool) -> None:
            """Say to whoever asks that no new clients should come, or take it back."""

        def set_log_level(self, level: int) -> bool:
            """Give the error logs of master and workers this level; whether they have one."""

        def ask_stacks(self, pid: int) -> Question:
            """Ask a worker what it is doing."""

        def profile(self, pids: Iterable[int], seconds: float) -> Profile:
            """Have workers profiled. Raises ProfileInUse."""

        def note(self, text: str) -> None:
            """Write a line about who has wanted what."""

__all__ = ["Orders", "Question", "TaskOrder"]
