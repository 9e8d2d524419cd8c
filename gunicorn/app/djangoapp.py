"""Django: projects named by their folder or their settings module.

`gunicorn PROJECT.wsgi` needs nothing from here. This is for the command `gunicorn_django` and for
`manage.py run_gunicorn`, which find the project by themselves.
"""

from __future__ import annotations

import os
import sys

from gunicorn.config import arguments
from gunicorn.errors import ConfigError

from .base import Application

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Mapping

    from gunicorn._types import WSGIApp

ENVIRONMENT_VARIABLE = "DJANGO_SETTINGS_MODULE"


def _require_django() -> None:
    try:
        import django  # noqa: F401
    except ImportError:
        raise ConfigError("Django is missing: pip install gunicorn[django]") from None


def settings_module_in(folder: str) -> tuple[str, str]:
    """Find the settings of the project in `folder`.

    `folder` is the one with `manage.py`, or the package within it that has `settings.py`. Returns the
    name of the settings module and the folder it is imported from. Raises ConfigError when there is none.
    """
    folder = os.path.abspath(folder)
    if os.path.exists(os.path.join(folder, "settings.py")):
        if os.path.exists(os.path.join(folder, "__init__.py")):
            return f"{os.path.basename(folder)}.settings", os.path.dirname(folder)
        return "settings", folder
    packages = [name for name in _packages(folder) if _has_settings(os.path.join(folder, name))]
    if len(packages) != 1:
        found = f"several: {', '.join(packages)}" if packages else "none"
        raise ConfigError(f"expected one Django settings module in {folder}, found {found} (see --settings)")
    return f"{packages[0]}.settings", folder


def _packages(folder: str) -> Iterator[str]:
    try:
        yield from sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError as error:
        raise ConfigError(f"Django project {folder!r}: {error.strerror}") from None


def _has_settings(folder: str) -> bool:
    plain, package = os.path.join(folder, "settings.py"), os.path.join(folder, "settings", "__init__.py")
    return os.path.exists(plain) or os.path.exists(package)


class DjangoApplication(Application):
    """The application of a Django project.

    The argument is the project's folder or its settings module; without one `DJANGO_SETTINGS_MODULE` or the
    current folder tell.
    """

    project: str | None = None

    def init(self, parser: ArgumentParser, opts: Namespace, args: list[str]) -> Mapping[str, object] | None:
        """Take the name of the project."""
        _require_django()
        self.project = arguments.single(parser, args)
        return None

    def load_config(self) -> None:
        """Apply all sources, and find the settings module."""
        super().load_config()
        module, folder = self._find_settings()
        self.cfg.set("default_proc_name", module, source="Django settings module")
        if folder not in sys.path:
            sys.path.insert(0, folder)
        self.settings_module = module

    def _find_settings(self) -> tuple[str, str]:
        here = self.cfg.chdir
        if self.cfg.django_settings:
            return self.cfg.django_settings, here
        if self.project is None:
            named = os.environ.get(ENVIRONMENT_VARIABLE)
            return (named, here) if named else settings_module_in(here)
        if os.path.isfile(self.project):
            return settings_module_in(os.path.dirname(os.path.abspath(self.project)))
        if os.path.isdir(self.project):
            return settings_module_in(self.project)
        return self.project, here

    def load(self) -> WSGIApp:
        """Return the project's own WSGI application if it has one (`WSGI_APPLICATION`), or Django's."""
        _require_django()
        os.environ[ENVIRONMENT_VARIABLE] = self.settings_module
        from django.core.servers.basehttp import get_internal_wsgi_application

        app: WSGIApp = get_internal_wsgi_application()
        return app


class DjangoApplicationCommand(Application):
    """The project that `manage.py` has set up already, with the options of its command line."""

    def __init__(self, options: Mapping[str, object], admin_media_path: str | None = None) -> None:
        self._options = dict(options)
        super().__init__(prog="run_gunicorn")

    def load_config(self) -> None:
        """Apply the configuration file, the environment and the options of the command."""
        from gunicorn.config import sources

        self.cfg.set("default_proc_name", os.environ.get(ENVIRONMENT_VARIABLE, "django"), source="manage.py")
        named = self._options.get("config")
        self._load_named_or_default_file(None if named is None else str(named))
        sources.apply_variables(self.cfg, self.cfg.env_orig)
        sources.apply_options(self.cfg, self._options, "manage.py run_gunicorn")
        self.chdir()

    def load(self) -> WSGIApp:
        """Return the project's own WSGI application if it has one (`WSGI_APPLICATION`), or Django's."""
        from django.core.servers.basehttp import get_internal_wsgi_application

        app: WSGIApp = get_internal_wsgi_application()
        return app


def run() -> None:
    """Run the command `gunicorn_django`."""
    DjangoApplication("%(prog)s [OPTIONS] [PROJECT]", prog="gunicorn_django").run()
