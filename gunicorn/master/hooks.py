"""The user's hooks that run in the master, and what becomes of one that fails."""

from __future__ import annotations

from gunicorn.errors import OwnSignal
from gunicorn.loading.tracebacks import who_left
from gunicorn.unix import forks

from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from gunicorn._types import Log
    from gunicorn.config.config import Config

    class HookOwner(Protocol):
        """A process that has hooks of the user's, and has served or not."""

        cfg: Config
        log: Log

        @property
        def has_served(self) -> bool: ...

__all__ = ["call", "call_the_last"]


def call(master: HookOwner, name: str, *args: object) -> None:
    """Call the hook `name` with the master and `args`.

    One that fails ends a server that has never served, as a mistake in its configuration should: its error is
    raised, RuntimeError for a SystemExit. One of a server that serves is logged, and the server goes on.
    """
    try:
        getattr(master.cfg, name)(master, *args)
    except OwnSignal:
        raise
    except BaseException as error:  # the boundary around a hook
        forks.end_stray(error)
        if not master.has_served:
            if isinstance(error, SystemExit):
                raise RuntimeError(who_left(f"the hook {name}", "while the server started", error)) from error
            raise
        master.log.exception("The hook %s failed", name)
    forks.end_stray()


def call_the_last(master: MasterState) -> None:
    """Call `on_exit`, which no failure of its own keeps from being the end."""
    try:
        master.cfg.on_exit(master)
    except OwnSignal:
        raise
    except BaseException as error:  # the boundary around a hook
        forks.end_stray(error)
        master.log.exception("The hook on_exit failed")
