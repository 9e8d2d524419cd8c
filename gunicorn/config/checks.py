"""What settings demand of each other, and what has no effect yet."""

from __future__ import annotations

import os
from collections.abc import Sized

from gunicorn.errors import ConfigError

from .address import parse_address
from .pending import PENDING
from .values import SettingValues


def check_combinations(cfg: SettingValues) -> None:
    """Raise ConfigError when settings, each right by itself, cannot work together."""
    for check in (_upload_folder, _workers_for_threads, _address_of_the_agent, _otel_is_there, _protocol_without_tls,
                  _static_folders):
        check(cfg)


def _upload_folder(cfg: SettingValues) -> None:
    folder = cfg.tmp_upload_dir
    if folder and not os.path.isdir(os.path.join(cfg.chdir, folder)):
        raise ConfigError(complaint(cfg, "tmp_upload_dir", "no such folder"))


def _static_folders(cfg: SettingValues) -> None:
    for path, folder in cfg.static.items():
        if folder and not os.path.isdir(os.path.join(cfg.chdir, folder)):
            raise ConfigError(complaint(cfg, "static", f"no such folder for {path}: {folder}"))


def _workers_for_threads(cfg: SettingValues) -> None:
    if cfg.threads == 0 and cfg.worker_class_str == "gthread":
        raise ConfigError(complaint(cfg, "threads", "expected a whole number, 1 or more"))


def _address_of_the_agent(cfg: SettingValues) -> None:
    for name, other in (("metrics_bind", cfg.metrics_bind), ("control_bind", cfg.control_bind)):
        if cfg.agent_bind and other and parse_address(cfg.agent_bind) == parse_address(other):
            problem = f"at the address of {name} HTTP is spoken: expected one of its own"
            raise ConfigError(complaint(cfg, "agent_bind", problem))


def _protocol_without_tls(cfg: SettingValues) -> None:
    if cfg.protocol == "http" or not cfg.is_ssl:
        return
    schemes = {bind.scheme for bind in cfg.binds}
    if "" in schemes and "https" not in schemes:
        problem = "it is spoken without TLS, which certfile and keyfile ask for: bind https://... where that is meant"
        raise ConfigError(complaint(cfg, "protocol", problem))


def _otel_is_there(cfg: SettingValues) -> None:
    asked = [name for name in ("otel_spans", "otel_metrics") if getattr(cfg, name)]
    if not asked:
        return
    from importlib.util import find_spec

    for module in ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"):
        try:
            found = find_spec(module)
        except ImportError:
            found = None
        if found is None:
            raise ConfigError(complaint(cfg, asked[0], "OpenTelemetry is missing: pip install gunicorn[otel]"))


def refuse_second_root(cfg: SettingValues) -> None:
    """Raise ConfigError where a mount stands in the place of the application, which is there as well."""
    if "/" in cfg.mount:
        problem = f"{cfg.default_proc_name} stands at / already: expected a prefix, or a host in front of it"
        raise ConfigError(complaint(cfg, "mount", problem))


def check_there_is_one(cfg: SettingValues, listeners: Sized) -> None:
    """Raise ConfigError when nobody could ever reach the server."""
    if not listeners:
        raise ConfigError(complaint(cfg, "bind", "there is nothing to listen on"))


def complaint(cfg: object, name: str, problem: str) -> str:
    """One line about a setting that cannot be used as it is: its value, where that came from, and `problem`.

    `cfg` may be any object with the setting as an attribute.
    """
    settings = getattr(cfg, "settings", {})
    value = settings[name].get() if name in settings else getattr(cfg, name, None)
    source = getattr(cfg, "sources", {}).get(name, "default")
    return f"{name} = {value!r} ({source}): {' '.join(problem.split())}"


def pending_notices(cfg: SettingValues) -> list[str]:
    """Return one line for each setting of the table that was set to something else than its default."""
    return [
        f"Setting {name} has no effect yet ({cfg.sources[name]}): {reason}."
        for name, reason in PENDING.items()
        if name in cfg.sources and _differs(cfg, name)
    ]


def http2_notices(cfg: SettingValues, served: bool) -> list[str]:
    """A line when nobody can speak the HTTP/2 that was asked for. `served`: by the worker type."""
    if "h2" not in cfg.http_protocols or cfg.http2_cleartext != "off":
        return []
    if not served:
        return [complaint(cfg, "http_protocols", f"worker_class = {cfg.worker_class_str} does not serve h2")]
    if not (cfg.is_ssl or any(cfg.speaks_tls(bind) for bind in cfg.binds)):
        return [complaint(cfg, "http_protocols", "nobody can speak h2, there is no TLS and http2_cleartext is off")]
    return []


def _differs(cfg: SettingValues, name: str) -> bool:
    setting = cfg.settings[name]
    return bool(setting.get() != setting.__class__().get())
