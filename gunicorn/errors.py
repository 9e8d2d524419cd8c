"""Exceptions that cross the borders between the rooms of the server."""

from __future__ import annotations


class OwnSignal(BaseException):
    """What the server raises to itself, through whatever runs: to end a worker, a request, or the server.

    A boundary around an application or a hook catches every other BaseException, `sys.exit()` in a view too, and lets
    these through.
    """


class WorkerExit(OwnSignal, SystemExit):
    """A worker leaves with this status, since it was told to, or since its start has failed and the log says why."""


class AnotherWorkerType(OwnSignal):
    """A worker has loaded an application that the worker type `alias` serves, and its own type does not."""

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.alias = alias


class HaltServer(OwnSignal):
    """Ends the whole server with `exit_status`."""

    def __init__(self, reason: str, exit_status: int = 1) -> None:
        super().__init__(reason, exit_status)
        self.reason = reason
        self.exit_status = exit_status

    def __str__(self) -> str:
        return f"<HaltServer {self.reason!r} {self.exit_status}>"


class ConfigError(Exception):
    """A setting, a configuration file or a command line is wrong.

    `str()` is one line meant for a person.
    """


class AppImportError(Exception):
    """What was named as the application is not there, or is not something that can be served."""


class AppExitError(AppImportError):
    """The application called `sys.exit()` while it was loaded."""


class AppModuleNotFoundError(AppImportError, ModuleNotFoundError):
    """The module that was named as the application does not exist.

    Also a ModuleNotFoundError, because that is what callers of `util.import_app` have always had to catch.
    """
