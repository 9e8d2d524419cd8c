"""Functions of the configuration file that the server calls."""

from __future__ import annotations

from collections.abc import Callable

from gunicorn.config.setting import Setting
from gunicorn.config.validators.resources import validate_callable, validate_post_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext

SECTION = "Server Hooks"


class OnStarting(Setting):
    name = "on_starting"
    section = SECTION
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in the master before anything is set up: `(server)`.
        """

    @staticmethod
    def default(server: object) -> None:
        """Do nothing."""


class OnReload(Setting):
    name = "on_reload"
    section = SECTION
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in the master when SIGHUP makes new workers: `(server)`.
        """

    @staticmethod
    def default(server: object) -> None:
        """Do nothing."""


class WhenReady(Setting):
    name = "when_ready"
    section = SECTION
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in the master when it listens, before the first worker: `(server)`.
        """

    @staticmethod
    def default(server: object) -> None:
        """Do nothing."""


class Prefork(Setting):
    name = "pre_fork"
    section = SECTION
    validator = validate_callable(2)
    type = callable
    desc = """\
        Called in the master before a worker is forked: `(server, worker)`.
        """

    @staticmethod
    def default(server: object, worker: object) -> None:
        """Do nothing."""


class Postfork(Setting):
    name = "post_fork"
    section = SECTION
    validator = validate_callable(2)
    type = callable
    desc = """\
        Called in a worker after it was forked: `(server, worker)`.
        """

    @staticmethod
    def default(server: object, worker: object) -> None:
        """Do nothing."""


class PostWorkerInit(Setting):
    name = "post_worker_init"
    section = SECTION
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in a worker that has loaded the application: `(worker)`.
        """

    @staticmethod
    def default(worker: object) -> None:
        """Do nothing."""


class WarmUp(Setting):
    name = "warm_up"
    section = SECTION
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in a worker that has loaded the application, as the last thing before it serves: `(worker)`.

        The worker counts as ready when it returns; what it raises is a failed boot, so a reload by SIGHUP keeps the
        old workers. `worker.wsgi` is the application: fill caches here, open pools, call it once.
        """

    @staticmethod
    def default(worker: object) -> None:
        """Do nothing."""


class WorkerInt(Setting):
    name = "worker_int"
    section = SECTION
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in a worker that received SIGINT or SIGQUIT: `(worker)`.
        """

    @staticmethod
    def default(worker: object) -> None:
        """Do nothing."""


class WorkerAbort(Setting):
    name = "worker_abort"
    section = SECTION
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called in a worker that received SIGABRT, which is how `timeout` ends it: `(worker)`.
        """

    @staticmethod
    def default(worker: object) -> None:
        """Do nothing."""


class PreExec(Setting):
    name = "pre_exec"
    section = SECTION
    validator = validate_callable(1)
    type = callable
    desc = """\
        Called before a new master is executed (SIGUSR2): `(server)`.
        """

    @staticmethod
    def default(server: object) -> None:
        """Do nothing."""


class PreRequest(Setting):
    name = "pre_request"
    section = SECTION
    validator = validate_callable(2)
    type = callable
    desc = """\
        Called in a worker before it gives a request to the application: `(worker, req)`.
        """

    @staticmethod
    def default(worker: object, req: object) -> None:
        """Do nothing."""


class PostRequest(Setting):
    name = "post_request"
    section = SECTION
    validator = validate_post_request
    type = callable
    desc = """\
        Called in a worker after a request: `(worker, req, environ, resp)`.

        Functions without the last or the last two parameters are accepted as well.
        """

    @staticmethod
    def default(worker: object, req: object, environ: object, resp: object) -> None:
        """Do nothing."""


class ChildExit(Setting):
    name = "child_exit"
    section = SECTION
    validator = validate_callable(2)
    type = callable
    desc = """\
        Called in the master when a worker has ended: `(server, worker)`.
        """

    @staticmethod
    def default(server: object, worker: object) -> None:
        """Do nothing."""


class WorkerExit(Setting):
    name = "worker_exit"
    section = SECTION
    validator = validate_callable(2)
    type = callable
    desc = """\
        Called in a worker before it ends: `(server, worker)`.
        """

    @staticmethod
    def default(server: object, worker: object) -> None:
        """Do nothing."""


class NumWorkersChanged(Setting):
    name = "nworkers_changed"
    section = SECTION
    validator = validate_callable(3)
    type = callable
    desc = """\
        Called in the master when the number of workers is changed: `(server, new_value, old_value)`.

        The first time, `old_value` is None.
        """

    @staticmethod
    def default(server: object, new_value: object, old_value: object) -> None:
        """Do nothing."""


class OnExit(Setting):
    name = "on_exit"
    section = SECTION
    validator = validate_callable(1)
    desc = """\
        Called in the master before it ends: `(server)`.
        """

    @staticmethod
    def default(server: object) -> None:
        """Do nothing."""


class NewSSLContext(Setting):
    name = "ssl_context"
    section = SECTION
    validator = validate_callable(2)
    type = callable
    desc = """\
        Called to make the `ssl.SSLContext`: `(config, default_ssl_context_factory)`.

        It returns the context; calling the second argument makes the one that would be used otherwise.
        """

    @staticmethod
    def default(config: object, default_ssl_context_factory: Callable[[], SSLContext]) -> SSLContext:
        """Make the context that the settings describe."""
        return default_ssl_context_factory()
