"""Configuration files: Python and TOML."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from types import CodeType, ModuleType

from gunicorn._standard import application_first
from gunicorn.errors import ConfigError

DEFAULT_NAMES = ("gunicorn.conf.py", "gunicorn.toml")

# Names of old and of flags that differ from their setting by more than spelling.
_FAMILIAR = {
    "preload": "preload_app",
    "log_file": "errorlog",
    "logfile": "errorlog",
    "access_logfile": "accesslog",
    "error_logfile": "errorlog",
    "access_logformat": "access_log_format",
    # Where it is a template: see `own_names.py`.
    "log_format": "access_log_format",
    "log_syslog": "syslog",
    "log_syslog_to": "syslog_addr",
    "log_syslog_prefix": "syslog_prefix",
    "log_syslog_facility": "syslog_facility",
    "proxy_allow_from": "proxy_allow_ips",
    "uwsgi_allow_from": "uwsgi_allow_ips",
    "fastcgi_allow_from": "fastcgi_allow_ips",
    "scgi_allow_from": "scgi_allow_ips",
    "paste_global": "raw_paste_global_conf",
    "reload_extra_file": "reload_extra_files",
    "dirty_app": "dirty_apps",
    "num_workers": "workers",
    "worker_timeout": "timeout",
    "no_sendfile": "sendfile",
    "no_control_socket": "control_socket_disable",
}


def get_default_config_file() -> str | None:
    """Return the path of the file that is read without being named, or None when there is none here."""
    for name in DEFAULT_NAMES:
        path = os.path.join(os.path.abspath(os.getcwd()), name)
        if os.path.exists(path):
            return path
    return None


def read_file(filename: str) -> dict[str, object]:
    """Return the variables of a Python file or the table of a TOML file.

    Raises ConfigError when it is not there, cannot be read, is no TOML or an INI file. What the code of a Python
    file raises is let through.
    """
    if not os.path.exists(filename):
        raise ConfigError(f"configuration file {filename!r} doesn't exist in {os.getcwd()}")
    if filename.endswith(".toml"):
        return _read_toml(filename)
    return vars(_execute(filename))


def _execute(filename: str) -> ModuleType:
    module = ModuleType("__config__")
    module.__file__ = os.path.abspath(filename)
    # Registered, because dataclasses and pickle look up the module of what is defined in the file.
    sys.modules["__config__"] = module
    code = _compile(filename)
    with application_first():
        exec(code, module.__dict__)
    return module


def _compile(filename: str) -> CodeType:
    try:
        with open(filename, "rb") as file:
            source = file.read()
    except OSError as error:
        raise ConfigError(f"configuration file {filename!r} cannot be read: {error.strerror}") from None
    # Python takes `[uwsgi]` for a list.
    if _is_ini(source):
        raise ConfigError(
            f"configuration file {filename!r} is an INI file, and settings are read from Python or TOML: "
            "gunicorn.conf.py, gunicorn.toml"
        )
    return compile(source, os.path.abspath(filename), "exec")


def _is_ini(source: bytes) -> bool:
    """Whether the first line that says something is the head of a section."""
    lines = (line.strip() for line in source.splitlines())
    first = next((line for line in lines if line and not line.startswith((b"#", b";"))), b"")
    return re.fullmatch(rb"\[[\w.:-]+\]", first) is not None


def _read_toml(filename: str) -> dict[str, object]:
    import tomllib

    try:
        with open(filename, "rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"configuration file {filename!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"configuration file {filename!r} is not valid TOML: {error}") from None
    if os.path.basename(filename) == "pyproject.toml":
        document = _tool_table(document, filename)
    return {key.replace("-", "_"): value for key, value in document.items()}


def _tool_table(document: dict[str, object], filename: str) -> dict[str, object]:
    tools = document.get("tool")
    table = tools.get("gunicorn") if isinstance(tools, dict) else None
    if not isinstance(table, dict):
        raise ConfigError(f"configuration file {filename!r} has no table [tool.gunicorn]")
    return table


def read_module(name: str) -> dict[str, object]:
    """Return the variables of the module `name`, executed anew when it was loaded before.

    Raises ConfigError when there is no such module.
    """
    from importlib import import_module

    if not all(name.split(".")):
        raise ConfigError(f"configuration module: {name!r} is not the name of a module: expected python:MODULE")
    try:
        loaded = sys.modules.get(name)
        with application_first():
            if loaded is None:
                return vars(import_module(name))
            return vars(_execute_anew(loaded))
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise
        raise ConfigError(f"configuration module: no module named {error.name!r}") from None


def _execute_anew(module: ModuleType) -> ModuleType:
    """Reload a module from its source, where it has one.

    Its bytecode may be that of a file which was as long and is no second older: both count as the same.
    """
    from importlib import invalidate_caches, reload
    from importlib.machinery import SourceFileLoader

    spec = module.__spec__
    if spec is None or spec.name != module.__name__ or not isinstance(spec.loader, SourceFileLoader):
        return reload(module)
    loader = spec.loader
    invalidate_caches()
    if not os.path.exists(loader.path):
        # It may be elsewhere by now, or nowhere.
        return reload(module)
    exec(loader.source_to_code(loader.get_data(loader.path), loader.path), module.__dict__)
    return module


def misnamed(values: Mapping[str, object], settings: Iterable[str], everything: bool) -> list[tuple[str, str]]:
    """Return pairs of a name that is no setting and the setting that was probably meant.

    A Python file may hold names of its own, so only those are looked at that resemble a setting. With
    `everything` (TOML, which has no names of its own) also the others are returned, with an empty text
    beside them.
    """
    known = set(settings)
    unknown = [name for name in values if name not in known and (everything or _is_plain(name, values[name]))]
    if not unknown:
        return []
    pairs = [(name, meant_by(name, known)) for name in unknown]
    return [(name, meant) for name, meant in pairs if meant or everything]


def foreign(values: Mapping[str, object], settings: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of a name that other servers know, and words about it. Names of one word, which may mean anything in
    a Python file, are passed over."""
    from .others import name_hint

    known = set(settings)
    names = [name for name in values if "_" in name and name not in known and _is_plain(name, values[name])]
    pairs = [(name, name_hint(name)) for name in names if not meant_by(name, known)]
    return [(name, hint) for name, hint in pairs if hint]


def meant_by(name: str, settings: Iterable[str]) -> str:
    """Return the setting that was probably meant by `name`, empty for none."""
    return _FAMILIAR.get(name) or _nearest(name, settings)


def _is_plain(name: str, value: object) -> bool:
    """False for what a file holds without meaning a setting: private names, imports, classes, constants."""
    if name.startswith("_") or name.isupper() or isinstance(value, ModuleType | type):
        return False
    return getattr(value, "__module__", "__config__") == "__config__" or not callable(value)


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), known, n=1, cutoff=0.84)
    return close[0] if close else ""
