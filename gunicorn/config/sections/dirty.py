"""The pool of task processes beside the workers."""

from __future__ import annotations

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_dict, validate_list_string
from gunicorn.config.validators.resources import validate_callable
from gunicorn.config.validators.scalars import (
    validate_bool,
    validate_dirty_backend,
    validate_dirty_reload,
    validate_memory,
    validate_message_size,
    validate_pos_int,
    validate_ray_address,
    validate_ray_pool,
    validate_size,
)

SECTION = "Dirty Arbiters"
HOOKS = "Dirty Arbiter Hooks"


class DirtyApps(Setting):
    name = "dirty_apps"
    section = SECTION
    default = []
    validator = validate_list_string
    cli = ["--dirty-app"]
    action = "append"
    meta = "STRING"
    desc = """\
        A task application, `MODULE:CLASS` or `MODULE:CLASS:WORKERS`; may be given several times.
        """


class DirtyWorkers(Setting):
    name = "dirty_workers"
    section = SECTION
    default = 0
    validator = validate_pos_int
    type = int
    cli = ["--dirty-workers"]
    meta = "INT"
    desc = """\
        The number of task processes; 0 means none. There are none either without `dirty_apps`.
        """


class DirtyTimeout(Setting):
    name = "dirty_timeout"
    section = SECTION
    default = 300
    validator = validate_pos_int
    type = int
    cli = ["--dirty-timeout"]
    meta = "INT"
    desc = """\
        How many seconds one task may take, and a task that gives items from one to the next; 0 means as long as it
        will. The caller of one that takes longer gets an error, and the process is replaced.
        """


class DirtyThreads(Setting):
    name = "dirty_threads"
    section = SECTION
    default = 1
    validator = validate_pos_int
    type = int
    cli = ["--dirty-threads"]
    meta = "INT"
    desc = """\
        How many tasks a process runs at the same time, each in a thread.
        """


class DirtyGracefulTimeout(Setting):
    name = "dirty_graceful_timeout"
    section = SECTION
    default = 30
    validator = validate_pos_int
    type = int
    cli = ["--dirty-graceful-timeout"]
    meta = "INT"
    desc = """\
        How many seconds a task process that was told to stop has to finish the tasks that run.
        """


class DirtyQueue(Setting):
    name = "dirty_queue"
    section = SECTION
    default = 1000
    validator = validate_pos_int
    type = int
    cli = ["--dirty-queue"]
    meta = "INT"
    desc = """\
        How many calls of one task application may wait for a process; the caller of one more gets an error at once.
        """


class DirtyMaxMessage(Setting):
    name = "dirty_max_message"
    section = SECTION
    default = 64 * 1024 * 1024
    validator = validate_message_size
    cli = ["--dirty-max-message"]
    meta = "BYTES"
    desc = """\
        How large what is passed to a task, or comes back from it, may be at once, such as `256M`: from 1K to 1G.
        """


class DirtyStashMemory(Setting):
    name = "dirty_stash_memory"
    section = SECTION
    default = 64 * 1024 * 1024
    validator = validate_size
    cli = ["--dirty-stash-memory"]
    meta = "BYTES"
    desc = """\
        How much the stash may hold, keys and all; what does not fit is refused, and what is there stays.
        """


class DirtyReload(Setting):
    name = "dirty_reload"
    section = SECTION
    default = "overlap"
    validator = validate_dirty_reload
    cli = ["--dirty-reload"]
    meta = "STRATEGY"
    desc = """\
        How SIGHUP exchanges the task processes: `overlap` or `replace`.

        With `overlap` new ones are started beside the old ones, which go when all of the new ones are ready; when one
        of these cannot start, the old ones stay. With `replace` there need be no memory for both: an old one goes
        before the new one in its place is started, one at a time, and calls wait meanwhile. When a new one cannot
        start, the old ones that are left stay.
        """


class DirtyPreload(Setting):
    name = "dirty_preload"
    section = SECTION
    default = False
    validator = validate_bool
    action = "store_true"
    cli = ["--dirty-preload"]
    desc = """\
        Import the modules of the task applications once, before the processes are forked, so that these share the
        memory of what is loaded by importing them. A reload keeps what is imported: restart the server for new code.
        """


