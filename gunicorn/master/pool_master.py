"""The master of the task processes: a process of its own, in which callers and task processes meet.

One thread, one loop. It accepts callers at a socket that the master has opened, and hands their calls to task processes
by the word of the router (`tasks/router.py`); it starts, watches and replaces these by the word of the same supervisor
that the master of the workers has. It opens no module of an application, unless it is to (`dirty_preload`). What it is
told to do by the master comes by a pipe, as numbers of signals; the end of that pipe is the end of the server.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from gunicorn.errors import ConfigError, HaltServer, OwnSignal
from gunicorn.instrument.scoreboard import Scoreboard
from gunicorn.instrument.stacks import StackFile
from gunicorn.loading.garbage import set_apart
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.logs import atoms, handlers
from gunicorn.logs.switch import LogSwitch
from gunicorn.tasks.apps import get_app_workers_attribute, parse_dirty_app_spec
from gunicorn.tasks.errors import DirtyError
from gunicorn.tasks.frames import (
    CALL,
    CANCEL,
    END,
    ERROR,
    ITEM,
    LEAVE,
    LEAVING,
    MORE,
    READY,
    RESULT,
    STASH,
    WORN,
)
from gunicorn.tasks.lines import Line
from gunicorn.tasks.passing import opened
from gunicorn.tasks.place import remove_place
from gunicorn.tasks.process import BOOT_ERROR, DirtyWorker, Page
from gunicorn.tasks.router import Limits, Router
from gunicorn.tasks.stash_tables import StashTables
from gunicorn.tasks.values import VARIABLE_OF_LIMIT, decode, encode
from gunicorn.unix import forks, unpatched
from gunicorn.unix.interest import BROKEN, READ, WRITE, Interest
from gunicorn.unix.process import set_process_title

from . import decisions, hooks, signals
from .decisions import Exit, Policy, Report, Spawned
from .memory import MemoryWatch
from .pool_supervisor import PoolSupervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from gunicorn._types import Log
    from gunicorn.config.config import Config
    from gunicorn.instrument.task_board import TaskBoard
    from gunicorn.tasks.frames import Frame
    from gunicorn.tasks.passing import Passed
    from gunicorn.tasks.router import Call
    from gunicorn.unix.unpatched import Socket

    from .state import ServedApplication

__all__ = ["DirtyArbiter", "specs_of"]

ACCEPTS_AT_ONCE = 64
RAY_BOOT_SECONDS = 60.0
"""Without `boot_timeout`, at least so long an actor of Ray may take to be ready, however short calls are."""

FAREWELL_SECONDS = 1.0
"""At the end, so long callers may take to read their last answers."""

MOST_WAITING = 256 * 1024 * 1024
"""So many octets of calls may wait, or twice what one message may have."""


def specs_of(cfg: Config) -> dict[str, int | None]:
    """The applications of the setting `dirty_apps`: in how many processes each is to be; None: the class says, or all.

    Raises ConfigError.
    """
    try:
        return dict(parse_dirty_app_spec(spec) for spec in cfg.dirty_apps)
    except DirtyError as error:
        raise ConfigError(f"dirty_apps: {error.message}") from None


def policy_of(cfg: Config) -> Policy:
    """What the supervisor of task processes rests on. A call that takes too long is the router's to see."""
    boot_timeout = getattr(cfg, "boot_timeout", None)
    if boot_timeout is None and cfg.dirty_timeout:
        # An actor has its process found, and perhaps its node.
        boot_timeout = max(cfg.dirty_timeout, RAY_BOOT_SECONDS if cfg.dirty_backend == "ray" else 0)
    return Policy(
        workers=cfg.dirty_workers,
        timeout=0.0,
        graceful_timeout=cfg.dirty_graceful_timeout,
        boot_timeout=boot_timeout or 0.0,
        memory=cfg.dirty_max_memory,
        reload_replaces=cfg.dirty_reload == "replace",
    )


