"""`--spew`: print each line the interpreter runs."""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Collection
from types import FrameType

__all__ = ["Spew", "spew", "unspew"]

_NAME = re.compile(r"[^\W\d]\w*")


class Spew:
    """A trace function. `trace_names`: modules to follow (None: all); `show_values`: print the variables
    that a line uses after it."""

    def __init__(self, trace_names: Collection[str] | None = None, show_values: bool = True) -> None:
        self.trace_names = trace_names
        self.show_values = show_values

    def __call__(self, frame: FrameType, event: str, arg: object) -> Spew:
        if event == "line":
            self._print(frame)
        return self

    def _print(self, frame: FrameType) -> None:
        module = frame.f_globals.get("__name__", "?")
        if self.trace_names is not None and module not in self.trace_names:
            return
        filename = frame.f_code.co_filename
        line = linecache.getline(filename, frame.f_lineno, frame.f_globals).rstrip()
        print(f"{module}:{frame.f_lineno}: {line or '<no source>'}")
        if self.show_values:
            values = _values(line, frame)
            if values:
                print(f"\t{values}")


def _values(line: str, frame: FrameType) -> str:
    """`name=value` of the names in `line` that have a value yet."""
    shown: list[str] = []
    for name in dict.fromkeys(_NAME.findall(line)):
        for scope in (frame.f_locals, frame.f_globals):
            if name in scope:
                shown.append(f"{name}={_short(scope[name])}")
                break
    return " ".join(shown)


def _short(value: object, limit: int = 80) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001  # the boundary around an object of the application's
        text = f"<no repr: {type(error).__name__}>"
    return text if len(text) <= limit else text[:limit] + "..."


def spew(trace_names: Collection[str] | None = None, show_values: bool = False) -> None:
    """Start printing every line that runs in this thread."""
    sys.settrace(Spew(trace_names, show_values))


def unspew() -> None:
    """Stop."""
    sys.settrace(None)
