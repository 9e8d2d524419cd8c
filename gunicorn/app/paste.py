"""PasteDeploy: what an ini file says of the application, the server and the log."""

from __future__ import annotations

import os

from gunicorn.errors import AppImportError, ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from configparser import ConfigParser
    from types import ModuleType

    from gunicorn._types import WSGIApp

__all__ = [
    "file_and_section", "get_wsgi_app", "has_logging_config", "logging_settings", "server_settings", "settings_from",
]

OUR_SERVER = ("egg:gunicorn#main", "egg:gunicorn")


def _library() -> ModuleType:
    """Import PasteDeploy, which no other way of starting the server needs."""
    try:
        from paste.deploy import loadwsgi
    except ImportError:
        raise ConfigError("PasteDeploy is missing: pip install gunicorn[paste]") from None
    return loadwsgi  # type: ignore[no-any-return]


def file_and_section(config_uri: str) -> tuple[str, str]:
    """Split `FILE#SECTION`; the section is `main` when there is none.

    Raises ConfigError without a file.
    """
    name, _, section = config_uri.partition("#")
    path = os.path.abspath(name)
    if not os.path.exists(path):
        raise ConfigError(f"PasteDeploy file {path!r} not found")
    return path, section or "main"


def get_wsgi_app(config_uri: str, name: str | None = None, defaults: Mapping[str, str] | None = None) -> WSGIApp:
    """Return the application that `config_uri`, `FILE` or `FILE#SECTION`, describes.

    `name` is a section that goes before the one in `config_uri`. `defaults` are added to the file's
    `[DEFAULT]`. Raises ConfigError when PasteDeploy or the file is missing, AppImportError without the
    section.
    """
    path, section = file_and_section(config_uri)
    try:
        app: WSGIApp = _library().loadapp(f"config:{path}", name=name or section, global_conf=dict(defaults or {}))
    except LookupError as error:
        # PasteDeploy's own word for a section that is not there; the factories' errors have other texts.
        if not str(error).startswith("No section"):
            raise
        raise AppImportError(f"PasteDeploy file {path!r} has no application {name or section!r}") from None
    return app


def has_logging_config(config_file: str) -> bool:
    """Tell whether the file configures logging, as for `logging.config.fileConfig`."""
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


def logging_settings(config_uri: str) -> dict[str, str]:
    """Return the settings that make the logging sections of the file apply, if it has any."""
    path, _ = file_and_section(config_uri)
    return {"logconfig": path} if has_logging_config(path) else {}


def server_settings(config_uri: str) -> dict[str, str | list[str]]:
    """Return the settings in `[server:main]` of the file when that section is for this server.

    It is read here and not by PasteDeploy, which would ask for the metadata of an installed gunicorn. Raises
    ConfigError when the file is missing or is no ini file.
    """
    path, _ = file_and_section(config_uri)
    parser = _parsed(path)
    if not parser.has_section("server:main") or parser["server:main"].get("use") not in OUR_SERVER:
        return {}
    section = parser["server:main"]
    return settings_from({name: value for name, value in section.items() if name not in parser.defaults()})


def settings_from(local_conf: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Turn the items of a server section into settings; `host` and `port` become `bind`."""
    given = dict(local_conf)
    host, port = given.pop("host", ""), given.pop("port", "")
    settings: dict[str, str | list[str]] = {**given}
    if "bind" not in settings and (host or port):
        settings["bind"] = [f"{_bracketed(host or '127.0.0.1')}:{port or 8000}"]
    return settings


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
