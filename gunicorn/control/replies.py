"""Answers that cannot be given at once: after the master's next step, when something has come true, again and again."""

from __future__ import annotations

from gunicorn.instrument.profile_file import ProfileInUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn.instrument.profile_file import Profile, Profiled

    from .facts import Data
    from .orders import Question, TaskOrder
    from .view import ServerView

__all__ = ["AfterStep", "Answered", "CommandError", "Every", "Ordered", "Reply", "Sampled", "Until"]

NEVER = float("inf")


class CommandError(Exception):
    """A command was not done; the text is for who gave it."""


class Reply:
    """An answer that is waited for. `due`: the monotonic moment of the next look, at the latest."""

    due: float = 0.0
    lasts = False

    def look(self, view: ServerView) -> Data | None:
        """The answer, if it can be given now; called after every step of the master. Raises CommandError.

        One that `lasts` goes on after an answer.
        """
        raise NotImplementedError


class AfterStep(Reply):
    """What has become of an order, after the step that took it."""

    def __init__(self, tell: Callable[[ServerView], Data]) -> None:
        self._tell = tell

    def look(self, view: ServerView) -> Data | None:
        return self._tell(view)


class Until(Reply):
    """When something has come true, or after `seconds`, which is an error then. `tell` is None until then."""

    def __init__(
        self, view: ServerView, tell: Callable[[ServerView], Data | None], seconds: float | None,
        late: Callable[[ServerView], str],
    ) -> None:
        self.due = NEVER if seconds is None else view.now + seconds
        self._tell = tell
        self._late = late

    def look(self, view: ServerView) -> Data | None:
        data = self._tell(view)
        if data is None and view.now >= self.due:
            raise CommandError(self._late(view))
        return data


class Every(Reply):
    """Again and again, every so many seconds, the first time at once."""

    lasts = True

    def __init__(self, view: ServerView, tell: Callable[[ServerView], Data], seconds: float) -> None:
        self.due = view.now
        self._tell = tell
        self._seconds = seconds

    def look(self, view: ServerView) -> Data | None:
        if view.now < self.due:
            return None
        # From now on, and not from when it should have been: who is late is not hurried.
        self.due = view.now + self._seconds
        return self._tell(view)


class Answered(Reply):
    """When a worker has answered."""

    LOOK_SECONDS = 0.005

    def __init__(self, view: ServerView, question: Question, tell: Callable[[str], Data]) -> None:
        self.due = view.now + self.LOOK_SECONDS
        self._question = question
        self._tell = tell

    def look(self, view: ServerView) -> Data | None:
        text = self._question.look()
        if text is None:
            self.due = view.now + self.LOOK_SECONDS
            return None
        if not text:
            raise CommandError("The worker does not answer")
        return self._tell(text)


class Ordered(Reply):
    """When the process that leads the tasks has done what it was told."""

    LOOK_SECONDS = 0.005
    LONGEST_SECONDS = 10.0

    def __init__(self, view: ServerView, order: TaskOrder, tell: Callable[[int, str], Data]) -> None:
        self.due = view.now + self.LOOK_SECONDS
        self._until = view.now + self.LONGEST_SECONDS
        self._order = order
        self._tell = tell

    def look(self, view: ServerView) -> Data | None:
        found = self._order.look()
        if found is not None:
            return self._tell(*found)
        if view.now >= self._until:
            raise CommandError("The process that leads the tasks does not answer")
        self.due = view.now + self.LOOK_SECONDS
        return None


class Sampled(Reply):
    """When a profile is complete. Each look is what the workers go on for."""

    def __init__(self, profile: Profile, tell: Callable[[Profiled], Data]) -> None:
        self.due = profile.due
        self._profile = profile
        self._tell = tell

    def look(self, view: ServerView) -> Data | None:
        try:
            found = self._profile.look({worker.pid: worker.slot for worker in view.workers})
        except ProfileInUse as error:
            raise CommandError(str(error)) from None
        self.due = self._profile.due
        return None if found is None else self._tell(found)