class DirtyArbiter:
    """`app` can read the configuration again; `listener` is where callers come, `orders` where the master speaks.

    Hooks know `cfg`, `log`, `pid`, `ppid`, `socket_path`, and `workers`, task processes by their PIDs.
    """

    SIGNALS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD]
    """What it acts on itself. That it should end it is told by its master alone: what is sent to all processes of a
    server must find it there for the workers to the last."""

    _OTHERS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR2, signal.SIGWINCH]

    def __init__(
        self, app: ServedApplication, log: Log, listener: Socket, socket_path: str, orders: int, ppid: int,
        board: TaskBoard,
    ) -> None:
        self.cfg = app.cfg
        self.log = log
        self.pid = os.getpid()
        self.ppid = ppid
        self.socket_path = socket_path
        self.workers: dict[int, DirtyWorker] = {}
        self._app = app
        self._listener: Socket | None = listener
        self._orders = orders
        self._board = board
        self._specs = specs_of(self.cfg)
        board.begin(self.pid)
        board.expect(self._specs)
        self._books = PoolSupervisor(policy_of(self.cfg), self._specs)
        self._router = Router(self, self._limits(), self._specs, board)
        self._stash = StashTables(self.cfg.dirty_stash_memory)
        self._tell_of_stash()
        self._scoreboard = Scoreboard()
        self._stacks = StackFile(_live)  # type: ignore[arg-type]
        self._memory = MemoryWatch()
        self._interest = Interest()
        self._pipe = signals.open_pipe()
        # What is done when something comes on a descriptor.
        self._sources: dict[int, Callable[[int, int], None]] = {}
        self._callers: dict[int, Line] = {}
        self._places: dict[int, Line] = {}
        # By the same PIDs: where is said what is about calls that run.
        self._controls: dict[int, Line] = {}
        # By their descriptors: all of these.
        self._lines: dict[int, Line] = {}
        # Processes that were told to go before they were ready.
        self._unwanted: set[int] = set()
        self._last_caller = 0
        self._age = 0
        self._spawning = 0
        # The master has ended without a word.
        self._is_orphan = False
        self._events: list[int] = []
        # Orders that have come, and are not done yet.
        self._heard = 0
        self._exits: list[Exit] = []
        self._reports: list[Report] = []
        self._deadline: float | None = 0.0
        self._reload: tuple[Config, dict[str, int | None], LogSwitch] | None = None

    @property
    def has_served(self) -> bool:
        """Whether a task process has ever been ready."""
        return self._books.ever_ready

    # The life of the process.

    def run(self) -> int:
        """Serve until told to stop; the status of the process, 3 where no task process could start."""
        self._begin()
        if self.cfg.dirty_preload and not self._preload():
            return BOOT_ERROR
        try:
            while True:
                self._turn()
        except HaltServer as end:
            if end.reason:
                self.log.error("Task processes: %s", end.reason)
            self._say_farewell()
            if self._is_orphan:
                remove_place(self.socket_path)
            return end.exit_status

    def _begin(self) -> None:
        forks.guard(self._put_down)
        signals.listen(self._pipe[1], self.SIGNALS)
        for number in self._OTHERS:
            unpatched.set_handler(number, int(signal.SIG_IGN))
        hooks.call(self, "on_dirty_starting")
        os.set_blocking(self._orders, False)
        self._watch(self._orders, self._on_orders)
        assert self._listener is not None
        self._listener.setblocking(False)
        self._watch(self._listener.fileno(), self._on_caller)
        self.log.info("Task processes are led by a process of its own (pid:%s), at %s", self.pid, self.socket_path)

    def _preload(self) -> bool:
        """Have the modules of applications here, so that task processes share their memory; whether that can be."""
        for path in self._specs:
            try:
                get_app_workers_attribute(path)
            except BaseException as error:  # noqa: BLE001  # the boundary around the user's code
                forks.end_stray(error)
                if isinstance(error, DirtyError):
                    self.log.error("Task processes: %s", error.message)
                else:
                    self.log.error("Exception while %s was loaded\n%s", path, application_traceback(error).rstrip())
                return False
        set_apart(after_collecting=True)
        return True

    def _watch(self, fd: int, act: Callable[[int, int], None]) -> None:
        self._sources[fd] = act
        self._interest.watch(fd, READ)

    def _forget(self, fd: int) -> None:
        self._sources.pop(fd, None)
        self._interest.forget(fd)

    def _put_down(self) -> None:
        """In a child that a hook has forked."""
        forks.reset_signals((*self.SIGNALS, *self._OTHERS))
        self._close_all()

    def _close_all(self) -> None:
        """In a child: what belongs to this process alone."""
        for line in self._lines.values():
            line.close()
        if self._listener is not None:
            self._listener.close()
        for fd in (*self._pipe, self._orders):
            os.close(fd)

    def _say_farewell(self) -> None:
        """Callers may read what they were answered."""
        until = time.monotonic() + FAREWELL_SECONDS
        while any(line.unsent for line in self._callers.values()) and time.monotonic() < until:
            for fd, why in self._interest.wait(0.05):
                if fd in self._lines and why & (WRITE | BROKEN):
                    self._flush(self._lines[fd])

    # The loop.

    def _turn(self) -> None:
        now = time.monotonic()
        all_moments = (self._deadline, self._router.due, self._memory.due, self._stash.due)
        moments = [each for each in all_moments if each is not None]
        numbers, events = signals.wait(
            self._pipe[0], self._interest, max(0.0, min(moments) - now) if moments else None
        )
        for fd, why in events:
            act = self._sources.get(fd)
            if act is not None:
                act(fd, why)
        now = time.monotonic()
        due = self._router.due
        if due is not None and now >= due:
            self._router.expire(now)
        if self._stash.due is not None and now >= self._stash.due:
            self._stash.expire(now)
            self._tell_of_stash()
        if numbers:
            self._take(numbers)
        if (
            numbers or self._events or self._exits or self._reports
            or (self._deadline is not None and now >= self._deadline)
            or (self._memory.due is not None and now >= self._memory.due)
        ):
            self._step()

    def _take(self, numbers: bytes) -> None:
        for number in numbers:
            if number == signal.SIGCHLD:
                self._reap()
            elif number != signals.POKE:
                self.log.info("Task processes: handling signal %s", signal.Signals(number).name)
                self._events.append(number)

    def _on_orders(self, fd: int, why: int) -> None:
        numbers = os.read(fd, 4096)
        if not numbers:
            # The master has ended, and tidies up nothing any more.
            self._forget(fd)
            self._is_orphan = True
            numbers = bytes([signal.SIGTERM])
        self._events += numbers
        self._heard += len(numbers)

    def _step(self) -> None:
        """Ask the supervisor and do what it says, until there is nothing more to do."""
        while True:
            now = time.monotonic()
            for pid, used in self._memory.look(now, self._books, list(self.workers)).items():
                self._reports.append(decisions.Measured(pid, used))
            events, self._events = self._events, []
            exits, self._exits = self._exits, []
            reports, self._reports = self._reports, []
            pages = {pid: worker.tmp.slot for pid, worker in self.workers.items()}
            decision = self._books.step(now, events, pages, exits, reports)
            for action in decision.actions:
                _EXECUTORS[type(action)](self, action)
            if not decision.actions and not self._events and not self._reports:
                self._deadline = decision.deadline
                break
        self._router.failing = self._books.is_failing
        self._board.report(self._books.target, len(self._places), self.has_served)
        for pid in self.workers:
            member = self._books.members.get(pid)
            if member is not None:
                self._board.phase(pid, member.phase)
        orders, self._heard = self._heard, 0
        if orders:
            self._board.hear(orders, self._books.take_reason())

    # Callers.

    def _on_caller(self, fd: int, why: int) -> None:
        assert self._listener is not None
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                accepted, _ = self._listener._accept()  # type: ignore[attr-defined]
            except BlockingIOError:
                return
            except OSError as error:
                self.log.error("No caller of task processes can be accepted: %s", error)
                return
            self._last_caller += 1
            line = Line(unpatched.Socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, accepted), self._last_caller)
            self._callers[line.id] = self._lines[line.fd] = line
            self._watch(line.fd, self._on_frames_of_caller)

    def _on_frames_of_caller(self, fd: int, why: int) -> None:
        line = self._lines[fd]
        if why & WRITE:
            self._flush(line)
        if not why & ~WRITE or line.is_broken:
            return
        frames = line.receive()
        if frames is None:
            self._lose_caller(line)
            return
        for frame in frames:
            rule = _OF_CALLERS.get(frame.kind)
            if rule is None:
                self._lose_caller(line)
                return
            rule(self, line, frame)

    def _lose_caller(self, line: Line) -> None:
        if self._callers.pop(line.id, None) is not None:
            self._close_line(line)
            self._router.gone(line.id)

    def _close_line(self, line: Line) -> None:
        self._forget(line.fd)
        self._lines.pop(line.fd, None)
        line.close()

    def _on_call(self, line: Line, frame: Frame) -> None:
        self._router.call(line.id, frame, time.monotonic())

    def _on_cancel(self, line: Line, frame: Frame) -> None:
        self._router.cancel(line.id, frame.number)

    def _on_more(self, line: Line, frame: Frame) -> None:
        self._router.more(line.id, frame.number, frame.amount, time.monotonic())

    def _on_stash(self, line: Line, frame: Frame) -> None:
        try:
            answer = self._stash.perform(opened(frame.payload), time.monotonic())
        except DirtyError as error:
            self.refuse(line.id, frame.number, error)
            return
        # Who has the answer finds it counted.
        self._tell_of_stash()
        self._send(line, RESULT, frame.number, answer)

    def _tell_of_stash(self) -> None:
        stash = self._stash
        self._board.stash(stash.count, stash.entries, stash.octets, stash.most)

    # What the router wants.

    def start(self, place: int, call: Call) -> None:
        """Have a task process run a call."""
        line = self._places.get(place)
        if line is not None:
            self._send(line, CALL, call.id, call.payload, call.target, call.marks)

    def answer(self, caller: int, number: int, kind: int, payload: bytes | Passed) -> None:
        """Hand on what a task process has said."""
        line = self._callers.get(caller)
        if line is not None:
            self._send(line, kind, number, payload)

    def refuse(self, caller: int, number: int, error: DirtyError) -> None:
        """Answer with an error."""
        self.answer(caller, number, ERROR, encode(error.to_dict()))

    def cancel(self, place: int, number: int) -> None:
        """Nobody waits for that call any more."""
        line = self._controls.get(place)
        if line is not None:
            self._send(line, CANCEL, number)

    def more(self, place: int, number: int, items: float) -> None:
        """A reader has room for items."""
        line = self._controls.get(place)
        if line is not None:
            self._send(line, MORE, number, amount=items)

    def late(self, place: int, call: Call) -> None:
        """A call has run for too long: its process is replaced, and the log says what it was doing."""
        stacks = self._stacks_of(place)
        text = "TASK TIMEOUT (pid:%s) after %g s in: %s" + ("\nIt is here:\n%s" if stacks else "")
        name = atoms.escape(call.name)
        self.log.critical(text, place, self.cfg.dirty_timeout, name, *([stacks] if stacks else []))
        self.cancel(place, call.id)
        self._reports.append(decisions.Stuck(place, "dirty_timeout", False))

    def drained(self, place: int, stuck: bool) -> None:
        """A process that is to go has no call left; or none but such as do not end."""
        if stuck:
            self._reports.append(decisions.Stuck(place, "dirty_timeout", True))
            return
        line = self._controls.get(place)
        if line is not None:
            self._send(line, LEAVE, 0)

    def _send(
        self, line: Line, kind: int, number: int, payload: bytes | Passed = b"", target: bytes = b"", marks: int = 0,
        amount: float = 0.0,
    ) -> None:
        had = line.unsent
        line.send(kind, number, payload, target, marks, amount)
        if line.unsent or had:
            self._interest.watch(line.fd, WRITE | (READ if line.reads else 0))
        elif line.is_broken:
            # Its end is seen by the poller, not in the middle of something else.
            self._interest.watch(line.fd, READ | WRITE)

    def _flush(self, line: Line) -> None:
        line.flush()
        if line.is_broken:
            if line.id in self._callers and self._callers[line.id] is line:
                self._lose_caller(line)
            return
        self._interest.watch(line.fd, (READ if line.reads else 0) | (WRITE if line.unsent else 0))

    # Task processes.

    def _on_control(self, fd: int, why: int) -> None:
        """Nothing is said there but by this process: there is room again, or the other end is gone."""
        line = self._lines[fd]
        line.flush()
        if line.is_broken or not line.unsent:
            self._interest.forget(fd)

    def _on_frames_of_place(self, fd: int, why: int) -> None:
        line = self._lines[fd]
        if why & WRITE:
            self._flush(line)
        if not why & ~WRITE:
            return
        self._hear(line)

    def _hear(self, line: Line) -> None:
        """Take what a task process says."""
        frames = line.receive()
        if frames is None:
            # Its end is told by SIGCHLD as well; what it ran will not be answered.
            self._lose_place(line)
            return
        now = time.monotonic()
        for frame in frames:
            if frame.kind in _ANSWERS:
                self._router.say(line.id, frame, now)
            elif frame.kind == READY:
                self._on_ready(line, frame, now)
            elif frame.kind == WORN:
                self._reports.append(decisions.Worn(frozenset([line.id])))
            elif frame.kind == LEAVING:
                self._router.leave(line.id)

    def _hear_out(self, line: Line) -> None:
        """The same for one that has ended: all that it has said before."""
        while self._places.get(line.id) is line:
            self._hear(line)
            if line.is_dry:
                self._lose_place(line)

    def _on_ready(self, line: Line, frame: Frame, now: float) -> None:
        limits = decode(opened(frame.payload))
        assert isinstance(limits, dict)
        for path, limit in limits.items():
            if self._books.limits.get(path) is None:
                self._books.limits[path] = limit
        worker, control = self.workers.get(line.id), self._controls.get(line.id)
        if line.id in self._unwanted and control is not None:
            # Told to go before it could be told.
            self._send(control, LEAVE, 0)
        elif worker is not None:
            worker.booted = True
            worker.app_paths = list(limits)
            self._board.expect(self._shown_limits())
            self._board.ready(line.id, limits)
            self._router.ready(line.id, limits, self.cfg.dirty_threads, now)
        # The supervisor reads on the board that it is ready.
        self._events.append(signals.POKE)

    def _lose_place(self, line: Line) -> None:
        if self._places.get(line.id) is line:
            del self._places[line.id]
            self._close_line(line)
            self._close_line(self._controls.pop(line.id))
            self._router.lost(line.id, *self._identity_of(line.id))

    def _identity_of(self, pid: int) -> tuple[int | str, str]:
        """What callers know a place by, and on which node that is; empty: on this machine."""
        return pid, ""

    def _reap(self) -> None:
        while True:
            try:
                pid, status = unpatched.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._exits.append(Exit(pid, status))
            line = self._places.get(pid)
            if line is not None:
                self._hear_out(line)

    def spawn_worker(self, generation: int) -> int:
        """Fork one task process; PID in this one. Raises OSError."""
        self._age += 1
        ranks = self._books.ranks_for_next(generation, self._specs)
        wanted = {path: (self._books.limits.get(path), rank) for path, rank in ranks.items()}
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2)]
        (ours, our_control), (theirs, their_control) = (
            [unpatched.Socket(fileno=pair[side].detach()) for pair in pairs] for side in range(2)
        )
        for end in (theirs, their_control):
            # Those of a library's are born without waiting.
            end.setblocking(True)
        slot = self._scoreboard.allocate(generation)
        worker = DirtyWorker(
            self._age, self.pid, self.cfg, self.log, wanted, self.socket_path, Page(slot, self._board), theirs,
            their_control,
        )
        line, control = Line(ours, 0), Line(our_control, 0)
        line.takes_passed = True
        try:
            pid = self._fork(worker, line, control)
        except OSError:
            self._scoreboard.release(slot)
            line.close()
            control.close()
            raise
        finally:
            worker.close_channels()
        slot.pid = worker.pid = line.id = control.id = pid
        self.workers[pid] = worker
        self._books.note(pid, generation, ranks)
        self._board.spawned(pid, slot.index, worker.age, generation)
        self._places[pid] = self._lines[line.fd] = line
        self._controls[pid] = self._lines[control.fd] = control
        self._sources[control.fd] = self._on_control
        self._watch(line.fd, self._on_frames_of_place)
        self._reports.append(Spawned(pid, worker.age, generation, time.monotonic()))
        hooks.call(self, "dirty_post_fork", worker)
        return pid

    def _fork(self, worker: DirtyWorker, *lines: Line) -> int:
        # A signal between the fork and the child's own handlers would be written into this process's pipe.
        numbers = (*self.SIGNALS, *self._OTHERS)
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        try:
            pid = forks.fork()
        finally:
            if os.getpid() == self.pid:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        if pid == 0:
            for line in lines:
                line.close()
            _live(self, worker)
        return pid

    def shed(self, worker: DirtyWorker) -> None:
        """In a new task process: put down what belongs to this one."""
        worker.pid = os.getpid()
        signal.set_wakeup_fd(-1)
        unpatched.set_handler(signal.SIGCHLD, int(signal.SIG_DFL))
        self._close_all()
        self._stacks.listen()
        if self._reload is not None:
            self._reload[2].finish()

    # Actions.

    def _spawn(self, action: decisions.Spawn) -> None:
        try:
            self.spawn_worker(action.generation)
        except OSError as error:
            self.log.error("Cannot start a task process: %s", error)
            self._reports.append(decisions.SpawnFailed())

    def _kill(self, action: decisions.Kill) -> None:
        if action.signal == signal.SIGTERM:
            # Told behind all calls that it has got; the router knows when.
            self._router.leave(action.pid)
            if action.pid in self.workers and not self.workers[action.pid].booted:
                self._unwanted.add(action.pid)
                self._signal(action.pid, signal.SIGQUIT)
            return
        self._signal(action.pid, action.signal)

    def _stacks_of(self, pid: int) -> str:
        """Where the threads of a task process are."""
        return self._stacks.ask(pid)

    def _signal(self, pid: int, number: int) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return

    def _log(self, action: decisions.Log) -> None:
        getattr(self.log, action.level)(f"Task processes: {action.message}", *action.args)

    def _timed_out(self, action: decisions.TimedOut) -> None:
        stacks = self._stacks_of(action.pid)
        text = "TASK PROCESS TIMEOUT (pid:%s), %s: not ready after %.1f s" + ("\nIt is here:\n%s" if stacks else "")
        self.log.critical(text, action.pid, action.limit, action.silent_for, *([stacks] if stacks else []))

    def _gone(self, action: decisions.Gone) -> None:
        worker = self.workers.pop(action.pid)
        self._unwanted.discard(action.pid)
        self._books.forget(action.pid)
        self._board.gone(action.pid, action.cause)
        self._scoreboard.release(worker.tmp.slot)
        line = self._places.get(action.pid)
        if line is not None:
            self._lose_place(line)
        self._forget_place(action.pid)
        hooks.call(self, "dirty_worker_exit", worker)

    def _forget_place(self, pid: int) -> None:
        """A task process has ended, and nothing of it is left."""

    def _reload_begins(self, action: decisions.Reload) -> None:
        """Read the configuration again; what is wrong with it changes nothing."""
        old = self.cfg, self._specs, LogSwitch(self.log)
        problem = self._read_configuration()
        if problem is not None:
            self._restore(*old)
            self.log.error("Task processes: reload refused, the running configuration stays: %s", problem)
            self._reports.append(decisions.ReloadRefused())
            return
        self._reload = old
        self._books.limits = {**self._books.limits, **self._specs}
        self._router.expect({**old[1], **self._specs}, self._limits())
        self._board.expect(self._shown_limits())
        self._reports.append(decisions.Reconfigured(policy_of(self.cfg)))
        if self.cfg.dirty_workers != old[0].dirty_workers:
            self._reports.append(decisions.Resize(self.cfg.dirty_workers))

    def _read_configuration(self) -> str | None:
        try:
            _forget_env(self.cfg)
            self._app.reload()
            self.cfg = self._app.cfg
            self._specs = specs_of(self.cfg)
            os.environ.update(self.cfg.env or {})
            self._set_limits()
            self.log.setup(self.cfg)
        except OwnSignal:
            raise
        except (ConfigError, RuntimeError, OSError) as error:
            return str(error)
        except BaseException as error:  # noqa: BLE001  # the boundary around the user's code
            forks.end_stray(error)
            self.log.error("Error in the new configuration\n%s", application_traceback(error).rstrip())
            return f"{type(error).__name__}: {error}"
        return None

    def _restore(self, cfg: Config, specs: dict[str, int | None], logs: LogSwitch) -> None:
        _forget_env(self.cfg)
        self._app.cfg = self.cfg = cfg
        os.environ.update(cfg.env or {})
        self._set_limits()
        self._specs = specs
        logs.restore()

    def _set_limits(self) -> None:
        """Those of a message and of the stash, as the configuration has them now."""
        os.environ[VARIABLE_OF_LIMIT] = str(self.cfg.dirty_max_message)
        self._stash.most = self.cfg.dirty_stash_memory

    def _reload_done(self, action: decisions.ReloadDone) -> None:
        if self._reload is not None:
            self._reload[2].finish()
            self._reload = None
        self._books.limits = {path: self._books.limits.get(path) for path in self._specs}
        self._router.expect(self._specs)
        self._board.expect(self._shown_limits())
        self.log.info("Task processes: reload done, %s serve the new code", self._books.target)

    def _reload_failed(self, action: decisions.ReloadFailed) -> None:
        self.log.error("Task processes: reload failed, the old ones stay: %s", action.reason)
        old, self._reload = self._reload, None
        if old is not None:
            self._restore(*old)
            self._router.expect(self._specs, self._limits())
            self._board.expect(self._shown_limits())
            self._reports.append(decisions.Restored(policy_of(self.cfg)))
            self._reports.append(decisions.Resize(self.cfg.dirty_workers))

    def _reopen_logs(self, action: decisions.ReopenLogs) -> None:
        handlers.reopen(self.log)

    def _stop_listening(self, action: decisions.StopListening) -> None:
        self._router.stop()

    def _halt(self, action: decisions.Halt) -> NoReturn:
        raise HaltServer(action.reason or "", action.status)

    def _nothing(self, action: decisions.Action) -> None:
        """What is the business of the workers' master alone."""

    def _shown_limits(self) -> dict[str, int | None]:
        """The applications that there are to be, with what their classes say of the number of processes."""
        return {path: self._books.limits.get(path) for path in self._specs}

    def _limits(self) -> Limits:
        return Limits(waiting=self.cfg.dirty_queue, seconds=float(self.cfg.dirty_timeout),
                      octets=max(MOST_WAITING, 2 * self.cfg.dirty_max_message))