class DirtyMaxCalls(Setting):
    name = "dirty_max_calls"
    section = SECTION
    default = 0
    validator = validate_pos_int
    type = int
    cli = ["--dirty-max-calls"]
    meta = "INT"
    desc = """\
        After how many calls a task process is replaced; 0 means never. The replacement is started first.
        """


class DirtyMaxMemory(Setting):
    name = "dirty_max_memory"
    section = SECTION
    default = 0
    validator = validate_memory
    cli = ["--dirty-max-memory"]
    meta = "BYTES"
    desc = """\
        How much memory a task process may have before it is replaced, such as `2G`; 0 means no limit. It is measured as
        `max_worker_memory` is, and the replacement is started first.
        """


class DirtyBackend(Setting):
    name = "dirty_backend"
    section = SECTION
    default = "local"
    validator = validate_dirty_backend
    cli = ["--dirty-backend"]
    meta = "STRING"
    desc = """\
        Where tasks run: in processes of this machine (`local`), or in actors of a Ray cluster (`ray`).

        See [Ray](ray.md). Ray is installed by `pip install 'gunicorn[ray]'`.
        """


class DirtyRayAddress(Setting):
    name = "dirty_ray_address"
    section = SECTION
    default = "auto"
    validator = validate_ray_address
    cli = ["--dirty-ray-address"]
    meta = "ADDRESS"
    desc = """\
        The Ray cluster that tasks run in, as `HOST:PORT`; `auto` is the one that this machine is a node of.

        A cluster is never started. With `auto`, Ray looks at the variable `RAY_ADDRESS` first.
        """


class DirtyRayEnv(Setting):
    name = "dirty_ray_env"
    section = SECTION
    default = {}
    validator = validate_dict
    desc = """\
        What Ray is to make ready for the actors on each node, its `runtime_env`; handed on as it is.
        """


class DirtyRayPool(Setting):
    name = "dirty_ray_pool"
    section = SECTION
    default = "own"
    validator = validate_ray_pool
    cli = ["--dirty-ray-pool"]
    meta = "STRING"
    desc = """\
        Whether this server has actors of its own (`own`), or has them together with the other servers that say the same
        name (`shared:NAME`).

        One of them leads: its `dirty_apps`, `dirty_workers` and limits are those of all, and the stash is there. When
        it ends another one takes its place.
        """


class DirtyRayDirect(Setting):
    name = "dirty_ray_direct"
    section = SECTION
    default = True
    validator = validate_bool
    cli = ["--no-dirty-ray-direct"]
    action = "store_false"
    desc = """\
        Whether actors on other nodes take their calls by connections to the server, and use the stash by them.

        The server listens at a port of its node's address in the cluster, one that is free, for connections that begin
        with a secret, which actors are told through Ray. What is said there is not encrypted: where Ray uses TLS
        (`RAY_USE_TLS`) there is no such port. Without it, and where a node cannot reach it, calls go through Ray, which
        takes several times as long, and there is no stash.
        """


class OnDirtyStarting(Setting):
    name = "on_dirty_starting"
    section = HOOKS
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in the process that leads the task processes, before it starts any: `(arbiter)`.
        """

    @staticmethod
    def default(arbiter: object) -> None:
        """Do nothing."""


class DirtyPostFork(Setting):
    name = "dirty_post_fork"
    section = HOOKS
    validator = validate_callable(2)
    type = callable
    desc = """\
        Called in the process that leads the task processes, after it has forked one: `(arbiter, worker)`.
        """

    @staticmethod
    def default(arbiter: object, worker: object) -> None:
        """Do nothing."""


class DirtyWorkerInit(Setting):
    name = "dirty_worker_init"
    section = HOOKS
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in a task process after its applications were loaded: `(worker)`.
        """

    @staticmethod
    def default(worker: object) -> None:
        """Do nothing."""


class DirtyWorkerExit(Setting):
    name = "dirty_worker_exit"
    section = HOOKS
    validator = validate_callable(2)
    type = callable
    desc = """\
        Called in the process that leads the task processes when one of them has ended, in whatever way:
        `(arbiter, worker)`.
        """

    @staticmethod
    def default(arbiter: object, worker: object) -> None:
        """Do nothing."""
