"""Which settings put something in front of a gateway, and in which order."""

from __future__ import annotations

from .wiring import hosts_of, site_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config
    from gunicorn.engine.handler import Handler

    from .gateway import Gateway

__all__ = ["front_of"]


def front_of(gateway: Gateway, cfg: Config) -> Handler:
    """What the engine hands requests to: the gateway, or what is to stand in front of it. The health path comes first:
    load balancers ask for it by address."""
    front: Handler = gateway
    if cfg.static:
        from .static_files import StaticFiles

        front = StaticFiles(front, gateway, site_of(cfg))
    if cfg.allowed_hosts:
        from .allowed_hosts import AllowedHosts

        front = AllowedHosts(front, gateway, hosts_of(cfg))
    if cfg.health_path:
        from .health_path import HealthPath

        front = HealthPath(front, gateway, cfg.health_path)
    return front