def _forget_env(cfg: Config) -> None:
    """Take back what `raw_env` has set."""
    for name in cfg.env or {}:
        if name in cfg.env_orig:
            os.environ[name] = cfg.env_orig[name]
        else:
            os.environ.pop(name, None)


def _live(pool: DirtyArbiter, worker: DirtyWorker) -> NoReturn:
    """Be a task process, to its end: the stack of its parent lies below, and nothing of that may run here."""
    status = 255
    try:
        pool.shed(worker)
        worker.listen()
        # None that has come since the fork is lost.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*pool.SIGNALS, *pool._OTHERS))
        set_process_title(f"task process [{pool.cfg.proc_name}]")
        pool.log.info("Booting task process with pid: %s", worker.pid)
        status = worker.run()
        pool.log.info("Task process exiting (pid: %s)", worker.pid)
    except BaseException as error:  # noqa: BLE001  # the boundary around a child
        forks.end_stray(error)
        sys.stderr.write(application_traceback(error))
    finally:
        forks.leave(status)


_ANSWERS = frozenset([RESULT, ERROR, ITEM, END])

_OF_CALLERS: dict[int, Callable[[DirtyArbiter, Line, Frame], None]] = {
    CALL: DirtyArbiter._on_call, CANCEL: DirtyArbiter._on_cancel, MORE: DirtyArbiter._on_more,
    STASH: DirtyArbiter._on_stash,
}

_EXECUTORS: dict[type[decisions.Action], Callable[..., None]] = {
    decisions.Spawn: DirtyArbiter._spawn,
    decisions.Kill: DirtyArbiter._kill,
    decisions.Log: DirtyArbiter._log,
    decisions.TimedOut: DirtyArbiter._timed_out,
    decisions.Leaving: DirtyArbiter._nothing,
    decisions.Gone: DirtyArbiter._gone,
    decisions.Resized: DirtyArbiter._nothing,
    decisions.Reload: DirtyArbiter._reload_begins,
    decisions.ReloadDone: DirtyArbiter._reload_done,
    decisions.ReloadFailed: DirtyArbiter._reload_failed,
    decisions.ReopenLogs: DirtyArbiter._reopen_logs,
    decisions.Reexec: DirtyArbiter._nothing,
    decisions.StopListening: DirtyArbiter._stop_listening,
    decisions.Halt: DirtyArbiter._halt,
}
