"""Names that files and environments of before version 28 have for something of their own, and that are settings since.

They are told by their value. Such a name is passed over with a warning: what has never had an effect is not to stop a
server, or to have its workers replaced without end.
"""

from __future__ import annotations

from types import ModuleType

from .validators.scalars import SMALLEST_PROCESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["not_meant", "why_not_meant"]

_MEMORY = "no worker fits into so few bytes: write 200M for megabytes"


def _template(value: object) -> str:
    """The format that a file gives to `logging`, or to `access_log_format`."""
    is_one = isinstance(value, str) and ("%" in value or "{" in value)
    return "it is text or json, and no template: see access_log_format and logconfig_dict" if is_one else ""


def _megabytes(value: object) -> str:
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < SMALLEST_PROCESS
    return _MEMORY if is_one else ""


def _helper(value: object) -> str:
    """A function, a class or a module that a file has defined or imported."""
    return "it is no function, class or module" if callable(value) or isinstance(value, ModuleType) else ""


# By name: words about a value that is none of the setting's, empty for one that may be.
_TOLD: dict[str, Callable[[object], str]] = {
    "color": _helper,
    "gc_freeze": _helper,
    "log_format": _template,
    "log_streams": _helper,
    "max_worker_memory": _megabytes,
    "max_worker_memory_hard": _megabytes,
    "mount": _helper,
    "static": _helper,
}


def why_not_meant(name: str, value: object) -> str:
    """Words about why `value` is not meant for the setting `name`, empty where it may be."""
    told = _TOLD.get(name)
    return told(value) if told is not None else ""


def not_meant(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The names in a file of Python that are not meant for the settings which are called so, and why."""
    for name in _TOLD:
        if name in values:
            why = why_not_meant(name, values[name])
            if why:
                yield name, why
