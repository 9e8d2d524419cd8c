"""What there is to know of a master, for its parts: executors, the new process of a worker, a reload, an upgrade."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from gunicorn.instrument.profile_file import ProfileFile
from gunicorn.instrument.stacks import StackFile
from gunicorn.unix.pidfile import Pidfile
from gunicorn.unix.sockets import BaseSocket

from .decisions import Report
from .history import History
from .supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    from gunicorn._types import Address, App, Log
    from gunicorn.config.config import Config
    from gunicorn.control.orders import TaskOrder
    from gunicorn.instrument.scoreboard import Scoreboard, Slot
    from gunicorn.instrument.task_readings import PoolReading
    from gunicorn.instrument.totals import Totals
    from gunicorn.unix.unpatched import Socket

    class ServedApplication(Protocol):
        """An application and its configuration, as a program hands them to a master."""

        cfg: Config

        def reload(self) -> None: ...
        def wsgi(self) -> App: ...

    class Heartbeat(Protocol):
        """A worker's sign of life, with its page of the scoreboard, and its way to the parking place."""

        slot: Slot
        parking: tuple[Socket, Socket] | None

        def close(self) -> None: ...

    class Books(Protocol):
        """What the master counts."""

        def worker_gone(self, page: Slot, cause: str, /) -> None: ...
        def reloaded(self, result: str, /) -> None: ...
        def sums(self, pages: Iterable[Slot], /) -> Totals: ...
        def memory(self, pids: list[int], /) -> Mapping[int, int]: ...
        @property
        def restarts(self) -> Mapping[str, int]: ...

    class Faces(Protocol):
        """Where the master itself answers."""

        @property
        def handed(self) -> dict[str, str]: ...
        def let_inherit(self) -> None: ...
        def rebind(self) -> None: ...
        def settle(self) -> None: ...
        def undo(self) -> None: ...
        def try_it(self) -> None: ...

    class ParkingPlace(Protocol):
        """Where workers leave idle connections for each other."""

        @property
        def count(self) -> int: ...
        def ends_for_worker(self) -> tuple[Socket, Socket] | None: ...
        def stop(self) -> None: ...

    class TaskPool(Protocol):
        """The process that leads task processes."""

        @property
        def pid(self) -> int: ...
        @property
        def count(self) -> int: ...
        def tell(self, number: int, /) -> None: ...
        def reload(self) -> None: ...
        def settle(self) -> None: ...
        def order(self, number: int, times: int, /) -> TaskOrder | None: ...
        def read(self) -> PoolReading | None: ...
        def try_it(self) -> None: ...

    class WorkerProcess(Protocol):
        """A worker as its master sees it, before the fork and on both sides of it."""

        pid: int | str
        sockets: list[BaseSocket]
        # Write end of the master's wake-up pipe.
        master_fd: int
        # Not told to stop yet.
        alive: bool

        @property
        def SIGNALS(self) -> Sequence[signal.Signals]: ...
        @property
        def age(self) -> int: ...
        @property
        def ppid(self) -> int: ...
        @property
        def app(self) -> ServedApplication: ...
        @property
        def timeout(self) -> float: ...
        @property
        def cfg(self) -> Config: ...
        @property
        def log(self) -> Log: ...
        @property
        def tmp(self) -> Heartbeat: ...
        @property
        def booted(self) -> bool: ...
        def init_process(self) -> None: ...
        def boot(self) -> None: ...
        def run(self) -> None: ...

    class Successor(WorkerProcess, Protocol):
        """A worker that can take the place of another one, in the process of that."""

        def take_over_from(self, other: WorkerProcess, /) -> None: ...

    # Running number, PID of the master, listeners, application, half of the timeout, configuration, log.
    WorkerClass = Callable[[int, int, list[BaseSocket], ServedApplication, float, Config, Log], WorkerProcess]

__all__ = ["MasterState"]


class MasterState:
    """The state of a master, and what its parts have it do; `Arbiter` is one, and acts on it.

    Class attributes by the names that hooks and subclasses of third parties know; a master has its own of each.
    """

    WORKER_BOOT_ERROR = 3
    APP_LOAD_ERROR = 4

    START_CTX: dict[str | int, Any] = {}
    LISTENERS: list[BaseSocket] = []
    WORKERS: dict[int, WorkerProcess] = {}
    PIPE: list[int] = []

    SIGNALS: list[signal.Signals] = [
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGTTIN,
        signal.SIGTTOU,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
        signal.SIGCHLD,
    ]
    SIG_NAMES: dict[int, str] = {number: number.name[3:].lower() for number in SIGNALS}

    # The application, its configuration, and what is taken from that.
    app: ServedApplication
    cfg: Config
    if TYPE_CHECKING:
        log: Log
    else:
        log = None
    worker_class: WorkerClass
    address: list[Address]
    timeout: int
    proc_name: str

    pid: int
    pidfile: Pidfile | None = None
    # Whether the listeners are systemd's.
    systemd = False
    stacks: StackFile
    profiles: ProfileFile
    scoreboard: Scoreboard
    history: History
    # Counts, and the listeners of metrics and control.
    measures: Books
    faces: Faces
    parking: ParkingPlace
    pool: TaskPool
    # The generation of the worker that is being started, by the supervisor's word; 0: nobody has said which.
    spawning = 0
    # The stop is under way here: that no worker is left is what is waited for.
    halting = False
    # The processes of an upgrade: the successor of this master, and the one that it is the successor of; 0: none.
    reexec_pid = 0
    master_pid = 0
    master_name = "Master"

    @property
    def supervisor(self) -> Supervisor:
        """The policy and its books."""
        raise NotImplementedError

    @property
    def has_served(self) -> bool:
        """Whether a worker has ever been ready."""
        raise NotImplementedError

    @property
    def num_workers(self) -> int | None:
        """Wanted number of workers."""
        raise NotImplementedError

    @num_workers.setter
    def num_workers(self, value: int) -> None:
        raise NotImplementedError

    def tell_supervisor(self, report: Report) -> None:
        """Have the supervisor know at its next step."""
        raise NotImplementedError

    def note_resize(self, old: int, new: int) -> None:
        """The supervisor itself has changed the wanted number of workers."""
        raise NotImplementedError

    def setup(self, app: ServedApplication) -> None:
        """Take over the configuration of `app`."""
        raise NotImplementedError

    def write_pidfile(self, path: str) -> Pidfile:
        """Write a PID file for this master. Raises ConfigError."""
        raise NotImplementedError

    def close_what_is_its_own(self, used: Iterable[BaseSocket]) -> None:
        """In a child: close this process's descriptors but for the listeners that it uses."""
        raise NotImplementedError

    def spawn_worker(self) -> int:
        """Fork one worker; PID in the master. Raises OSError."""
        raise NotImplementedError

    def kill_worker(self, pid: int, sig: int) -> None:
        """Send `sig` to one worker; that it is gone already is no error."""
        raise NotImplementedError

    def reload(self) -> None:
        """Read the configuration again and open a generation of workers."""
        raise NotImplementedError

    def reexec(self) -> None:
        """Start a new master on the same sockets."""
        raise NotImplementedError
