"""What there is to know of a master, for its parts: the new process of a worker, a reload, an upgrade."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from gunicorn.instrument.stacks import StackFile
from gunicorn.unix.pidfile import Pidfile
from gunicorn.unix.sockets import BaseSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MasterState"]


class MasterState:
    """The state of a master; `Arbiter` is one, and acts on it.

    Class attributes by the names that hooks and subclasses of third parties know; a master has its own of each.
    """

    WORKER_BOOT_ERROR = 3
    APP_LOAD_ERROR = 4

    START_CTX: dict[Any, Any] = {}
    LISTENERS: list[BaseSocket] = []
    WORKERS: dict[int, Any] = {}
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
    app: Any
    cfg: Any
    log: Any = None
    worker_class: Any
    address: Any
    timeout: int
    proc_name: str

    pid: int
    pidfile: Pidfile | None = None
    # Whether the listeners are systemd's.
    systemd = False
    stacks: StackFile
    # The processes of an upgrade: the successor of this master, and the one that it is the successor of; 0: none.
    reexec_pid = 0
    master_pid = 0
    master_name = "Master"

    @property
    def num_workers(self) -> int | None:
        """Wanted number of workers."""
        raise NotImplementedError

    @num_workers.setter
    def num_workers(self, value: int) -> None:
        raise NotImplementedError

    def setup(self, app: Any) -> None:
        """Take over the configuration of ``app``."""
        raise NotImplementedError

    def write_pidfile(self, path: str) -> Pidfile:
        """Write a PID file for this master. Raises ConfigError."""
        raise NotImplementedError

    def close_what_is_its_own(self, used: Iterable[Any]) -> None:
        """In a child: close this process's descriptors but for the listeners that it uses."""
        raise NotImplementedError
