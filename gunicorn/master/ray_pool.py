"""The master of the task processes where these are actors of Ray (`dirty_backend`).

All that it decides and keeps is as with processes of its own. What is different is how one is had, ended, and found to
have ended: a process that speaks to Ray (`tasks/ray_gateway.py`) is asked for each. It is started anew, since Ray and
fork do not go together, and again when it has ended. Ray is never imported here.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque

import gunicorn
from gunicorn._standard import standard_first
from gunicorn.config.values import DEFAULT
from gunicorn.errors import ConfigError, HaltServer
from gunicorn.instrument import scoreboard
from gunicorn.tasks.errors import DirtyProtocolError
from gunicorn.tasks.lines import CONTROL, PLACE, Line
from gunicorn.tasks.messages import MessageEnd, Messages, pair
from gunicorn.tasks.passing import opened
from gunicorn.tasks.switchboard import arrivals
from gunicorn.tasks.values import decode, encode
from gunicorn.unix import forks, unpatched
from gunicorn.unix.interest import READ, WRITE
from gunicorn.unix.unpatched import Socket

from .decisions import Exit, Measured, Resize
from .pool_master import DirtyArbiter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn.config.config import Config
    from gunicorn.tasks.passing import Passed
    from gunicorn.tasks.process import DirtyWorker

__all__ = ["RayArbiter", "check"]

FIRST_PLACE = 1 << 22
"""Places have numbers as processes have; from here on, where no process has one: none is taken for the other."""

END_SECONDS = 2.0
"""So long the process that speaks to Ray may take to end."""

_LINES_KEPT = 20
LOOK_SECONDS = 0.01

# In a folder of the application's, "-m" would find its modules before the standard ones: so by "-P", and with the place
# of this package last.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop()); import runpy; "
    "runpy.run_module('gunicorn.tasks.ray_gateway', run_name='__main__')"
)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(gunicorn.__file__)))


def check(cfg: Config) -> None:
    """Whether the settings can be had. Raises ConfigError."""
    if cfg.dirty_ray_pool != "own" and not cfg.dirty_ray_direct:
        raise ConfigError("dirty_ray_pool: a pool is shared by connections, so dirty_ray_direct has to be on")
    with standard_first():
        from importlib.util import find_spec
    if find_spec("ray") is None:
        raise ConfigError("dirty_backend: ray is not installed; pip install 'gunicorn[ray]'")
    try:
        encode(cfg.dirty_ray_env)
    except DirtyProtocolError as error:
        raise ConfigError(f"dirty_ray_env: {error.message}") from None


class RayArbiter(DirtyArbiter):
    """In hooks, `worker.pid` is that of the actor on its node as soon as it is ready, before that a number of ours."""

    _last_place = FIRST_PLACE - 1
    # The process that speaks to Ray: there is none before it is needed.
    _gateway = 0
    _messages: Messages | None = None
    _output = -1

    # Of a pool that is shared: whether it is led here, or elsewhere. Before either is known there is no caller.
    _leads = False
    _follows = False

    @property
    def _shared(self) -> str:
        """The name of the pool, where it is shared."""
        return self.cfg.dirty_ray_pool.partition(":")[2]

    @property
    def wanted(self) -> int:
        """How many task processes the configuration wants here: none where the pool is led elsewhere."""
        return self.cfg.dirty_workers if self._leads or not self._shared else 0

    @property
    def has_served(self) -> bool:
        """Whether a task process has ever been ready, or need not be."""
        return super().has_served or self._follows

    def _begin(self) -> None:
        # By the numbers of places: the id of the actor, and of its node.
        self._actors: dict[int, tuple[int | str, str]] = {}
        # What Ray has printed last.
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        super()._begin()
        if self._shared:
            self._books.target = 0
            self._forget(self._listener.fileno())
            self._start_gateway()

    # A pool that is shared.

    def _on_leads(self) -> None:
        """It is led here from now on."""
        self.log.info("Task processes: the pool %s is led here", self._shared)
        self._leads, self._follows = True, False
        self._news.reports.append(Resize(self.wanted))
        self._watch(self._listener.fileno(), self._on_caller)

    def _on_follows(self, where: str) -> None:
        """It is led elsewhere from now on."""
        if self._leads:
            # Begun anew, this follows.
            raise HaltServer(f"the pool {self._shared} is led at {where} by now", _LOST)
        self.log.info("Task processes: the pool %s is led at %s", self._shared, where)
        self._follows = True
        self._watch(self._listener.fileno(), self._on_caller)

    def _on_caller(self, fd: int, why: int) -> None:
        if self._follows and self._messages is not None:
            self._send_on(self._messages)
        else:
            super()._on_caller(fd, why)

    def _send_on(self, messages: Messages) -> None:
        """Callers go to where the pool is led."""
        try:
            for caller in arrivals(self._listener):
                messages.send("relay", passed=[caller.fileno()])
                caller.close()
        except OSError as error:
            self.log.error("No caller of task processes can be accepted: %s", error)
        self._watch_messages()

    def _on_orders(self, fd: int, why: int) -> None:
        super()._on_orders(fd, why)
        if self._shared and not self._leads:
            others = [number for number in self._news.signals if number not in _RESIZING]
            if len(others) < len(self._news.signals):
                self.log.info("Task processes: their number is said where the pool %s is led", self._shared)
            self._news.signals[:] = others

    # Places.

    def _fork(self, worker: DirtyWorker, *lines: Line) -> int:
        """Ask for an actor, in whose place is the other end of these lines; its number."""
        if self._messages is None:
            self._start_gateway()
        assert self._messages is not None
        self._last_place += 1
        passed = [end.fileno() for end in worker.channels]
        self._messages.send("begin", self._last_place, self._order_for(worker), passed=passed)
        self._watch_messages()
        return self._last_place

    def _order_for(self, worker: DirtyWorker) -> dict[str, object]:
        cfg = self.cfg
        return {
            "age": worker.age, "generation": worker.tmp.slot.generation, "wanted": worker.wanted,
            "threads": cfg.dirty_threads, "max_calls": cfg.dirty_max_calls, "ray_env": cfg.dirty_ray_env,
            "chdir": os.getcwd() if not cfg.dirty_ray_env.get("working_dir") else "",
            "folders": _folders(cfg), "env": cfg.env, "socket": self.socket_path, "settings": _settings_of(cfg),
            "longest": cfg.dirty_max_message, "hook": _name_of(cfg.own_hook("dirty_worker_init")),
        }

    def _signal(self, pid: int, number: int) -> None:
        # Logs of actors are on their nodes.
        if number != signal.SIGUSR1 and self._messages is not None:
            self._messages.send("kill", pid, int(number))
            self._watch_messages()

    def _stacks_of(self, pid: int) -> str:
        """They come later, from the node."""
        return ""

    def identity_of(self, place: int) -> tuple[int | str, str]:
        """The id of an actor, and of its node."""
        return self._actors.get(place, (place, ""))

    def on_ready(self, place: int, payload: bytes | Passed, now: float) -> None:
        """An actor can take calls."""
        about = decode(opened(payload))
        assert isinstance(about, dict)
        worker = self.workers.get(place)
        self._actors[place] = about["actor"], about["node"]
        if worker is not None:
            worker.pid = about["pid"]
            worker.tmp.slot.state = scoreboard.READY
            text = "Task process %s is ready: actor %s (pid:%s), on node %s"
            self.log.info(text, place, about["actor"], about["pid"], about["node"])
        super().on_ready(place, encode(about["limits"]), now)

    # The process that speaks to Ray.

    def _start_gateway(self) -> None:
        """Raises OSError."""
        ours, theirs = pair()
        output, into = os.pipe()
        program = sys.executable or "python"
        try:
            self._gateway = os.posix_spawn(
                program, [program, "-P", "-c", _PROGRAM, _PACKAGE], os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0), (os.POSIX_SPAWN_DUP2, into, 1),
                    (os.POSIX_SPAWN_DUP2, into, 2),
                ],
                setsigmask=[], setsigdef=[signal.SIGPIPE],
            )  # fmt: skip
        except OSError:
            ours.close()
            os.close(output)
            raise
        finally:
            theirs.close()
            os.close(into)
        ours.setblocking(False)
        self._messages, self._output = Messages(ours), output
        self._said.clear()
        os.set_blocking(output, False)
        self._watch(output, self._on_output)
        self._watch(ours.fileno(), self._on_messages)
        self.log.info("Ray is spoken to by a process of its own (pid:%s)", self._gateway)
        self._messages.send("connect", {
            "address": self.cfg.dirty_ray_address, "name": self.cfg.proc_name, "direct": self.cfg.dirty_ray_direct,
            "shared": self._shared,
        })

    def _watch_messages(self) -> None:
        if self._messages is not None:
            self._interest.watch(self._messages.fileno(), READ | (WRITE if self._messages.has_unsent else 0))

    def _on_messages(self, fd: int, why: int) -> None:
        assert self._messages is not None
        self._messages.flush()
        self._watch_messages()
        try:
            while True:
                said, passed = self._messages.receive()
                _EVENTS[said[0]](self, *said[1:], *map(_socket, passed))
        except BlockingIOError:
            return
        except MessageEnd:
            self._close_messages()

    def _close_messages(self) -> None:
        messages, self._messages = self._messages, None
        if messages is not None:
            self._forget(messages.fileno())
            messages.close()

    def _on_output(self, fd: int, why: int) -> None:
        """Ray prints whatever it is told not to."""
        try:
            octets = os.read(fd, 65536)
        except BlockingIOError:
            return
        for line in octets.decode("utf-8", "replace").splitlines():
            self._said.append(line)
            self.log.debug("Ray: %s", line)
        if not octets:
            self._forget(fd)
            os.close(fd)
            if fd == self._output:
                self._output = -1

    def _reap(self) -> None:
        for pid, status in forks.ended():
            if pid == self._gateway:
                self._on_gateway_end(status)

    def _on_gateway_end(self, status: int) -> None:
        pid, self._gateway = self._gateway, 0
        if self._messages is not None:
            # What it has said before.
            self._on_messages(self._messages.fileno(), READ)
        self._close_messages()
        if self._output >= 0:
            self._on_output(self._output, READ)
        code = os.waitstatus_to_exitcode(status)
        said = "\n".join(self._said) if code != _REFUSED else ""
        text = "The process that speaks to Ray (pid:%s) ended with %s" + ("; it has said:\n%s" if said else "")
        self.log.error(text, pid, code, *([said] if said else []))
        for place in list(self.workers):
            self._on_exit(place, status or 1 << 8)
        if self._shared:
            # With it the pool's name is lost, and the way to where it is led.
            raise HaltServer("who leads the pool is not known any more", code if code == _REFUSED else _LOST)

    # What it tells.

    def _on_exit(self, place: int, status: int) -> None:
        """An actor has ended; it has said before what it had to say."""
        self._news.exits.append(Exit(place, status))
        self._switchboard.hear_out(place)

    def _on_moved(self, place: int, about: bytes, *channels: Socket) -> None:
        """An actor on another node is ready, and has come by itself."""
        if len(channels) != _CHANNELS:
            # There were no descriptors for them.
            for channel in channels:
                channel.close()
            self._signal(place, signal.SIGKILL)
            return
        line, control = Line(channels[0], 0, PLACE), Line(channels[1], 0, CONTROL)
        if self._switchboard.move_place(place, line, control):
            self.on_ready(place, about, time.monotonic())

    def _on_caller_there(self, *callers: Socket) -> None:
        """An application on another node wants to call, or to look into the stash."""
        for caller in callers:
            self._switchboard.take_caller(caller)

    def _on_pulse(self, place: int, used: int) -> None:
        worker = self.workers.get(place)
        if worker is not None:
            worker.tmp.notify()
            if used and self._books.looks_at_memory:
                self._news.reports.append(Measured(place, used))

    def _on_log(self, level: str, place: int, text: str) -> None:
        if place:
            getattr(self.log, level)("Task process %s: %s", place, text)
        else:
            getattr(self.log, level)("Task processes: %s", text)

    def _forget_place(self, pid: int) -> None:
        self._actors.pop(pid, None)
        self.log.info("Task process %s has ended", pid)

    # The end.

    def run(self) -> int:
        """Serve until told to stop; the status of the process."""
        try:
            return super().run()
        finally:
            self._end_gateway()

    def _end_gateway(self) -> None:
        self._close_messages()
        until = time.monotonic() + END_SECONDS
        while self._gateway and time.monotonic() < until:
            if forks.has_ended(self._gateway):
                return
            unpatched.select.select([], [], [], LOOK_SECONDS)

    def _close_all(self) -> None:
        super()._close_all()
        if self._messages is not None:
            self._messages.close()
        if self._output >= 0:
            os.close(self._output)


def _folders(cfg: Config) -> list[str]:
    """Where modules of applications are looked for."""
    named = [os.path.abspath(folder.strip()) for folder in (cfg.pythonpath or "").split(",") if folder.strip()]
    return [*named, os.getcwd()]


def _settings_of(cfg: Config) -> dict[str, object]:
    """The settings that somebody has set, as far as they can be passed."""
    found = {}
    for name, setting in cfg.settings.items():
        if cfg.sources.get(name, DEFAULT) != DEFAULT:
            try:
                encode(setting.get())
            except DirtyProtocolError:
                continue
            found[name] = setting.get()
    return found


def _name_of(hook: Callable[..., object] | None) -> list[str] | None:
    """Where a function is found on a node: a module, or the file of a configuration, and its name there. None: there is
    no hook, or it has no such name."""
    if hook is None:
        return None
    home, name = getattr(hook, "__module__", ""), getattr(hook, "__qualname__", "")
    module = sys.modules.get(home)
    if module is None or getattr(module, name, None) is not hook:
        return None
    return [getattr(module, "__file__", "") if home == "__config__" else home, name]


def _socket(fd: int) -> Socket:
    return Socket(fileno=fd)


_REFUSED = 3
_LOST = 1
_RESIZING = (signal.SIGTTIN, signal.SIGTTOU)
_CHANNELS = 2

_EVENTS: dict[str, Callable[..., None]] = {
    "exit": RayArbiter._on_exit, "pulse": RayArbiter._on_pulse, "log": RayArbiter._on_log,
    "moved": RayArbiter._on_moved, "caller": RayArbiter._on_caller_there,
    "leads": RayArbiter._on_leads, "follows": RayArbiter._on_follows,
}
