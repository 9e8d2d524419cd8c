"""USR2: a new master, from the files of now, takes over the listeners of the old one.

Both serve until the old one is told to leave. What the new one must know is in its environment: GUNICORN_PID
(whose child it is) and GUNICORN_FD (the listeners), or LISTEN_PID and LISTEN_FDS where the listeners are
systemd's.
"""

from __future__ import annotations

import os
import signal
import sys

from gunicorn.unix import forks, listening, systemd
from gunicorn.unix.process import getcwd, set_process_title
from gunicorn.unix.sockets import BaseSocket

from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn.config.config import Config

__all__ = ["inherit", "inherited_listeners", "promote", "start_context", "start_successor"]


def start_context(cfg: Config) -> dict[str | int, Any]:
    """How to start this very server again: `args`, `cwd`, and under 0 the program."""
    # The folder of the start, before --chdir: relative paths in the arguments mean that one.
    chdir = getattr(cfg, "settings", {}).get("chdir")
    cwd = chdir.default if chdir is not None else getcwd()
    # orig_argv keeps "-m gunicorn" and the interpreter's own options, which argv has lost.
    return {"args": [sys.executable, *sys.orig_argv[1:]], "cwd": cwd, 0: sys.executable}


# The old master.


def start_successor(master: MasterState) -> None:
    """Fork, and become the new master in the child. Sets `reexec_pid`."""
    if master.reexec_pid or master.master_pid:
        other = "Child" if master.reexec_pid else "Parent"
        master.log.warning("USR2 signal received. %s exists.", other)
        return
    old_pid = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, master.SIGNALS)
    try:
        pid = forks.fork()
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
        master.log.error("Cannot start the new master: %s", error)
        return
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
        master.reexec_pid = pid
        return
    # Nothing may come back from here: this process still looks like the old master.
    try:
        _become_successor(master, old_pid)
    except BaseException:  # the boundary around a child
        # The hook pre_exec failed, or there is no such program any more.
        master.log.exception("Cannot start the new master")
    finally:
        os._exit(1)


def _become_successor(master: MasterState, old_pid: int) -> None:
    signal.set_wakeup_fd(-1)
    master.cfg.pre_exec(master)
    environ = _environ(master, old_pid)
    for listener in master.LISTENERS:
        os.set_inheritable(listener.fileno(), True)
    master.faces.let_inherit()
    os.chdir(master.START_CTX["cwd"])
    # exec resets the handlers, not the mask.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
    os.execvpe(master.START_CTX[0], master.START_CTX["args"], environ)


def _environ(master: MasterState, old_pid: int) -> dict[str, str]:
    """The environment as it was before `raw_env`, and what the new master must know."""
    environ = dict(os.environ)
    for name in master.cfg.env or {}:
        environ.pop(name, None)
    environ.update(master.cfg.env_orig)
    environ["GUNICORN_PID"] = str(old_pid)
    if environ.get("WATCHDOG_PID") == str(old_pid):
        # An exec keeps the number of the process.
        environ["WATCHDOG_PID"] = str(os.getpid())
    environ.update(master.faces.handed)
    if master.systemd:
        environ["LISTEN_PID"] = str(os.getpid())
        environ["LISTEN_FDS"] = str(len(master.LISTENERS))
    else:
        environ["GUNICORN_FD"] = ",".join(str(listener.fileno()) for listener in master.LISTENERS)
    return environ


# The new master.


def inherit(master: MasterState) -> None:
    """Notice that another master started this one."""
    pid = os.environ.get("GUNICORN_PID", "")
    if not pid.isdecimal():
        # Some give the path of their PID file by that name.
        return
    master.master_pid = int(pid)
    master.proc_name += ".2"
    master.master_name = "Master.2"


def watch_parent(master: MasterState) -> int:
    """A descriptor that becomes readable when the old master ends; -1 where the system has none."""
    if not master.master_pid or not hasattr(os, "pidfd_open"):
        return -1
    try:
        return os.pidfd_open(master.master_pid)
    except OSError:
        return -1


def inherited_listeners(master: MasterState) -> list[BaseSocket]:
    """Listeners that systemd or the old master handed over; empty when this one has to bind."""
    count = systemd.listen_fds()
    if count:
        master.systemd = True
        first = systemd.SD_LISTEN_FDS_START
        return listening.create_sockets(master.cfg, master.log, range(first, first + count))
    if not master.master_pid or "GUNICORN_FD" not in os.environ:
        return []
    fds = [int(fd) for fd in os.environ.pop("GUNICORN_FD").split(",")]
    listeners = listening.create_sockets(master.cfg, master.log, fds, borrowed=False)
    for listener, setting in zip(listeners, master.cfg.address, strict=False):
        listener.setting = setting
        listener.borrowed = isinstance(setting, int)
    return listeners


def promote(master: MasterState) -> None:
    """The old master is gone: take its name and its PID file."""
    master.master_name = "Master"
    master.master_pid = 0
    master.proc_name = master.cfg.proc_name
    os.environ.pop("GUNICORN_PID", None)
    if master.pidfile is not None and master.cfg.pidfile is not None:
        try:
            master.pidfile.rename(master.cfg.pidfile)
        except (OSError, RuntimeError) as error:
            master.log.error("The PID file stays %s: %s", master.pidfile.fname, error)
    set_process_title(f"master [{master.proc_name}]")
    master.log.info("Master has been promoted.")
