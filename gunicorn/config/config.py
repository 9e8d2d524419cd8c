"""A configuration: where its values come from, and what they load."""

from __future__ import annotations

import os
import sys

from gunicorn._standard import standard_first
from gunicorn.errors import ConfigError
from gunicorn.loading.names import is_ours, load_class

from .checks import check_combinations, complaint
from .setting import make_settings
from .sources import apply_default_variables
from .values import SettingValues

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any


class Config(SettingValues):
    """A configuration. Raises ConfigError when an environment variable that replaces a default has a wrong value."""

    if TYPE_CHECKING:
        # By the options of a bind: what `tls.entrance.prepare` has made of them, which nobody knows here.
        terminators: dict[tuple[tuple[str, str], ...], Any]

    def __init__(self, usage: str | None = None, prog: str | None = None) -> None:
        put = self.__dict__
        put["settings"] = make_settings()
        put["sources"] = {}
        put["usage"] = usage
        put["prog"] = prog or os.path.basename(sys.argv[0])
        put["env_orig"] = os.environ.copy()
        apply_default_variables(self, os.environ)

    def get_cmd_args_from_env(self) -> list[str]:
        """Return the words of `GUNICORN_CMD_ARGS`, split as by a shell.

        Raises ValueError on an open quote.
        """
        text = self.env_orig.get("GUNICORN_CMD_ARGS", "")
        if not text:
            return []
        import shlex

        return shlex.split(text)

    def parser(self) -> ArgumentParser:
        """Return a parser for the command line of all settings that have flags."""
        # Not at the top: argparse is heavy, and whoever serves without a command line needs none of it.
        from .parser import make_parser

        return make_parser(self)

    def validate(self) -> None:
        """Check settings against each other. Raises ConfigError."""
        check_combinations(self)

    @property
    def worker_class(self) -> type:
        """The worker class itself. Raises RuntimeError when it cannot be loaded."""

        uri = self._value("worker_class")
        found = load_class(self.worker_class_str if isinstance(uri, str) else uri)
        worker_class = self._of_kind("worker_class", found, ("init_process",), "gunicorn.workers.base.Worker")
        if hasattr(worker_class, "setup"):
            with standard_first(is_ours(worker_class.__module__)):
                worker_class.setup()
        return worker_class

    @property
    def logger_class(self) -> type:
        """The logger class itself. Raises RuntimeError when it cannot be loaded."""

        uri = self._value("logger_class")
        if uri == "simple":
            uri = "gunicorn.glogging.Logger"
        if uri == "gunicorn.glogging.Logger" and self.statsd_host is not None:
            uri = "gunicorn.instrument.statsd.Statsd"
        found = load_class(uri, default="gunicorn.glogging.Logger", section="gunicorn.loggers")
        logger_class = self._of_kind("logger_class", found, ("info", "error", "access"), "gunicorn.glogging.Logger")
        if hasattr(logger_class, "install"):
            logger_class.install()
        return logger_class

    def _of_kind(self, name: str, found: object, methods: tuple[str, ...], base: str) -> type:
        """Return what a setting names. Raises ConfigError when it lacks the methods that make a class of that kind."""
        if isinstance(found, type) and all(callable(getattr(found, method, None)) for method in methods):
            return found

        what = "class" if isinstance(found, type) else type(found).__name__
        raise ConfigError(complaint(self, name, f"this {what} is not derived from {base}"))
