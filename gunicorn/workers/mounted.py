"""The applications of a configuration with mounts, loaded and put together to one."""

from __future__ import annotations

from gunicorn.config.checks import refuse_second_root
from gunicorn.config.mounts import Place, in_order, parse_place
from gunicorn.errors import AppExitError, AppImportError, AppModuleNotFoundError
from gunicorn.gateway.mounts import Mount
from gunicorn.loading.interface import ASGI, as_single_callable, interface_of, is_double_callable
from gunicorn.loading.names import import_app, is_an_application, is_ours, looks_like_factory
from gunicorn.loading.tracebacks import without_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import App
    from gunicorn.config.config import Config

__all__ = ["mounted"]


def mounted(cfg: Config, load: Callable[[], App] | None) -> App:
    """One application of all: `load` gives the one that stands where no mount does, if there is one; the mounts are
    those of `cfg`.

    Raises AppImportError, ConfigError, and whatever an application raises while it is imported.
    """
    places: list[Place] = []
    targets: list[str] = []
    apps: list[App] = []
    if load is not None:
        refuse_second_root(cfg)
        places.append(Place())
        targets.append(cfg.default_proc_name if "default_proc_name" in cfg.sources else "")
        apps.append(load())
    for written, target in cfg.mount.items():
        places.append(parse_place(written))
        targets.append(target)
        apps.append(_loaded(f"mount {written}={target}", target))
    ranks = {number: rank for rank, number in enumerate(in_order(places))}
    mounts = [Mount(ranks[number], *parts) for number, parts in enumerate(zip(places, targets, apps, strict=True))]
    return _together(cfg, mounts)


def _loaded(who: str, target: str) -> App:
    try:
        app = without_exit(lambda: import_app(target), f"the {who}", "while it was imported")
    except AppExitError:
        raise
    except AppModuleNotFoundError as error:
        raise AppModuleNotFoundError(f"{who}: {error}", name=error.name) from error
    except AppImportError as error:
        raise AppImportError(f"{who}: {error}") from error
    if looks_like_factory(app):
        call = f"{target}()" if ":" in target else f"{target}:application()"
        raise AppImportError(f"{who}: it looks like a factory, as it takes no arguments: use {call!r}.")
    if not is_an_application(app):
        raise AppImportError(f"{who}: it takes neither the arguments of WSGI nor those of ASGI.")
    return app


def _together(cfg: Config, mounts: list[Mount]) -> App:
    asgi: list[Mount] = []
    wsgi: list[Mount] = []
    for mount in mounts:
        (asgi if _is_asgi(cfg, mount.app) else wsgi).append(mount)
    # One room a kind: whoever has only the other need not have it in memory.
    others = None
    if wsgi:
        from gunicorn.wsgi.mounts import MountedWSGI

        others = MountedWSGI(wsgi)
        if not asgi:
            return others
    _refuse_mixture_elsewhere(cfg, others)
    from gunicorn.asgi.mounts import MountedASGI

    return MountedASGI(map(_single, asgi), cfg, others)


def _refuse_mixture_elsewhere(cfg: Config, others: object) -> None:
    """Raise AppImportError where workers of somebody else, which serve ASGI or WSGI, would have to serve both."""
    if others is None or "worker_class" not in cfg.sources:
        return
    kind = cfg.worker_class
    if not is_ours(kind.__module__) and not getattr(kind, "serves_asgi", False):
        problem = f"worker_class = {cfg.worker_class_str} cannot serve mounts of WSGI beside those of ASGI: use -k asgi"
        raise AppImportError(problem)


def _single(mount: Mount) -> Mount:
    app = mount.app
    return mount.replaced(app=as_single_callable(app)) if isinstance(app, type) and is_double_callable(app) else mount


def _is_asgi(cfg: Config, app: App) -> bool:
    """As the worker type would take it alone, where its signature does not tell."""
    interface = interface_of(app)
    if interface is None:
        return "worker_class" in cfg.sources and getattr(cfg.worker_class, "serves_asgi", False)
    return interface == ASGI
