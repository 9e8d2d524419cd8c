"""What the settings say of a pool of task processes: its applications, what its supervisor rests on, what may wait."""

from __future__ import annotations

from gunicorn.errors import ConfigError
from gunicorn.tasks.apps import parse_dirty_app_spec
from gunicorn.tasks.errors import DirtyError
from gunicorn.tasks.router import Limits

from .decisions import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config

__all__ = ["limits_of", "policy_of", "specs_of"]

RAY_BOOT_SECONDS = 60.0
"""Without `boot_timeout`, at least so long an actor of Ray may take to be ready, however short calls are."""

MOST_WAITING = 256 * 1024 * 1024
"""So many octets of calls may wait, or twice what one message may have."""


def specs_of(cfg: Config) -> dict[str, int | None]:
    """The applications of the setting `dirty_apps`: in how many processes each is to be; None: the class says, or all.

    Raises ConfigError.
    """
    try:
        return dict(parse_dirty_app_spec(spec) for spec in cfg.dirty_apps)
    except DirtyError as error:
        raise ConfigError(f"dirty_apps: {error.message}") from None


def policy_of(cfg: Config) -> Policy:
    """What the supervisor of task processes rests on. A call that takes too long is the router's to see."""
    boot_timeout = getattr(cfg, "boot_timeout", None)
    if boot_timeout is None and cfg.dirty_timeout:
        # An actor has its process found, and perhaps its node.
        boot_timeout = max(cfg.dirty_timeout, RAY_BOOT_SECONDS if cfg.dirty_backend == "ray" else 0)
    return Policy(
        workers=cfg.dirty_workers,
        timeout=0.0,
        graceful_timeout=cfg.dirty_graceful_timeout,
        boot_timeout=boot_timeout or 0.0,
        memory=cfg.dirty_max_memory,
        reload_replaces=cfg.dirty_reload == "replace",
    )


def limits_of(cfg: Config) -> Limits:
    """What the router goes by."""
    return Limits(waiting=cfg.dirty_queue, seconds=float(cfg.dirty_timeout),
                  octets=max(MOST_WAITING, 2 * cfg.dirty_max_message))
