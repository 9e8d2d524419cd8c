"""What every way to start the server has in common.

`BaseApplication` is for programs that embed the server: it knows settings and an application, and nothing of
command lines. `Application` adds files, environment and command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from gunicorn._standard import application_first, standard_first
from gunicorn.config import arguments, files, sources
from gunicorn.config.config import Config
from gunicorn.config.files import get_default_config_file
from gunicorn.config.values import FRAMEWORK
from gunicorn.errors import AppImportError, ConfigError
from gunicorn.loading.garbage import set_apart, undisturbed
from gunicorn.loading.tracebacks import application_traceback, boot_traceback, who_left, without_exit
from gunicorn.unix.process import fill_standard_streams, getcwd, keeping_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import NoReturn

    from gunicorn._types import App, Log
    from gunicorn.master.arbiter import Arbiter

# What setting a value to something it cannot be raises, in an embedding program's own load_config().
_SETTING_ERRORS = (AttributeError, RuntimeError, TypeError, ValueError)


class BaseApplication:
    """A server with its settings and its application, run from a program of one's own.

    Subclasses define `load_config()`, which calls `self.cfg.set(name, value)`, and `load()`, which returns
    the application. `run()` serves it and does not return.

    Creating one loads the configuration; where that is wrong, one line is printed and the process exits with
    1.
    """

    cfg: Config

    def __init__(self, usage: str | None = None, prog: str | None = None) -> None:
        self.usage = usage
        self.prog = prog
        self.callable: App | None = None
        self.logger: Log | None = None
        fill_standard_streams()
        self.do_load_config()

    def do_load_config(self) -> None:
        """Load the configuration, or say what is wrong and exit with 1."""
        try:
            self._load_whole_config()
        except ConfigError as error:
            _exit_with(str(error), "")
        except _SETTING_ERRORS as error:
            _exit_with(str(error), application_traceback(error))

    def _load_whole_config(self) -> None:
        self.load_default_config()
        self.load_config()
        self.cfg.validate()

    def load_default_config(self) -> None:
        """Begin with a configuration of defaults."""
        self.cfg = Config(self.usage, prog=self.prog)

    def init(self, parser: ArgumentParser, opts: Namespace, args: list[str]) -> Mapping[str, object] | None:
        """Take what the command line says to this kind of application; returned settings are applied."""
        raise NotImplementedError

    def load(self) -> App:
        """Return the application."""
        raise NotImplementedError

    def load_config(self) -> None:
        """Apply settings to `self.cfg`."""
        raise NotImplementedError

    def reload(self) -> None:
        """Load the configuration anew, as SIGHUP asks for.

        Raises ConfigError, one line, when it is wrong; the configuration in use then stays in use.
        """
        current = self.cfg
        try:
            self._load_whole_config()
        except _SETTING_ERRORS as error:
            self.cfg = current
            raise ConfigError(str(error)) from error
        except BaseException:
            self.cfg = current
            raise
        if self.cfg.spew:
            from gunicorn.loading import spew

            spew.spew()

    def wsgi(self) -> App:
        """Return the application, and all that are mounted beside it, loaded at the first call."""
        if self.callable is None:
            load = self._load_with_mounts if self.cfg.mount else self.load
            self.callable = undisturbed(
                lambda: without_exit(load, "the application", "while it was imported"), self.cfg.gc_freeze
            )
        return self.callable

    def has_application(self) -> bool:
        """Whether `load` has something to load; without it there are the mounts alone."""
        return True

    def _load_with_mounts(self) -> App:
        from gunicorn.workers.mounted import mounted

        return mounted(self.cfg, self.load if self.has_application() else None)

    def run(self) -> None:
        """Run the master. Ends the process when the server ends.

        Where it fails, a program that catches the SystemExit, or what else is raised, has its signal handlers and its
        wake-up descriptor as they were.
        """
        try:
            arbiter = undisturbed(self._load_master, self.cfg.gc_freeze)(self)
            with keeping_signals(arbiter.SIGNALS):
                arbiter.run()
        except (ConfigError, RuntimeError) as error:
            sys.stdout.flush()
            _exit_with(str(error), "")

    def _load_master(self) -> type[Arbiter]:
        """Import what serves, and return the class of the master. Raises ConfigError, RuntimeError."""
        # First of all: some worker types patch the standard library, and what is imported before stays unpatched.
        _ = self.cfg.worker_class
        with standard_first():
            from gunicorn.master.arbiter import Arbiter
        if self.cfg.gc_freeze:
            # It all stays, and the collector need not look through it while the server starts.
            set_apart(after_collecting=False)
        return Arbiter


def _exit_with(message: str, traceback: str) -> NoReturn:
    sys.stderr.write(f"{traceback}Error: {' '.join(message.split())}\n")
    sys.stderr.flush()
    sys.exit(1)


class Application(BaseApplication):
    """An application whose settings come from files, the environment and the command line as well."""

    _home: str | None = None
    _told_variables = False
    _checks = False

    def load_default_config(self) -> None:
        """Begin with a configuration of defaults, in the folder where the process was started.

        Relative paths then mean the same at every reload, whatever `chdir` says; a release that is switched
        by a symbolic link above that folder is followed.
        """
        if self._home is None:
            self._home = getcwd()
        try:
            os.chdir(self._home)
        except OSError as error:
            raise ConfigError(f"the folder {self._home!r} of the start is gone: {error.strerror}") from None
        super().load_default_config()

    def reload(self) -> None:
        """Load the configuration anew, as SIGHUP asks for. Raises ConfigError as the base does."""
        try:
            super().reload()
        except BaseException:
            self.chdir()
            raise

    def chdir(self) -> None:
        """Change to the folder of the application and let Python look there first for modules."""
        folder = self.cfg.chdir
        os.chdir(folder)
        _look_first_in(folder)

    def get_config_from_filename(self, filename: str) -> dict[str, object]:
        """Return the variables of a Python file or the table of a TOML file.

        Raises ConfigError when it cannot be read; what its code raises is shown with its traceback, and ends
        the process with status 1 (a ConfigError when it is a reload).
        """
        try:
            return files.read_file(filename)
        except ConfigError:
            raise
        except SystemExit as error:
            raise ConfigError(who_left(f"configuration file {filename!r}", "while it was read", error)) from error
        except Exception as error:  # noqa: BLE001  # the boundary around the user's code
            # Whatever it does wrong is shown in its own terms.
            sys.stderr.write(application_traceback(error))
            raise ConfigError(
                f"configuration file {filename!r} failed: {type(error).__name__}: {error}"
            ) from None

    def get_config_from_module_name(self, module_name: str) -> dict[str, object]:
        """Return the variables of a module. Raises ConfigError when there is no such module."""
        try:
            return files.read_module(module_name)
        except SystemExit as error:
            raise ConfigError(who_left(f"configuration module {module_name!r}", "while it was read", error)) from error

    def load_config_from_module_name_or_filename(self, location: str) -> dict[str, object]:
        """Apply and return the configuration at `location`: a path, `file:PATH` or `python:MODULE`."""
        if location.startswith("python:"):
            name = location[len("python:") :]
            values = self.get_config_from_module_name(name)
            where = f"module {name}"
        else:
            where = location.removeprefix("file:")
            values = self.get_config_from_filename(where)
        self._apply_file(values, where)
        return values

    def _apply_file(self, values: dict[str, object], where: str) -> None:
        is_toml = where.endswith(".toml")
        for name, meant in files.misnamed(values, self.cfg.settings, everything=is_toml):
            hint = f", did you mean {meant!r}?" if meant else _hint(name)
            sys.stderr.write(f"Warning: {where}: {name!r} is not a setting{hint}\n")
        if self._checks and not is_toml:
            for name, hint in files.foreign(values, self.cfg.settings):
                sys.stderr.write(f"Warning: {where}: {name!r} is not a setting, {hint}\n")
        sources.apply_mapping(self.cfg, values if is_toml else _without_own_names(values, where), where)

    def load_config_from_file(self, filename: str) -> dict[str, object]:
        """Apply the configuration file `filename` and return it."""
        return self.load_config_from_module_name_or_filename(filename)

    def load_config(self) -> None:
        """Apply all sources, the weakest first; see `gunicorn.config.sources`."""
        _look_first_in(os.getcwd())
        with standard_first():
            self._load_sources()
        self.chdir()

    def _load_sources(self) -> None:
        parser = arguments.lazy_parser(self.cfg)
        options = arguments.parse(self.cfg, parser, sys.argv[1:])
        variables = arguments.parse(self.cfg, parser, self._words_from_environment())
        self._checks = bool(options.check_config or variables.check_config)
        with application_first():
            framework = self.init(parser, options, options.args)
        sources.apply_mapping(self.cfg, _lower_names(framework), FRAMEWORK)
        self._load_named_or_default_file(options.config or variables.config)
        sources.apply_variables(self.cfg, self.cfg.env_orig)
        self._tell_unknown_variables()
        sources.apply_arguments(self.cfg, variables, "GUNICORN_CMD_ARGS")
        sources.apply_arguments(self.cfg, options, "command line")

    def _tell_unknown_variables(self) -> None:
        """Once: a reload has the same environment."""
        text = None if self._told_variables else sources.unknown_variables(self.cfg, self.cfg.env_orig)
        self._told_variables = True
        if text is not None:
            sys.stderr.write(f"Warning: {text}\n")

    def _words_from_environment(self) -> list[str]:
        try:
            return self.cfg.get_cmd_args_from_env()
        except ValueError as error:
            raise ConfigError(f"environment variable GUNICORN_CMD_ARGS: {error}") from None

    def _load_named_or_default_file(self, named: str | None) -> None:
        location = named or self.cfg.env_orig.get("GUNICORN_CONFIG") or get_default_config_file()
        if location:
            self.load_config_from_file(location)

    def run(self) -> None:
        """Do what the configuration asks for: check, print, or serve, in the foreground or as a daemon."""
        _look_first_in(*_folders(self.cfg.pythonpath))
        if self.cfg.print_config:
            sys.stdout.write(str(self.cfg))
            sys.stdout.flush()
        if self.cfg.print_config or self.cfg.check_config:
            self._check()
        if self.cfg.spew:
            from gunicorn.loading import spew

            spew.spew()
        if self.cfg.daemon:
            from gunicorn.unix.process import daemonize

            daemonize(self.cfg.enable_stdio_inheritance)
        super().run()

    def _check(self) -> NoReturn:
        """Do what a start does, up to what others would notice, or at least load the application, and exit: with 0, or
        with 1 when that fails."""
        from gunicorn.config.others import variable_hints

        from .rehearsal import rehearse

        for text in variable_hints(self.cfg.env_orig):
            sys.stderr.write(f"Warning: {text}\n")
        try:
            if self.cfg.check_config:
                rehearse(self)
            else:
                self.wsgi()
        except (AppImportError, ConfigError) as error:
            _exit_with(str(error), "")
        except Exception as error:  # noqa: BLE001  # the boundary around the application
            # Its code may raise anything; its own traceback is all that helps.
            _exit_with(
                f"the application failed to load: {type(error).__name__}", boot_traceback(error)
            )
        sys.exit(0)


def _without_own_names(values: dict[str, object], where: str) -> dict[str, object]:
    """The variables of a file of Python, but for those that are of its own and called as a setting of today."""
    from gunicorn.config.own_names import not_meant

    others = dict(not_meant(values))
    for name, why in others.items():
        sys.stderr.write(f"Warning: {where}: {name!r} is passed over as a name of your own: as a setting, {why}\n")
    return {name: value for name, value in values.items() if name not in others} if others else values


def _hint(name: str) -> str:
    """What to say of a name in a file that is none of ours."""
    from gunicorn.config.others import name_hint

    found = name_hint(name)
    return f", {found}" if found else "."


def _lower_names(values: Mapping[str, object] | None) -> dict[str, object]:
    return {name.lower(): value for name, value in (values or {}).items()}


def _folders(pythonpath: str | None) -> list[str]:
    return [os.path.abspath(folder.strip()) for folder in (pythonpath or "").split(",") if folder.strip()]


def _look_first_in(*folders: str) -> None:
    """Put `folders` in front of Python's module path, in their order, unless they are there."""
    sys.path[:0] = [folder for folder in folders if folder not in sys.path]
