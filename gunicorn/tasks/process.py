"""A task process: it has instances of applications, takes calls from the pool and runs them in threads.

What is said about calls that run comes to the main thread (`serving.py`), in which `init` and `close` are called too,
as some libraries demand. The process ends when it was told that no call comes any more and the last
one is done; when its application says so by SystemExit; and, without any farewell, with its pool.
"""

from __future__ import annotations

import os
import signal

from gunicorn.instrument import scoreboard
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.logs import handlers
from gunicorn.unix import forks, unpatched

from .apps import get_app_workers_attribute, load_dirty_app
from .errors import DirtyError
from .frames import READY
from .serving import Serving
from .values import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from gunicorn._types import Log, Value
    from gunicorn.config.config import Config
    from gunicorn.instrument.scoreboard import Slot
    from gunicorn.instrument.task_board import TaskBoard
    from gunicorn.unix.unpatched import Socket

__all__ = ["BOOT_ERROR", "DirtyWorker", "Page"]

BOOT_ERROR = 3
"""Status of a process whose applications cannot be had."""


class Page:
    """What a process tells of itself without being asked: to its own master by `slot`, its page of the scoreboard, to
    the master of the workers by `board`."""

    def __init__(self, slot: Slot, board: TaskBoard) -> None:
        self.slot = slot
        self._board = board

    def notify(self) -> None:
        """Say "I am alive"."""
        self.slot.beat()
        self._board.beat(self.slot.index)

    def close(self) -> None:
        """Nothing is to be put away."""


class DirtyWorker:
    """A task process, as hooks know it: `apps` are its instances by path.

    `wanted`: the paths that it may load, each with the limit that its specification sets (None: its class may set one)
    and how many processes have it already.
    """

    def __init__(
        self, age: int, ppid: int, cfg: Config, log: Log, wanted: Mapping[str, tuple[int | None, int]],
        socket_path: str, page: Page, channel: Socket, control: Socket,
    ) -> None:
        self.age = age
        self.pid: int | str = "[booting]"
        self.ppid = ppid
        self.cfg = cfg
        self.log = log
        self.app_paths = list(wanted)
        self.apps: dict[str, Value] = {}
        self.booted = False
        self.alive = True
        self.aborted = False
        self.tmp = page
        self.socket_path = socket_path
        self._wanted = dict(wanted)
        self._channel = channel
        self._control = control
        self._serving: Serving | None = None

    @property
    def wanted(self) -> dict[str, tuple[int | None, int]]:
        """The paths that it may load: the limit of each, and how many processes have it already."""
        return dict(self._wanted)

    @property
    def channels(self) -> tuple[Socket, Socket]:
        """Its ends of the channel that calls come by, and of that for what is said about them."""
        return self._channel, self._control

    # The life of the process.

    def run(self) -> int:
        """From the applications to the last call; the status of the process."""
        try:
            self._load()
        except BaseException as error:  # noqa: BLE001  # the boundary around the application
            forks.end_stray(error)
            self._tell_failure(error)
            return BOOT_ERROR
        self.booted = True
        self.tmp.slot.state = scoreboard.READY
        limits = {path: limit for path, (limit, _) in self._wanted.items() if path in self.apps}
        serving = self._serving
        assert serving is not None
        serving.send(READY, 0, encode(limits))
        for number in range(max(self.cfg.dirty_threads, 1)):
            unpatched.start_new_thread(serving.work, (f"dirty-worker-{self.pid}-_{number}",))
        if serving.hear():
            self._close_apps()
        else:
            self.alive = False
        return 0

    def _load(self) -> None:
        for path, (limit, others) in list(self._wanted.items()):
            if limit is None:
                limit = get_app_workers_attribute(path)
                self._wanted[path] = limit, others
            if limit is not None and others >= limit:
                continue
            app = self.apps[path] = load_dirty_app(path)
            app.init()
        self.app_paths = list(self.apps)
        self.cfg.dirty_worker_init(self)
        forks.end_stray()

    def _tell_failure(self, error: BaseException) -> None:
        if isinstance(error, DirtyError):
            self.log.error("The task process (pid:%s) cannot start: %s", self.pid, error.message)
        else:
            text = application_traceback(error).rstrip()
            self.log.error("Exception while the task process (pid:%s) started\n%s", self.pid, text)

    def listen(self) -> None:
        """Act on signals from now on."""
        self._serving = Serving(
            self._channel, self._control, self.apps, self.cfg.dirty_max_calls, self.tmp.notify
        )
        forks.guard(self._put_down)
        signal.set_wakeup_fd(self._serving.wake[1], warn_on_full_buffer=False)
        for number, name in _HANDLERS.items():
            unpatched.set_handler(number, getattr(self, name) if name else int(signal.SIG_IGN))

    def _put_down(self) -> None:
        """In a child that an application has forked: calls are not its business."""
        forks.reset_signals(_HANDLERS)
        if self._serving is not None:
            self._serving.put_down()

    def close_channels(self) -> None:
        """In another process than this one: these ends are not its own."""
        self._channel.close()
        self._control.close()

    def leave(self) -> None:
        """Ask for no more calls, and end after those that run."""
        if self._serving is not None:
            self._serving.leave()

    def _close_apps(self) -> None:
        for path, app in self.apps.items():
            try:
                app.close()
            except BaseException as error:  # noqa: BLE001  # the boundary around the application
                forks.end_stray(error)
                self.log.error("Exception while %s was closed\n%s", path, application_traceback(error).rstrip())

    # Signals.

    def handle_term(self, sig: int, frame: FrameType | None) -> None:
        """Go when the calls that run are done."""
        self.leave()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Go at once."""
        os._exit(0)

    def handle_usr1(self, sig: int, frame: FrameType | None) -> None:
        """Reopen the log files."""
        handlers.reopen(self.log)


# What a signal does here. The others that a terminal or a manager sends to all processes are the pool's to act on.
_HANDLERS: dict[int, str] = {
    signal.SIGTERM: "handle_term", signal.SIGQUIT: "handle_quit", signal.SIGUSR1: "handle_usr1", signal.SIGINT: "",
    signal.SIGHUP: "", signal.SIGUSR2: "", signal.SIGTTIN: "", signal.SIGTTOU: "", signal.SIGWINCH: "",
}
