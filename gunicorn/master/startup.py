"""What a master does once, before it has workers: it loads, checks, and tells what it is about to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from gunicorn import SERVER_SOFTWARE, _build
from gunicorn.config.checks import check_there_is_one, complaint, http2_notices, pending_notices
from gunicorn.errors import AppImportError, ConfigError
from gunicorn.loading.garbage import set_apart
from gunicorn.loading.tracebacks import boot_traceback
from gunicorn.unix import systemd
from gunicorn.unix.pidfile import Pidfile
from gunicorn.unix.sockets import BaseSocket
from gunicorn.unix.trial import try_address

from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVarTuple

    from gunicorn._types import Log
    from gunicorn.config.config import Config

    from .state import ServedApplication

    Ts = TypeVarTuple("Ts")

__all__ = [
    "announce", "announce_listeners", "check_worker_class", "log_settings", "new_pidfile", "preload", "rehearse",
    "share",
]


def log_settings(cfg: Config, log: Log) -> None:
    """The whole configuration, for who debugs."""
    settings = getattr(cfg, "settings", {})
    lines = [f"  {name}: {cfg.shown(name)}" for name in sorted(settings)]
    log.debug("Current configuration:\n%s", "\n".join(lines))


def preload(app: ServedApplication) -> None:
    """Load the application in this process, for all workers. Raises ConfigError, having shown the application's own
    traceback."""
    try:
        app.wsgi()
    except AppImportError as error:
        raise ConfigError(str(error)) from error
    except Exception as error:  # the boundary around the application
        sys.stderr.write(boot_traceback(error))
        raise ConfigError(f"the application failed to load: {type(error).__name__}") from error


def share(cfg: Config) -> None:
    """What there is now is the workers' as well: keep it so."""
    if cfg.gc_freeze:
        # Of its own a master has little garbage, and collecting would make the start longer.
        set_apart(after_collecting=cfg.preload_app)


def announce(cfg: Config, log: Log) -> None:
    """Which program starts, and what of its configuration has no effect."""
    log.info("Starting %s", SERVER_SOFTWARE.replace("/", " "))
    log.info("Build: %s", _build.told())
    serves_http2 = bool(getattr(cfg.worker_class, "honours_bind_options", False))
    for notice in (*pending_notices(cfg), *http2_notices(cfg, serves_http2)):
        log.warning("%s", notice)


def announce_listeners(master: MasterState) -> None:
    """Where it listens, and which workers will serve there."""
    cfg, log = master.cfg, master.log
    log.info("Listening at: %s (%s)", _names(master.LISTENERS), master.pid)
    if cfg.errorlog == "-" and cfg.log_format == "text" and os.isatty(2):
        # For a person who has just typed the command. A service knows where it is.
        from .openings import openings

        for line in openings(master.LISTENERS):
            log.info("%s", line)
    for place, target in cfg.mount.items():
        log.info("Mounted at %s: %s", place, target)
    log.info("Using worker: %s", cfg.worker_class_str)
    if cfg.settings["workers"].get() == "auto":
        log.info("Using workers: %s (auto)", master.num_workers)


def check_worker_class(master: MasterState) -> None:
    """Let the worker type look at the configuration. Raises what it raises."""
    check_config = getattr(master.worker_class, "check_config", None)
    if check_config is not None:
        check_config(master.cfg, master.log)


def rehearse(master: MasterState) -> None:
    """Try what a start would do, and leave no trace. Raises ConfigError, and SystemExit after a line in the log."""
    cfg = master.cfg
    if cfg.pidfile is not None:
        _with_pidfile(cfg, Pidfile(cfg.pidfile).check)
    if not systemd.listen_fds(unset_environment=False):
        check_there_is_one(cfg, cfg.address)
        for address in cfg.address:
            try_address(address, cfg, master.log)
    master.faces.try_it()
    master.pool.try_it()
    check_worker_class(master)


def new_pidfile(path: str, pid: int, cfg: Config) -> Pidfile:
    """Write a PID file for the process `pid`. Raises ConfigError."""
    pidfile = Pidfile(path, cfg.umask)
    _with_pidfile(cfg, pidfile.create, pid)
    return pidfile


def _with_pidfile(cfg: Config, step: Callable[[*Ts], object], *args: *Ts) -> None:
    try:
        step(*args)
    except (OSError, RuntimeError) as error:
        raise ConfigError(complaint(cfg, "pidfile", getattr(error, "strerror", None) or str(error))) from error


def _names(listeners: Iterable[BaseSocket]) -> str:
    return ",".join(str(listener) for listener in listeners)
