"""What `--check-config` does: a start, up to what others would notice.

The steps are those of the master and of a worker, run for real: worker and logger class, logging, TLS, preload, PID
file, addresses, rights, application. What a step leaves behind is taken back, and nothing is told to anybody: no hook
is called but those that make something (`nworkers_changed`, `ssl_context`), nobody listens, no signal is handled.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gunicorn._standard import standard_first
from gunicorn.errors import ConfigError
from gunicorn.loading.tracebacks import without_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config
    from gunicorn.master.state import ServedApplication

__all__ = ["rehearse"]


def rehearse(app: ServedApplication) -> None:
    """Go through a start of `app`. Raises ConfigError, SystemExit, and what the application raises.

    Does not return in the parent when the workers are to be somebody else: the rest is done by a child that becomes
    them, and its exit status is passed on.
    """
    cfg = app.cfg
    try:
        _rehearse_master(app, cfg)
    except RuntimeError as error:
        raise ConfigError(str(error)) from error
    _become_worker(cfg)
    os.environ.update(cfg.env)
    found = without_exit(app.wsgi, "the application", "while it was imported")
    check = getattr(cfg.worker_class, "check_application", None)
    if check is not None:
        check(cfg, found)


def _rehearse_master(app: ServedApplication, cfg: Config) -> None:
    # First of all: some worker types patch the standard library, and what is imported before stays unpatched.
    _ = cfg.worker_class
    with standard_first():
        from gunicorn.master.arbiter import Arbiter

    with _log_files_left_alone(cfg), _own_output():
        Arbiter(app).rehearse()


@contextmanager
def _log_files_left_alone(cfg: Config) -> Iterator[None]:
    """A log file that was not there is not there afterwards: it would belong to whoever checks."""
    paths = [path for path in (cfg.errorlog, cfg.accesslog) if path and path != "-" and not os.path.exists(path)]
    try:
        yield
    finally:
        for path in paths:
            if os.path.isfile(path) and not os.path.getsize(path):
                os.unlink(path)


@contextmanager
def _own_output() -> Iterator[None]:
    """What is found goes to whoever asked, not into the log that `capture_output` names."""
    kept = {fd: os.dup(fd) for fd in (1, 2)}
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for fd, copy in kept.items():
            os.dup2(copy, fd)
            os.close(copy)


def _become_worker(cfg: Config) -> None:
    """Take the rights of a worker, in a child: whoever checks keeps those it has."""
    from gunicorn.workers.base import take_identity

    if (cfg.uid, cfg.gid) == (os.geteuid(), os.getegid()):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        sys.exit(abs(os.waitstatus_to_exitcode(status)))
    take_identity(cfg)
