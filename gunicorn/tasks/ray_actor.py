"""A task process as an actor of Ray: the same calls, run the same way, on whichever node of the cluster.

This is imported on the nodes. Calls come as octets and are answered as octets, in the encoding of all calls
(`values.py`): no object of an application goes through Ray. Nothing here raises, so that Ray has nothing to tell of the
errors of applications: they are data, too. What is said about calls that run comes to a second group of threads.

There is a shorter way: the actor has the two connections that a task process has, and calls do not go through Ray at
all. On the machine of the server it is given its sockets; on another node it comes to the server's door
(`ray_door.py`), and so do its applications, which call others and look into the stash by it.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
from collections import OrderedDict
from importlib import import_module

from gunicorn.config.config import Config
from gunicorn.config.files import read_file
from gunicorn.instrument.stacks import of_threads
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.unix import resources
from gunicorn.unix.unpatched import Socket

from . import calls
from ._octets import Frame
from .addresses import CALLS, CONTROLS, connected, open_socket, way_to
from .apps import class_at, load_dirty_app
from .calls import Job
from .errors import DirtyAppError, DirtyError
from .frames import CALL, END, ITEM, STREAM
from .limits import VARIABLE_OF_LIMIT
from .loop_thread import LoopThread
from .place import VARIABLE
from .ray_options import check_options
from .serving import Serving
from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunicorn._types import Log, Value

    from .passing import Passed

__all__ = ["LEAVES", "PREPARED", "TaskActor", "describe", "pack_call"]

LEAVES = 0x80
"""Mark of the kind of an answer: the application wants its process to end."""

PREPARED = ("chdir", "door", "env", "folders", "longest", "node", "socket")
"""What of an order `prepare` reads."""

_MOST_CANCELLED = 256
_MEETING_SECONDS = 5.0
_DOOR_SECONDS = 2.0
_HEAD = struct.Struct("!QBH")


def pack_call(frame: Frame, payload: bytes | Passed) -> bytes:
    """A call as an actor takes it."""
    octets = payload if isinstance(payload, bytes) else payload.read()
    return _HEAD.pack(frame.number, frame.marks & STREAM, len(frame.target)) + frame.target + octets


def _unpack_call(call: bytes) -> Frame:
    number, marks, length = _HEAD.unpack_from(call)
    middle = _HEAD.size + length
    return Frame(CALL, marks, number, 0.0, call[_HEAD.size:middle], call[middle:])


class TaskActor:
    """An actor, as the hook `dirty_worker_init` knows it: `apps` are its instances by path.

    `about`, encoded: `apps`, the paths to be loaded, and what `prepare` and `_configuration` read.
    """

    def __init__(self, about: bytes) -> None:
        self.pid = os.getpid()
        self.ppid = os.getppid()
        self.age = 0
        self.apps: dict[str, Value] = {}
        self.app_paths: list[str] = []
        self.booted = False
        self.alive = True
        self.aborted = False
        self.socket_path = ""
        self._loop = LoopThread()
        self._jobs: dict[int, Job] = {}
        # Calls that are cancelled and have not been seen yet: what is said about calls may overtake them.
        self._cancelled: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = 0
        self._named = threading.local()
        self._problem = ""
        # Where calls do not go through Ray.
        self._serving: Serving | None = None
        try:
            self._begin(_dict(decode(about)))
        except BaseException as error:  # noqa: BLE001  # the boundary around the application
            self._problem = _problem_of(error)

    def _begin(self, about: dict[str, Value]) -> None:
        prepare(about)
        self.cfg = _configuration(about)
        self.log: Log = self.cfg.logger_class(self.cfg)
        self.age = about["age"]
        self.socket_path = os.environ.get(VARIABLE, "")
        for path in about["apps"]:
            app = self.apps[path] = load_dirty_app(path)
            app.init()
        self.app_paths = list(self.apps)
        hook = _hook(about["hook"])
        if hook is not None:
            hook(self)
        self.booted = True

    # What the pool asks for.

    def ready(self) -> bytes:
        """Where this is; or why it is nowhere."""
        import ray

        context = ray.get_runtime_context()
        return encode({
            "problem": self._problem, "pid": self.pid, "node": context.get_node_id(), "actor": context.get_actor_id(),
        })

    def run(self, call: bytes) -> bytes:
        """One call; the kind of its answer, and the answer."""
        job = self._take(call)
        return self._last(job, *calls.answer(job, self.apps, self._loop))

    def stream(self, call: bytes) -> Iterator[bytes]:
        """One call, an item after the other, as its answers are taken."""
        job = self._take(call)
        last, rest = END, b""
        for kind, answer in calls.answers(job, self.apps, self._loop):
            if kind == ITEM:
                yield bytes([kind]) + answer
            else:
                last, rest = kind, answer
        yield self._last(job, last, rest)

    def cancel(self, number: int) -> None:
        """Nobody waits for a call any more."""
        with self._lock:
            job = self._jobs.get(number)
            if job is None:
                self._cancelled[number] = None
                while len(self._cancelled) > _MOST_CANCELLED:
                    self._cancelled.popitem(last=False)
        if job is not None:
            job.cancel()

    # Where the pool is to be reached.

    def meet(self, path: str, max_calls: int) -> bool:
        """Take the sockets that calls come by from whoever listens at `path`; False: it is not to be reached."""
        try:
            with socket.socket(socket.AF_UNIX) as meeting:
                meeting.settimeout(_MEETING_SECONDS)
                meeting.connect(path)
                _, fds, _, _ = socket.recv_fds(meeting, 1, 2)
        except OSError:
            return False
        return self._serve(fds, max_calls)

    def come(self, door: str, number: int, max_calls: int) -> bool:
        """Come to the door of the server as the place of that number; False: it is not to be reached."""
        fds: list[int] = []
        try:
            for role in (CALLS, CONTROLS):
                sock = connected(way_to(door, role, number), _DOOR_SECONDS)
                sock.settimeout(None)
                fds.append(sock.detach())
        except OSError:
            # What is there is closed.
            pass
        return self._serve(fds, max_calls)

    def _serve(self, fds: list[int], max_calls: int) -> bool:
        if len(fds) != 2:
            for fd in fds:
                os.close(fd)
            return False
        channel, control = (Socket(fileno=fd) for fd in fds)
        self._serving = Serving(channel, control, self.apps, max_calls, lambda: None)
        return True

    def work(self, number: int) -> None:
        """Run the calls that come there, to the end of the pool; as many of these run as calls at once."""
        assert self._serving is not None
        self._serving.work(f"dirty-worker-{self.pid}-_{number}")

    def hear(self) -> None:
        """Take what is said there about calls, and close the applications when none is left and none comes."""
        assert self._serving is not None
        if self._serving.hear():
            self.close()

    # About it.

    def pulse(self) -> int:
        """That this lives, and how many bytes of memory it has; 0: nobody knows."""
        return resources.proportional_memory(self.pid) or 0

    def stacks(self) -> str:
        """Where its threads are; empty where no call runs."""
        is_busy = self._jobs or (self._serving is not None and self._serving.is_busy)
        return of_threads() if is_busy else ""

    def close(self) -> None:
        """No call comes any more: the applications are closed."""
        self.alive = False
        for path, app in self.apps.items():
            try:
                app.close()
            except BaseException as error:  # noqa: BLE001  # the boundary around the application
                self.log.error("Exception while %s was closed\n%s", path, application_traceback(error).rstrip())

    # In here.

    def _take(self, call: bytes) -> Job:
        job = Job(_unpack_call(call), is_paced=True)
        self._name_thread()
        with self._lock:
            self._jobs[job.number] = job
            is_cancelled = job.number in self._cancelled
            self._cancelled.pop(job.number, None)
        if is_cancelled:
            job.cancel()
        return job

    def _last(self, job: Job, kind: int, answer: bytes) -> bytes:
        with self._lock:
            del self._jobs[job.number]
        if isinstance(job.error, SystemExit):
            kind |= LEAVES
        job.error = None
        return bytes([kind]) + answer

    def _name_thread(self) -> None:
        # Applications look at it.
        if not hasattr(self._named, "done"):
            self._named.done = True
            threading.current_thread().name = f"dirty-worker-{self.pid}-_{self._threads}"
            self._threads += 1


def describe(about: bytes) -> bytes:
    """What the classes of applications say of themselves: in how many processes each is, what it asks of a node, and
    whether it can be called by several threads. Runs on a node, where their modules are."""
    try:
        told = _dict(decode(about))
        prepare(told)
        return encode({"apps": {path: _described(path) for path in told["apps"]}, "problem": ""})
    except BaseException as error:  # noqa: BLE001  # the boundary around the application
        return encode({"apps": {}, "problem": _problem_of(error)})


def _described(path: str) -> list[object]:
    kind = class_at(path)
    workers = getattr(kind, "workers", None)
    if workers is not None and not (isinstance(workers, int) and workers >= 1):
        raise DirtyAppError(f"{path}: workers is a number of processes or None, not {workers!r}", app_path=path)
    options = check_options(path, getattr(kind, "ray_options", None))
    return [workers, options, bool(getattr(kind, "thread_safe", True))]


def prepare(about: dict[str, Value]) -> None:
    """Have on this node what the server has: its folder (`chdir`), its environment, its place for modules, how much may
    be sent at once, and where the pool is.

    Raises DirtyError.
    """
    if about["chdir"]:
        try:
            os.chdir(about["chdir"])
        except OSError as error:
            text = f"the folder {about['chdir']!r} (chdir) is not on this node: {error.strerror}"
            raise DirtyError(text) from None
    sys.path[:0] = [folder for folder in about["folders"] if folder not in sys.path]
    os.environ.update(about["env"])
    os.environ[VARIABLE_OF_LIMIT] = str(about["longest"])
    os.environ.pop(VARIABLE, None)
    place = _place_of_pool(about)
    if place:
        os.environ[VARIABLE] = place


def _place_of_pool(about: dict[str, Value]) -> str:
    """Where it is to be reached from here; empty: nowhere."""
    door: str = about["door"]
    if door and _node() != about["node"] and _answers(door):
        return door
    path: str = about["socket"]
    return path if os.path.exists(path) else ""


def _node() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())


def _answers(door: str) -> bool:
    way = way_to(door)
    try:
        with open_socket(way) as sock:
            sock.settimeout(_DOOR_SECONDS)
            sock.connect(way.where)
    except OSError:
        return False
    return True


def _configuration(about: dict[str, Value]) -> Config:
    """The settings, as far as they can be passed."""
    cfg = Config()
    for name, value in about["settings"].items():
        try:
            cfg.set(name, value)
        except Exception:  # noqa: BLE001  # the boundary around the user's code: a validator
            continue
    return cfg


def _hook(named: list[str] | None) -> Value:
    """A function, by the module or the configuration file (a path) that has it, and its name there."""
    if named is None:
        return None
    home, name = named
    return read_file(home)[name] if os.path.isabs(home) else getattr(import_module(home), name)


def _problem_of(error: BaseException) -> str:
    if isinstance(error, DirtyError):
        return error.message
    return application_traceback(error).rstrip()


def _dict(value: object) -> dict[str, Value]:
    assert isinstance(value, dict)
    return value
