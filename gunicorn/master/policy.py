"""Settings become the policy that the supervisor's decisions rest on."""

from __future__ import annotations

from .decisions import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config

__all__ = ["policy_of"]


def policy_of(cfg: Config, worker_class: object) -> Policy:
    """The policy for workers of `worker_class` under the configuration `cfg`."""
    boot_timeout = getattr(cfg, "boot_timeout", None)
    return Policy(
        workers=cfg.workers,
        timeout=cfg.timeout,
        graceful_timeout=cfg.graceful_timeout,
        boot_timeout=cfg.timeout if boot_timeout is None else boot_timeout,
        request_timeout=cfg.request_timeout,
        breaks_requests=getattr(worker_class, "breaks_requests", True),
        lifetime=cfg.max_worker_lifetime,
        memory=cfg.max_worker_memory,
        memory_hard=cfg.max_worker_memory_hard,
        shutdown_delay=cfg.shutdown_delay,
        reload_batch=_batch(cfg.reload_strategy),
    )


def _batch(strategy: str) -> float:
    """`reload_strategy` as the supervisor takes it: workers at a time, a share of them below 1, 0 for all."""
    name, _, amount = strategy.partition(":")
    if name == "all":
        return 0.0
    if not amount.endswith("%"):
        return float(amount or 1)
    share = int(amount[:-1]) / 100
    return share if share < 1 else 0.0
