"""Which call runs here, for the action that asks whether anybody still waits for it."""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Running(Protocol):
        """A call that runs."""

        @property
        def is_cancelled(self) -> bool:
            """Whether nobody waits for it any more."""


__all__ = ["cancelled", "running"]

running: ContextVar[Running | None] = ContextVar("gunicorn_task", default=None)


def cancelled() -> bool:
    """Whether nobody waits any more for the call that runs here: long ones ask, and end. False outside of a call."""
    job = running.get()
    return job is not None and job.is_cancelled
