"""A logging configuration of the user's: `logconfig`, `logconfig_json`, `logconfig_dict`."""

from __future__ import annotations

import os

from gunicorn._standard import standard_first

LINE_FORMAT = "%(asctime)s [%(process)d] [%(levelname)s] %(message)s"
TIME_FORMAT = "[%Y-%m-%d %H:%M:%S %z]"


def _base_config() -> dict[str, object]:
    """What logconfig_dict and logconfig_json are laid over: both logs to the standard streams."""

    def log(name: str, handler: str) -> dict[str, object]:
        return {"qualname": name, "propagate": True, "handlers": [handler], "level": "INFO"}

    def stream(name: str) -> dict[str, str]:
        return {"formatter": "generic", "class": "logging.StreamHandler", "stream": f"ext://sys.{name}"}

    generic = {"class": "logging.Formatter", "datefmt": TIME_FORMAT, "format": LINE_FORMAT}
    targets = {"gunicorn.access": "console", "gunicorn.error": "error_console"}
    return {
        "disable_existing_loggers": False,
        "formatters": {"generic": generic},
        "handlers": {"console": stream("stdout"), "error_console": stream("stderr")},
        "loggers": {name: log(name, handler) for name, handler in targets.items()},
        "root": {"handlers": ["console"], "level": "INFO"},
        "version": 1,
    }


CONFIG_DEFAULTS = _base_config()


def read_json(path: str) -> object:
    with standard_first():
        import json

    try:
        with open(path, encoding="utf-8") as file:
            document: object = json.load(file)
            return document
    except (OSError, ValueError) as error:
        raise RuntimeError(f"cannot read the logging configuration {path!r}: {error}") from error


def dict_config(config: object, setting: str) -> None:
    with standard_first():
        import logging.config

    if not isinstance(config, dict):
        raise RuntimeError(f"{setting}: expected a mapping, got {type(config).__name__}")
    try:
        logging.config.dictConfig({**CONFIG_DEFAULTS, **config})
    except Exception as error:  # the boundary around a logger of the user's
        raise RuntimeError(f"{setting}: {_with_cause(error)}") from error


def file_config(path: str) -> None:
    with standard_first():
        import logging.config

    if not os.path.isfile(path):
        raise RuntimeError(f"logconfig: {path!r} is not a file")
    defaults = {"__file__": path, "here": os.path.dirname(path)}
    try:
        logging.config.fileConfig(path, defaults=defaults, disable_existing_loggers=False)
    except Exception as error:  # the boundary around a logger of the user's
        raise RuntimeError(f"logconfig: {path}: {_with_cause(error)}") from error


def _with_cause(error: BaseException) -> str:
    """One line; the text of a KeyError alone would be a bare word."""
    text = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
    return " ".join((f"{text} ({error.__cause__})" if error.__cause__ else text).split())
