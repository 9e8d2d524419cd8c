"""Applications of tasks: what their authors derive from, and how one is found by its name."""

from __future__ import annotations

import sys
from importlib import import_module

from .errors import DirtyAppError, DirtyAppNotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunicorn._types import Value

__all__ = [
    "DirtyApp", "class_at", "get_app_workers_attribute", "load_dirty_app", "load_dirty_apps", "parse_dirty_app_spec",
]

_FORMAT = "'module.path:ClassName'"
_METHODS = ("init", "__call__", "close")


class DirtyApp:
    """Base of applications: each public method is an action.

    An instance is made in each process that has the application, `init` is called before it serves and `close` when it
    ends in good order. `workers`: in how many processes it is; None: in all.
    """

    workers: int | None = None

    def init(self) -> None:
        """Make ready what the actions need."""

    def __call__(self, action: str, *args: Value, **kwargs: Value) -> Value:
        """Run an action. Raises ValueError where there is none of this name."""
        method = None if action.startswith("_") or action == "workers" else getattr(self, action, None)
        if method is None:
            raise ValueError(f"Unknown action: {action}")
        return method(*args, **kwargs)

    def close(self) -> None:
        """Put away what `init` has made ready."""


def parse_dirty_app_spec(spec: str) -> tuple[str, int | None]:
    """The path of an application, and the number of processes that `MODULE:CLASS:N` limits it to (None: no limit).

    Raises DirtyAppError.
    """
    path, workers = spec, None
    parts = spec.split(":")
    if len(parts) == 3:
        path = ":".join(parts[:2])
        try:
            workers = int(parts[2])
        except ValueError:
            raise DirtyAppError(
                f"Invalid worker count in spec: {spec}. Expected integer, got {parts[2]!r}", app_path=spec
            ) from None
        if workers < 1:
            text = f"Invalid worker count in spec: {spec}. Worker count must be >= 1, got {workers}"
            raise DirtyAppError(text, app_path=spec)
    elif len(parts) != 2:
        text = f"Invalid import path format: {spec}. Expected {_FORMAT} or 'module.path:ClassName:N'"
        raise DirtyAppError(text, app_path=spec or None)
    return path, workers


def get_app_workers_attribute(path: str) -> int | None:
    """What the class at `path` says itself of the number of its processes. Raises DirtyAppError."""
    workers: int | None = getattr(class_at(path), "workers", None)
    return workers


def load_dirty_app(path: str) -> Value:
    """An instance of the class at `path`, before its `init`. Raises DirtyAppError, and what the class raises."""
    kind = class_at(path)
    if not isinstance(kind, type):
        raise DirtyAppError(f"{path} is not a class", app_path=path)
    for name in _METHODS:
        # What every class has from its metaclass is no method of the instances.
        if not any(name in vars(base) for base in kind.__mro__):
            raise DirtyAppError(f"{path} is missing required method: {name}", app_path=path)
    return kind()


def load_dirty_apps(paths: Iterable[str]) -> dict[str, Value]:
    """Instances by path. Raises what `load_dirty_app` raises."""
    return {path: load_dirty_app(path) for path in paths}


def class_at(path: str) -> object:
    """What is at `path`. Raises DirtyAppError, and what importing its module raises."""
    module, _, name = path.partition(":")
    if not name or ":" in name:
        raise DirtyAppError(f"Invalid import path format: {path}. Expected {_FORMAT}", app_path=path)
    try:
        found = import_module(module) if module else None
    except ModuleNotFoundError as error:
        # That a module inside imports something which is missing is its own affair, and its own traceback.
        if error.name is None or not (module + ".").startswith(error.name + ".") or module in sys.modules:
            raise
        raise DirtyAppNotFoundError(path) from error
    if found is None or not hasattr(found, name):
        raise DirtyAppNotFoundError(path)
    value: object = getattr(found, name)
    return value
