"""The life of a worker process as its master frames it: from the fork to the exit status."""

from __future__ import annotations

import os
import signal
import sys

from gunicorn.errors import AnotherWorkerType
from gunicorn.loading.names import is_ours, load_class
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.unix import forks, unpatched
from gunicorn.unix.process import set_process_title

from .exit_status import FAILED, status_after
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

    from .state import Successor, WorkerProcess

__all__ = ["fork_worker", "live"]

_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_HARMLESS = {signal.SIGUSR1: "handle_usr1", signal.SIGHUP: "handle_nothing", signal.SIGUSR2: "handle_nothing"}


def fork_worker(master: MasterState, worker: WorkerProcess) -> int:
    """Fork, and be `worker` in the child; PID in the master. Raises OSError."""
    # A signal between the fork and the child's own handlers would be written into the master's pipe.
    signal.pthread_sigmask(signal.SIG_BLOCK, master.SIGNALS)
    try:
        pid = forks.fork()
    finally:
        if os.getpid() == master.pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
    if pid == 0:
        live(master, worker)
    return pid


def live(master: MasterState, worker: WorkerProcess) -> NoReturn:
    """Be `worker`, to the end of the process: the master's own stack lies below, and nothing of it may run here.

    Status 0 after a stop, 3 when the boot failed, 4 when the application could not be loaded, 255 after an
    error in the running worker.
    """
    status = FAILED
    try:
        status, worker = _serve(master, worker)
        _leave(master, worker)
    except BaseException as error:  # noqa: BLE001  # the boundary around a child
        # What has failed is a logger of the user's: nobody is left to be told by it.
        forks.end_stray(error)
        sys.stderr.write(application_traceback(error))
    finally:
        forks.leave(status)


def _serve(master: MasterState, worker: WorkerProcess) -> tuple[int, WorkerProcess]:
    """From the fork to the last request; the status of the process, and the worker that has served."""
    try:
        _shed(master, worker)
        set_process_title(f"worker [{master.proc_name}]")
        master.log.info("Booting worker with pid: %s", worker.pid)
        master.cfg.post_fork(master, worker)
        if not _is_to_stop(worker):
            alias = _wanted_instead(worker)
            if alias is not None:
                worker = _successor(worker, alias)
                worker.run()
        forks.end_stray()
        return 0, worker
    except BaseException as error:  # noqa: BLE001  # the boundary around a child
        forks.end_stray(error)
        return status_after(error, master, worker), worker


def _is_to_stop(worker: WorkerProcess) -> bool:
    """Whether a stop was asked for before the worker had handlers of its own.

    Ours heed `alive` when they come to run. One with another way to stop ends at once until it has its handlers.
    """
    if not is_ours(str(getattr(getattr(type(worker), "init_signals", None), "__module__", ""))):
        for number in _STOPS:
            if isinstance(signal.getsignal(number), _NotedStop):
                unpatched.set_handler(number, int(signal.SIG_DFL))
    return not worker.alive


class _NotedStop:
    """A handler of signals for a stop. What a hook has begun, a helper process say, is ended in order: a worker that
    dies at once would leave it behind, and one that is interrupted might."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._worker.alive = False


def _wanted_instead(worker: WorkerProcess) -> str | None:
    """Have `worker` serve to its end; or the worker type that its application wants.

    That one runs outside of the handler: whatever an application raises in it would be told, in its traceback, to have
    happened "during handling of" ours.
    """
    try:
        worker.init_process()
    except AnotherWorkerType as change:
        return change.alias
    return None


def _successor(worker: WorkerProcess, alias: str) -> WorkerProcess:
    """A worker of the type `alias`, ready to run in the place of one that has loaded its application."""
    # No signal may be lost between the handlers of the one and of the other.
    signal.pthread_sigmask(signal.SIG_BLOCK, worker.SIGNALS)
    try:
        kind = load_class(alias)
        assert isinstance(kind, type)
        successor: Successor = kind(
            worker.age, worker.ppid, worker.sockets, worker.app, worker.timeout, worker.cfg, worker.log
        )
        successor.take_over_from(worker)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, worker.SIGNALS)
    if not successor.booted:
        successor.boot()
    return successor


def _shed(master: MasterState, worker: WorkerProcess) -> None:
    """Put down what belongs to the master alone: its handlers, its end of the pipe, its blocked signals, sockets that
    only others use."""
    worker.pid = os.getpid()
    forks.guard(worker.put_down if hasattr(worker, "put_down") else _put_down)
    signal.set_wakeup_fd(-1)
    for number in master.SIGNALS:
        unpatched.set_handler(number, int(signal.SIG_DFL))
    noted = _NotedStop(worker)
    for number in _STOPS:
        unpatched.set_handler(number, noted)
    # Sent to all workers, and not to end one that is about to start.
    for number, name in _HARMLESS.items():
        if hasattr(worker, name):
            unpatched.set_handler(number, getattr(worker, name))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
    master.stacks.listen()
    master.profiles.listen(worker.tmp.slot)
    # While the rights of the master are still there: the port may be a privileged one.
    worker.sockets = [own.clone() if own.shares_port else own for own in worker.sockets]
    if getattr(worker, "parks", False):
        worker.tmp.parking = master.parking.ends_for_worker()
    master.close_what_is_its_own(worker.sockets)


def _leave(master: MasterState, worker: WorkerProcess) -> None:
    master.log.info("Worker exiting (pid: %s)", worker.pid)
    try:
        worker.tmp.close()
        master.cfg.worker_exit(master, worker)
    except BaseException as error:  # noqa: BLE001  # the boundary around a hook
        forks.end_stray(error)
        master.log.warning("Exception during worker exit:\n%s", application_traceback(error).rstrip())
    if hasattr(worker, "end_telemetry"):
        # Behind the hook, which may have had a span, too.
        worker.end_telemetry()


def _put_down() -> None:
    """A worker of somebody else's making has nothing else to put down than the signals that it has been given."""
    forks.reset_signals(_STOPS)
