"""The life of a worker process as its master frames it: from the fork to the exit status."""

from __future__ import annotations

import os
import signal
import sys
import traceback

from gunicorn import unpatched, util
from gunicorn.errors import AppImportError, ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from gunicorn.arbiter import Arbiter

__all__ = ["live"]


def live(master: Arbiter, worker: Any) -> NoReturn:
    """Be ``worker``. Leaves by SystemExit.

    Status 0 after a stop, 3 when the boot failed, 4 when the application could not be loaded, 255 after an
    error in the running worker.
    """
    _shed(master)
    worker.pid = os.getpid()
    master.answer_questions()
    try:
        util._setproctitle(f"worker [{master.proc_name}]")
        master.log.info("Booting worker with pid: %s", worker.pid)
        # While the rights of the master are still there: the port may be a privileged one.
        worker.sockets = [own.clone() if own.shares_port else own for own in worker.sockets]
        master.cfg.post_fork(master, worker)
        worker.init_process()
        sys.exit(0)
    except AppImportError as error:
        master.log.debug("Exception while loading the application", exc_info=True)
        print(f"{error}", file=sys.stderr, flush=True)
        # A module that is not there counts as a failed boot, something wrong in it as a failed load.
        absent = isinstance(error, ModuleNotFoundError)
        sys.exit(master.WORKER_BOOT_ERROR if absent else master.APP_LOAD_ERROR)
    except ConfigError as error:
        master.log.error("%s", error)
        sys.exit(master.WORKER_BOOT_ERROR)
    except Exception as error:  # noqa: BLE001 (the application, or a hook)
        master.log.error("Exception in worker process\n%s", util.application_traceback(error).rstrip())
        sys.exit(-1 if worker.booted else master.WORKER_BOOT_ERROR)
    finally:
        _leave(master, worker)


def _shed(master: Arbiter) -> None:
    """Put down what belongs to the master alone: its handlers, its end of the pipe, its blocked signals."""
    signal.set_wakeup_fd(-1)
    for number in master.SIGNALS:
        unpatched.set_handler(number, int(signal.SIG_DFL))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
    os.close(master.PIPE[0])


def _leave(master: Arbiter, worker: Any) -> None:
    master.log.info("Worker exiting (pid: %s)", worker.pid)
    try:
        worker.tmp.close()
        master.cfg.worker_exit(master, worker)
    except Exception:  # noqa: BLE001 (a hook)
        master.log.warning("Exception during worker exit:\n%s", traceback.format_exc())
