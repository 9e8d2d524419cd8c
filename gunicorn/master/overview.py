"""The master's part of a look at the server: what it knows, as `gunicorn.control.view` has it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from gunicorn.control.view import ListenerView, Probes, ReloadView, ServerView, WorkerView
from gunicorn.unix.sockets import BaseSocket, UnixSocket

from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .decisions import Vitals

__all__ = ["view_of"]


def view_of(master: MasterState, started_at: float, draining: bool) -> ServerView:
    """The server of now."""
    now = time.monotonic()
    books, history = master.supervisor, master.history
    pages = {pid: worker.tmp.slot for pid, worker in master.WORKERS.items()}
    members = [books.members[pid] for pid in pages if pid in books.members]
    workers = [
        WorkerView(each.pid, each.age, each.generation, each.phase, each.spawned_at, each.ready_at, pages[each.pid])
        for each in members
    ]
    return ServerView(
        now=now,
        pid=master.pid,
        started_at=started_at,
        workers=tuple(sorted(workers, key=lambda worker: worker.age)),
        target=books.target,
        counters=history.counters,
        reload=ReloadView(books.reloading, history.reloads_ended, history.reload_problem),
        events=history.events,
        listeners=tuple(_listeners(master.LISTENERS)),
        settings=master.cfg,
        not_ready=_not_ready(master, now, pages, draining),
        add_up=lambda: master.measures.sums(pages.values()),
        restarts=master.measures.restarts,
        probe=lambda: Probes(
            master.measures.memory([*pages, *_task_processes(master)]), dict(_waiting(master.LISTENERS))
        ),
        look_at_tasks=master.pool.read,
        stopping=books.leaving,
        draining=draining,
    )


def _task_processes(master: MasterState) -> list[int]:
    pool = master.pool.read()
    return [] if pool is None else pool.local_pids


def _not_ready(master: MasterState, now: float, pages: Mapping[int, Vitals], draining: bool) -> str:
    books = master.supervisor
    if books.leaving:
        # One that has a successor on the same sockets speaks for both.
        return "" if master.reexec_pid else "the server is about to stop"
    if draining:
        return "drained by a command"
    if not books.ever_ready:
        return "no worker is ready yet"
    if not books.target:
        return "no workers are wanted"
    well, wanted = books.well(now, pages), master.cfg.ready_workers
    if not well:
        return "no worker is well"
    if well < (books.target if isinstance(wanted, str) else min(wanted, books.target)):
        return f"{well} of {books.target} workers are well, ready_workers is {wanted}"
    return ""


def _listeners(sockets: Iterable[BaseSocket]) -> Iterable[ListenerView]:
    for each in sockets:
        fd = each.fileno()
        if fd >= 0:
            yield ListenerView(str(each), fd, "unix" if isinstance(each, UnixSocket) else "tcp")


def _waiting(sockets: Iterable[BaseSocket]) -> Iterable[tuple[int, int]]:
    for each in sockets:
        # With `reuse_port` the queues are those of the workers' own sockets.
        waiting = -1 if each.fileno() < 0 or each.shares_port else each.get_backlog()
        if waiting >= 0:
            yield each.fileno(), waiting
