"""Exceptions that cross the borders between the rooms of the server."""

from __future__ import annotations


class HaltServer(BaseException):
    """Ends the whole server with ``exit_status``.

    Derives from BaseException: a boundary that catches what an application or a hook throws must let it
    through.
    """

    def __init__(self, reason: str, exit_status: int = 1) -> None:
        super().__init__(reason, exit_status)
        self.reason = reason
        self.exit_status = exit_status

    def __str__(self) -> str:
        return f"<HaltServer {self.reason!r} {self.exit_status}>"


class ConfigError(Exception):
    """A setting, a configuration file or a command line is wrong.

    ``str()`` is one line meant for a person.
    """


class AppImportError(Exception):
    """What was named as the application is not there, or is not something that can be served."""


class AppModuleNotFoundError(AppImportError, ModuleNotFoundError):
    """The module that was named as the application does not exist.

    Also a ModuleNotFoundError, because that is what callers of ``util.import_app`` have always had to catch.
    """
