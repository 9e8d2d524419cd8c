"""What is told of an exception that has ended a worker, and the status that its process ends with: in that process."""

from __future__ import annotations

import sys
from collections.abc import Callable

from gunicorn.errors import AppExitError, AppImportError, ConfigError, HaltServer, OwnSignal, WorkerExit
from gunicorn.loading.tracebacks import boot_traceback, who_left
from gunicorn.unix import forks

from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import WorkerProcess

__all__ = ["FAILED", "status_after"]

FAILED = 255


def status_after(error: BaseException, master: MasterState, worker: WorkerProcess) -> int:
    """Tell what has ended a worker, where that is not told yet."""
    return next(rule for kind, rule in _RULES if isinstance(error, kind))(error, master, worker)


def _halt(error: HaltServer, master: MasterState, worker: WorkerProcess) -> int:
    return error.exit_status


def _leave(error: SystemExit, master: MasterState, worker: WorkerProcess) -> int:
    """It was told to leave, or is of a type that leaves so."""
    return forks.status_of(error)


def _own_signal(error: OwnSignal, master: MasterState, worker: WorkerProcess) -> int:
    return FAILED


def _exit(error: SystemExit, master: MasterState, worker: WorkerProcess) -> int:
    if worker.booted:
        return _leave(error, master, worker)
    master.log.error("%s", who_left("a hook or the worker type", "while the worker started", error))
    return master.WORKER_BOOT_ERROR


def _interrupt(error: KeyboardInterrupt, master: MasterState, worker: WorkerProcess) -> int:
    if not worker.booted:
        return _failure(error, master, worker)
    master.log.info("Worker interrupted (pid: %s)", worker.pid)
    return 0


def _one_line(error: Exception, master: MasterState, worker: WorkerProcess) -> int:
    """What is wrong stands in the exception."""
    master.log.error("%s", error)
    return master.WORKER_BOOT_ERROR


def _no_application(error: AppImportError, master: MasterState, worker: WorkerProcess) -> int:
    master.log.debug("Exception while loading the application", exc_info=error)
    print(f"{error}", file=sys.stderr, flush=True)
    # A module that is not there counts as a failed boot, something wrong in it as a failed load.
    absent = isinstance(error, ModuleNotFoundError)
    return master.WORKER_BOOT_ERROR if absent else master.APP_LOAD_ERROR


def _failure(error: BaseException, master: MasterState, worker: WorkerProcess) -> int:
    master.log.error("Exception in worker process\n%s", boot_traceback(error).rstrip())
    return FAILED if worker.booted else master.WORKER_BOOT_ERROR


# The first that fits counts.
_RULES: tuple[tuple[type[BaseException], Callable[..., int]], ...] = (
    (HaltServer, _halt),
    (WorkerExit, _leave),
    (OwnSignal, _own_signal),
    (SystemExit, _exit),
    (KeyboardInterrupt, _interrupt),
    (AppExitError, _one_line),
    (AppImportError, _no_application),
    (ConfigError, _one_line),
    (BaseException, _failure),
)
