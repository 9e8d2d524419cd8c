"""A task process: it has instances of applications, takes calls from the pool and runs them in threads.

Calls come by one channel, and the thread that is to run one takes it from there itself, so that no thread has to wake
another. What is said about calls that run comes by a second one, to the main thread, in which `init` and `close` are
called too, as some libraries demand. The process ends when it was told that no call comes any more and the last
one is done; when its application says so by SystemExit; and, without any farewell, with its pool.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque

from gunicorn.instrument import scoreboard
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.logs import handlers, request_ids
from gunicorn.unix import forks, unpatched

from . import calls, frames
from .apps import get_app_workers_attribute, load_dirty_app
from .calls import Job
from .errors import DirtyError
from .frames import CANCEL, KINDS, LEAVE, LEAVING, MORE, READY, WORN, FrameReader
from .loop_thread import LoopThread
from .sending import read_frames, send_answer
from .values import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from gunicorn._types import Log, Value
    from gunicorn.config.config import Config
    from gunicorn.instrument.scoreboard import Slot
    from gunicorn.unix.unpatched import Socket

    from .frames import Frame

__all__ = ["BOOT_ERROR", "DirtyWorker", "Page"]

BOOT_ERROR = 3
"""Status of a process whose applications cannot be had."""


class Page:
    """What a process tells of itself without being asked; `slot` is its page of the scoreboard."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot

    def notify(self) -> None:
        """Say "I am alive"."""
        self.slot.beat()

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
        self._reader = FrameReader()
        self._control_reader = FrameReader()
        # Held by the thread that takes a call from the channel.
        self._reading = unpatched.allocate_lock()
        self._sending = unpatched.allocate_lock()
        # Calls that have been read and not been begun.
        self._frames: deque[Frame] = deque()
        self._jobs: dict[int, Job] = {}
        # Calls that are cancelled and have not been seen yet, which come by the other channel; the last one seen.
        self._cancelled: set[int] = set()
        self._last_seen = 0
        # So many calls are left before another process is to take the place of this one; below 0: any number.
        self._calls_left = cfg.dirty_max_calls or -1
        self._loop = LoopThread()
        # No call comes any more.
        self._is_last = False
        self._wishes_to_leave = False
        self._wake = (-1, -1)

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
        self._send(READY, 0, encode(limits))
        for number in range(max(self.cfg.dirty_threads, 1)):
            unpatched.start_new_thread(self._work, (f"dirty-worker-{self.pid}-_{number}",))
        self._serve()
        if self._is_last:
            self._close_apps()
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
        forks.guard(self._put_down)
        self._wake = os.pipe()
        for fd in self._wake:
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for number, name in _HANDLERS.items():
            unpatched.set_handler(number, getattr(self, name) if name else int(signal.SIG_IGN))

    def _put_down(self) -> None:
        """In a child that an application has forked: calls are not its business."""
        forks.reset_signals(_HANDLERS)
        self.close_channels()
        for fd in self._wake:
            os.close(fd)

    def _serve(self) -> None:
        """Take what is said about calls, until none is left and none comes, or the pool has ended."""
        waits = unpatched.select.poll()
        waits.register(self._control.fileno(), unpatched.select.POLLIN)
        waits.register(self._wake[0], unpatched.select.POLLIN)
        while not (self._is_last and not self._jobs):
            woken = [fd for fd, _ in waits.poll()]
            self.tmp.slot.beat()
            if self._wake[0] in woken:
                self._awake()
            if self._control.fileno() in woken and not self._receive():
                self.alive = False
                return

    def _awake(self) -> None:
        unpatched.read(self._wake[0], 4096)
        if self._wishes_to_leave:
            self._wishes_to_leave = False
            self._send(LEAVING, 0, b"")

    def _receive(self) -> bool:
        """Take what has come; False when the pool has ended, or talks nonsense."""
        frames = read_frames(self._control, self._control_reader)
        for frame in frames:
            _ON_FRAME[frame.kind](self, frame)
        return bool(frames) or self._control_reader.is_within

    def close_channels(self) -> None:
        """In another process than this one: these ends are not its own."""
        self._channel.close()
        self._control.close()

    def leave(self) -> None:
        """Ask for no more calls, and end after those that run."""
        self._wishes_to_leave = True
        unpatched.write(self._wake[1], b"\0")

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
        self._wishes_to_leave = True

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Go at once."""
        os._exit(0)

    def handle_usr1(self, sig: int, frame: FrameType | None) -> None:
        """Reopen the log files."""
        handlers.reopen(self.log)

    # Frames.

    def _on_cancel(self, frame: Frame) -> None:
        number = frame.number
        if number not in self._jobs:
            # It may be about to be read. Whoever registers it looks here behind that.
            self._cancelled.add(number)
        job = self._jobs.get(number)
        if job is not None or number <= self._last_seen:
            self._cancelled.discard(number)
        if job is not None:
            job.cancel()

    def _on_more(self, frame: Frame) -> None:
        job = self._jobs.get(frame.number)
        if job is not None:
            job.more(int(min(frame.amount, 1 << 20)))

    def _on_leave(self, frame: Frame) -> None:
        self._is_last = True

    def _on_nonsense(self, frame: Frame) -> None:
        """Nobody sends this here."""

    # Threads.

    def _work(self, name: str) -> None:
        # Applications look at it.
        threading.current_thread().name = name
        while (job := self._next_job()) is not None:
            error = calls.run(job, self.apps, self._loop, self._send)
            del self._jobs[job.number]
            if isinstance(error, SystemExit):
                self.leave()
            if self._is_last:
                # The main thread waits for the last one.
                unpatched.write(self._wake[1], b"\0")

    def _next_job(self) -> Job | None:
        """Wait for a call; None when the pool has ended."""
        with self._reading:
            while not self._frames:
                self._frames += read_frames(self._channel, self._reader)
                if not self._frames and not self._reader.is_within:
                    return None
            call = self._frames.popleft()
            # Lines of the log that the action writes are about that request.
            request_ids.running.set(frames.request_id_of(call.target))
            job = Job(call)
            self._jobs[job.number] = job
            self._last_seen = job.number
            self._calls_left -= 1
        if self._calls_left == 0:
            self._send(WORN, 0, b"")
        if job.number in self._cancelled:
            self._cancelled.discard(job.number)
            job.cancel()
        return job

    def _send(self, kind: int, number: int, payload: bytes) -> None:
        with self._sending:
            send_answer(self._channel, kind, number, payload)


# What a signal does here. The others that a terminal or a manager sends to all processes are the pool's to act on.
_HANDLERS: dict[int, str] = {
    signal.SIGTERM: "handle_term", signal.SIGQUIT: "handle_quit", signal.SIGUSR1: "handle_usr1", signal.SIGINT: "",
    signal.SIGHUP: "", signal.SIGUSR2: "", signal.SIGTTIN: "", signal.SIGTTOU: "", signal.SIGWINCH: "",
}

_ON_FRAME: dict[int, Callable[[DirtyWorker, Frame], None]] = {
    **dict.fromkeys(KINDS, DirtyWorker._on_nonsense),
    CANCEL: DirtyWorker._on_cancel, MORE: DirtyWorker._on_more,
    LEAVE: DirtyWorker._on_leave,
}
