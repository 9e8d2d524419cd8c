"""What settings demand of each other."""

from __future__ import annotations

import os

from gunicorn.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config


def check_combinations(cfg: Config) -> None:
    """Raise ConfigError when settings, each right by itself, cannot work together."""
    for check in (_upload_folder, _workers_for_threads, _http2_library):
        check(cfg)


def _upload_folder(cfg: Config) -> None:
    folder = cfg.tmp_upload_dir
    if folder and not os.path.isdir(os.path.join(cfg.chdir, folder)):
        raise ConfigError(_message(cfg, "tmp_upload_dir", folder, "no such folder"))


def _workers_for_threads(cfg: Config) -> None:
    if cfg.threads == 0 and cfg.worker_class_str == "gthread":
        raise ConfigError(_message(cfg, "threads", 0, "expected a whole number, 1 or more"))


def _http2_library(cfg: Config) -> None:
    if "h2" not in cfg.http_protocols and cfg.http2_cleartext == "off":
        return
    from importlib.util import find_spec

    if find_spec("h2") is None:
        name = "http_protocols" if "h2" in cfg.http_protocols else "http2_cleartext"
        value = cfg.settings[name].get()
        raise ConfigError(
            _message(cfg, name, value, "HTTP/2 needs the package h2: pip install gunicorn[http2]")
        )


def _message(cfg: Config, name: str, value: object, problem: str) -> str:
    return f"{name} = {value!r} ({cfg.sources.get(name, 'default')}): {problem}"
