"""PasteDeploy: applications, and servers, that an ini file describes.

Three ways lead here: ``gunicorn --paste FILE``, the command ``gunicorn_paster FILE``, and a file whose
``[server:main]`` says ``use = egg:gunicorn#main`` when a program such as ``pserve`` runs it.
"""

from __future__ import annotations

import os

from gunicorn.config import arguments, sources
from gunicorn.errors import AppImportError, ConfigError

from .wsgiapp import WSGIApplication

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping
    from configparser import ConfigParser
    from types import ModuleType
    from typing import Any

OUR_SERVER = ("egg:gunicorn#main", "egg:gunicorn")


def _library() -> ModuleType:
    """Import PasteDeploy, which no other way of starting the server needs."""
    try:
        from paste.deploy import loadwsgi
    except ImportError:
        raise ConfigError("PasteDeploy is missing: pip install gunicorn[paste]") from None
    return loadwsgi  # type: ignore[no-any-return]


def _split(config_uri: str) -> tuple[str, str]:
    """Split ``FILE#SECTION``; the section is ``main`` when there is none.

    Raises ConfigError without a file.
    """
    name, _, section = config_uri.partition("#")
    path = os.path.abspath(name)
    if not os.path.exists(path):
        raise ConfigError(f"PasteDeploy file {path!r} not found")
    return path, section or "main"


def get_wsgi_app(config_uri: str, name: str | None = None, defaults: Mapping[str, str] | None = None) -> Any:
    """Return the application that ``config_uri``, ``FILE`` or ``FILE#SECTION``, describes.

    ``name`` is a section that goes before the one in ``config_uri``. ``defaults`` are added to the file's
    ``[DEFAULT]``. Raises ConfigError when PasteDeploy or the file is missing, AppImportError without the
    section.
    """
    path, section = _split(config_uri)
    try:
        return _library().loadapp(f"config:{path}", name=name or section, global_conf=dict(defaults or {}))
    except LookupError as error:
        # PasteDeploy's own word for a section that is not there; the factories' errors have other texts.
        if not str(error).startswith("No section"):
            raise
        raise AppImportError(f"PasteDeploy file {path!r} has no application {name or section!r}") from None


def has_logging_config(config_file: str) -> bool:
    """Tell whether the file configures logging, as for ``logging.config.fileConfig``."""
    return _parsed(config_file).has_section("loggers")


def _parsed(path: str) -> ConfigParser:
    import configparser

    # The two names that PasteDeploy defines for every file.
    parser = configparser.ConfigParser({"here": os.path.dirname(path), "__file__": path})
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read(path)
    except configparser.Error as error:
        raise ConfigError(f"PasteDeploy file {path!r}: {' '.join(str(error).split())}") from None
    return parser


def logging_settings(config_uri: str) -> dict[str, Any]:
    """Return the settings that make the logging sections of the file apply, if it has any."""
    path, _ = _split(config_uri)
    return {"logconfig": path} if has_logging_config(path) else {}


def server_settings(config_uri: str) -> dict[str, Any]:
    """Return the settings in ``[server:main]`` of the file when that section is for this server.

    It is read here and not by PasteDeploy, which would ask for the metadata of an installed gunicorn. Raises
    ConfigError when the file is missing or is no ini file.
    """
    path, _ = _split(config_uri)
    parser = _parsed(path)
    if not parser.has_section("server:main") or parser["server:main"].get("use") not in OUR_SERVER:
        return {}
    section = parser["server:main"]
    return settings_from({name: value for name, value in section.items() if name not in parser.defaults()})


def settings_from(local_conf: Mapping[str, str]) -> dict[str, Any]:
    """Turn the items of a server section into settings; ``host`` and ``port`` become ``bind``."""
    settings: dict[str, Any] = dict(local_conf)
    host, port = settings.pop("host", ""), settings.pop("port", "")
    if "bind" not in settings and (host or port):
        settings["bind"] = [f"{_bracketed(host or '127.0.0.1')}:{port or 8000}"]
    return settings


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


class PasterApplication(WSGIApplication):
    """The application of the PasteDeploy file that is the argument, with the file's server settings."""

    def init(self, parser: ArgumentParser, opts: Namespace, args: list[str]) -> Mapping[str, Any] | None:
        """Take the name of the file."""
        self.app_uri = None
        uri = arguments.single(parser, args) or opts.paste
        if not uri:
            raise ConfigError("No PasteDeploy file specified: name one as FILE or FILE#SECTION.")
        path, _ = _split(uri)
        self.cfg.set("default_proc_name", path, source="command line")
        self.cfg.set("paste", uri, source="command line")
        sources.apply_texts(self.cfg, server_settings(uri), f"{path} [server:main]")
        return logging_settings(uri)


def run() -> None:
    """Run the command ``gunicorn_paster``."""
    PasterApplication("%(prog)s [OPTIONS] FILE.ini[#SECTION]", prog="gunicorn_paster").run()


class PasterServerApplication(WSGIApplication):
    """An application that PasteDeploy has made already, served with the items of its server section."""

    def __init__(self, app: Any, global_conf: Mapping[str, str], local_conf: Mapping[str, str]) -> None:
        self._app = app
        self._file = global_conf.get("__file__")
        self._settings = settings_from(local_conf)
        super().__init__(prog="gunicorn_paster")

    def load_config(self) -> None:
        """Apply the server section, and the configuration file it names; no command line is ours here."""
        self.app_uri = None
        settings = dict(self._settings)
        config = settings.pop("config", None)
        where = self._file or "server section"
        if self._file:
            settings = {**logging_settings(self._file), "default_proc_name": self._file, **settings}
        sources.apply_texts(self.cfg, settings, f"{where} [server]")
        self._load_named_or_default_file(config)
        sources.apply_variables(self.cfg, self.cfg.env_orig)
        self.chdir()

    def load(self) -> Any:
        """Return the application."""
        return self._app


def serve(app: Any, global_conf: Mapping[str, str], **local_conf: str) -> None:
    """Serve ``app``: the entry point ``main`` of the group ``paste.server_runner``."""
    PasterServerApplication(app, global_conf, local_conf).run()
