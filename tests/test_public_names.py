"""What hooks, workers, loggers and tools of third parties import: each name is there, of its kind, called as ever.

The table is `tests/public_names.py`; `python -m tests.test_public_names` prints it as the package is now.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.public_names import TABLE

KINDS = ("class", "exception", "function", "value")


class Public:
    """A module's part of the table: for each name its kind, and for a class the members that others use."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.kinds: dict[str, str] = {}
        self.members: dict[str, list[str]] = {}
        self.lines: list[str] = []


def _name_of(line: str) -> str:
    return line.strip().partition("(")[0].partition(":")[0]


def read(table: str) -> dict[str, Public]:
    """The table, by module."""
    modules: dict[str, Public] = {}
    name = ""
    for line in filter(None, table.splitlines()):
        words = line.split()
        if not line.startswith(" "):
            modules[line] = module = Public(line)
            continue
        module.lines.append(line)
        if line.startswith(" " * 8):
            module.members[name].append(_name_of(line))
        else:
            assert words[0] in KINDS, line
            name = _name_of(line.strip().partition(" ")[2])
            module.kinds[name] = words[0]
            module.members[name] = []
    return modules


MODULES = read(TABLE)


def kind_of(value: Any) -> str:
    if inspect.isclass(value):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isroutine(value) else "value"


def signature_of(value: Any) -> str:
    """How a function of this package is called, without its annotations; nothing for one of somebody else's.

    The compiled build has the same answer: what is public is no function of C, but Python's or what Cython makes of an
    ordinary `def`, and that knows its signature. Should a `cpdef` ever become public, `inspect` raises ValueError here.
    """
    if not str(getattr(value, "__module__", "")).startswith("gunicorn"):
        return ""
    whole = inspect.signature(value)
    parameters = [one.replace(annotation=one.empty) for one in whole.parameters.values()]
    return str(whole.replace(parameters=parameters, return_annotation=whole.empty))


def described(public: Public) -> Iterator[str]:
    """The lines of the table as the package is now."""
    found = import_module(public.module)
    for name, members in public.members.items():
        value = getattr(found, name)
        kind = kind_of(value)
        if kind == "function":
            yield f"    function {name}{signature_of(value)}"
        elif kind == "value":
            yield f"    value {name}: {type(value).__name__}"
        else:
            # Another name of a class, which may be one of several.
            made = signature_of(value.__init__) if value.__name__ == name else ""
            made = made.replace("(self, ", "(", 1).replace("(self)", "()")
            yield f"    {kind} {name}{made}"
        for member in members:
            one = inspect.getattr_static(value, member)
            one = getattr(one, "__func__", one)
            yield f"        {member}{signature_of(one) if inspect.isroutine(one) and callable(one) else ''}"


@pytest.mark.parametrize("module", MODULES)
def test_names(module: str) -> None:
    assert list(described(MODULES[module])) == MODULES[module].lines


def test_each_of_them_by_a_statement() -> None:
    """In a process of its own, in any order: no module needs another one to be there first."""
    lines = [f"from {module} import {name}" for module, public in reversed(MODULES.items()) for name in public.kinds]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


@pytest.mark.parametrize(
    "module", ["gunicorn.http", "gunicorn.http.body", "gunicorn.http.parser", "gunicorn.workers.ggevent"])
def test_a_name_that_is_none(module: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nothing'"):
        import_module(module).nothing  # noqa: B018


if __name__ == "__main__":
    print("\n\n".join("\n".join([module, *described(public)]) for module, public in MODULES.items()))
