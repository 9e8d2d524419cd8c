"""The plan of the house, held: who may import whom, no circle, faces that hand on names and nothing else.

Imports are read from the sources: those of `.py` files by `ast`, in functions and behind `TYPE_CHECKING` as well, the
`cimport`s of `.pxd` and `.pyx` files by their lines. That a module's packages are imported before it is Python's own
doing and no arrow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import gunicorn

PACKAGE = Path(gunicorn.__file__).parent

#: Names for others to import, handed on by modules that nobody inside imports.
FACES = frozenset([
    "arbiter", "debug", "glogging", "pidfile", "reloader", "sock", "systemd", "util",
    "http", "http.body", "http.message", "http.parser", "http.unreader", "http.wsgi",
    "dirty", "dirty.app", "dirty.arbiter", "dirty.client", "dirty.errors", "dirty.stash", "dirty.worker",
])
#: Faces that have small helpers of their own beside the names of others.
WITH_HELPERS = frozenset(["util"])
#: What everybody may use, and what uses nobody; "" is the package itself, with its version.
GROUND = frozenset(["", "errors", "_build", "_calendar", "_record", "_standard", "_types"])

#: Room: the rooms it may import besides itself and the ground. From the top of the house to the bottom.
MAY_IMPORT: dict[str, str] = {
    "faces": "app master tasks control workers otel guests blocking asgi wsgi gateway drivers tls engine wire http "
    "instrument logs config loading unix",
    "management": "app config",
    "app": "master workers config loading unix",
    "master": "tasks control tls instrument logs config loading unix",
    "tasks": "instrument logs config loading unix",
    "control": "wire http instrument logs config unix",
    "workers": "otel guests blocking asgi wsgi gateway drivers tls engine wire http instrument logs config loading "
    "unix",
    "otel": "http logs config unix",
    "guests": "wsgi gateway tls engine wire http instrument config unix",
    "blocking": "wsgi gateway tls wire http instrument config unix",
    "asgi": "gateway drivers tls engine wire http instrument config unix",
    "wsgi": "gateway drivers tls engine wire http instrument config unix",
    "gateway": "drivers tls engine wire http instrument logs config unix",
    "drivers": "tls engine wire http instrument config unix",
    "tls": "engine config unix",
    "engine": "wire http instrument unix",
    "wire": "http",
    "http": "",
    "instrument": "logs config unix",
    "logs": "config unix",
    "config": "loading unix",
    "loading": "unix",
    "unix": "",
    "ground": "",
}

#: Arrows that the table does not have and that are there for now: the two modules, and what will open them.
FOR_NOW: dict[tuple[str, str], str] = {}

#: Messages are read and written without a socket and without a clock.
SANS_IO = ("http", "wire")
OF_THE_SYSTEM = frozenset(["os", "select", "socket", "ssl", "time"])
#: Module: what it may import all the same.
NEEDED: dict[str, frozenset[str]] = {
    # inet_pton and inet_ntop: whether a text is an address, and addresses as octets.
    "gunicorn.http.fields": frozenset(["socket"]),
    "gunicorn.wire.proxy_protocol": frozenset(["socket"]),
}

#: Without this line, the tests of the layout run.
layout = pytest.mark.skipif(not (PACKAGE / "master").is_dir(), reason="the files have not moved yet")


class Arrow(NamedTuple):
    """One import: `module` and where it says so, and the module or package it names."""

    module: str
    target: str
    file: str
    line: int


def room_of(module: str) -> str:
    """The room of a module of this package, by where it lies."""
    name = module.partition(".")[2]
    if name in FACES:
        return "faces"
    if name in GROUND:
        return "ground"
    if name == "__main__":
        return "app"
    room, dot, _ = name.partition(".")
    # The package of a room counts as of that room.
    assert dot or (PACKAGE / room).is_dir(), f"{module}: a module of no room; see MAY_IMPORT, FACES and GROUND"
    return room


def module_of(path: Path, root: Path) -> str:
    """The dotted name of a source file below `root`, the folder of the package."""
    parts = [root.name, *path.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _absolute(package: str, name: str, level: int) -> str:
    """What a relative import in a module of `package` means."""
    if not level:
        return name
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{name}" if name else base


def python_imports(source: str, package: str) -> Iterator[tuple[str, str, int]]:
    """What the source of a module in `package` imports, wherever: module, name ("" for all of it), line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, "", node.lineno
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(package, node.module or "", node.level)
            for alias in node.names:
                yield module, alias.name, node.lineno


_FROM = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+c?import[ \t]+(\([^)]*\)|[^\n#]*)", re.MULTILINE)
_WHOLE = re.compile(r"^[ \t]*c?import[ \t]+([\w.]+)", re.MULTILINE)


def cython_imports(source: str, package: str) -> Iterator[tuple[str, str, int]]:
    """The same for `.pxd` and `.pyx` files."""
    for found in _FROM.finditer(source):
        module = _absolute(package, found[2], len(found[1]))
        for name in found[3].strip("()").split(","):
            if name.strip():
                yield module, name.split()[0], source.count("\n", 0, found.start()) + 1
    for found in _WHOLE.finditer(source):
        yield found[1], "", source.count("\n", 0, found.start()) + 1


@cache
def read(root: Path = PACKAGE) -> tuple[frozenset[str], tuple[tuple[str, str, str, str, int], ...]]:
    """All modules, and every import in them: module, what it imports from, the name, file and line."""
    paths = sorted(path for path in root.rglob("*") if path.suffix in (".py", ".pyx", ".pxd"))
    modules = frozenset(module_of(path, root) for path in paths)
    found = []
    for path in paths:
        module = module_of(path, root)
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        imports = (python_imports if path.suffix == ".py" else cython_imports)(path.read_text(), package)
        found += [(module, base, name, str(path.relative_to(root)), line) for base, name, line in imports]
    return modules, tuple(found)


def arrows(root: Path = PACKAGE) -> list[Arrow]:
    """The imports between modules of the package."""
    modules, imports = read(root)
    result = []
    for module, base, name, file, line in imports:
        target = f"{base}.{name}" if f"{base}.{name}" in modules else base
        if target in modules and target != module:
            result.append(Arrow(module, target, file, line))
    return result


def circles(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The groups of modules from each of which the arrows lead to every other one (Tarjan's algorithm)."""
    targets: dict[str, list[str]] = {}
    for module, target in pairs:
        targets.setdefault(module, []).append(target)
        targets.setdefault(target, [])
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    result: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for target in targets[module]:
            if target not in number:
                visit(target)
                lowest[module] = min(lowest[module], lowest[target])
            elif target in stack:
                lowest[module] = min(lowest[module], number[target])
        if lowest[module] == number[module]:
            place = stack.index(module)
            if len(stack) - place > 1:
                result.append(sorted(stack[place:]))
            del stack[place:]

    for module in sorted(targets):
        if module not in number:
            visit(module)
    return result


def wrong_arrows(found: Iterable[Arrow]) -> list[Arrow]:
    """Those that the table does not have."""
    result = []
    for arrow in found:
        room, target = room_of(arrow.module), room_of(arrow.target)
        # Also no face inside: only another face hands on what it has.
        if target not in (room, "ground", *MAY_IMPORT[room].split()):
            result.append(arrow)
    return result


# -- the layout


@layout
def test_each_room_is_in_the_table() -> None:
    assert {room_of(module) for module in read()[0]} <= set(MAY_IMPORT)


@layout
def test_arrows_are_in_the_table() -> None:
    wrong = sorted({arrow for arrow in wrong_arrows(arrows()) if (arrow.module, arrow.target) not in FOR_NOW})
    assert not wrong, "\n".join(f"{arrow.file}:{arrow.line}: {arrow.module} -> {arrow.target}" for arrow in wrong)


@layout
def test_what_is_for_now_is_still_there() -> None:
    there = {(arrow.module, arrow.target) for arrow in wrong_arrows(arrows())}
    assert set(FOR_NOW) <= there, "take these out of FOR_NOW"


def test_the_table_has_no_circle() -> None:
    rooms = list(MAY_IMPORT)
    for place, room in enumerate(rooms):
        assert set(MAY_IMPORT[room].split()) <= set(rooms[place + 1 :]), room
    assert "asgi" not in MAY_IMPORT["wsgi"].split()
    assert "wsgi" not in MAY_IMPORT["asgi"].split()


@layout
def test_no_circle_of_modules() -> None:
    assert circles((arrow.module, arrow.target) for arrow in arrows()) == []


@layout
def test_no_system_calls_where_there_is_no_socket() -> None:
    wrong = [
        f"{file}:{line}: {base}"
        for module, base, _, file, line in read()[1]
        if room_of(module) in SANS_IO
        and base.partition(".")[0] in OF_THE_SYSTEM | {"posix"}
        and base.partition(".")[0] not in NEEDED.get(module, ())
    ]
    assert wrong == []


@layout
@pytest.mark.parametrize("name", sorted(FACES))
def test_a_face_hands_on_names_and_nothing_else(name: str) -> None:
    path = PACKAGE.joinpath(*name.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    if name not in WITH_HELPERS:
        # Without the docstring, as lines of one statement each.
        assert sum(isinstance(node, ast.stmt) for node in ast.walk(tree)) - 1 < 15
        assert not any(isinstance(node, ast.ClassDef) for node in ast.walk(tree))


# -- the reader


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os", ("os", "", 1)),
        ("import os.path as p", ("os.path", "", 1)),
        ("from a.b import c as d", ("a.b", "c", 1)),
        ("from . import c", ("gunicorn.room", "c", 1)),
        ("from .. import c", ("gunicorn", "c", 1)),
        ("from .b import c", ("gunicorn.room.b", "c", 1)),
        ("from ..b.c import d", ("gunicorn.b.c", "d", 1)),
        ("def f():\n    from .b import c", ("gunicorn.room.b", "c", 2)),
        ("if TYPE_CHECKING:\n    from .b import c", ("gunicorn.room.b", "c", 2)),
        ("try:\n    pass\nexcept E:\n    import b", ("b", "", 4)),
    ],
)
def test_imports_of_python(source: str, expected: tuple[str, str, int]) -> None:
    assert list(python_imports(source, "gunicorn.room")) == [expected]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from .b cimport c", [("gunicorn.room.b", "c", 1)]),
        ("cimport cython\nfrom ..b cimport c, d as e", [("gunicorn.b", "c", 2), ("gunicorn.b", "d", 2),
                                                        ("cython", "", 1)]),
        ("from .b cimport (\n    c,\n    d,\n)", [("gunicorn.room.b", "c", 1), ("gunicorn.room.b", "d", 1)]),
        ("\nfrom gunicorn import b  # why", [("gunicorn", "b", 2)]),
        ("cdef int f(): ...", []),
    ],
)
def test_imports_of_cython(source: str, expected: list[tuple[str, str, int]]) -> None:
    assert list(cython_imports(source, "gunicorn.room")) == expected


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ("ab bc", []),
        ("ab ba", [["a", "b"]]),
        ("ab bc ca cd", [["a", "b", "c"]]),
        ("ab ba cd dc bc", [["c", "d"], ["a", "b"]]),
        ("ab ac bd cd", []),
    ],
)
def test_circles(pairs: str, expected: list[list[str]]) -> None:
    assert circles((pair[0], pair[1]) for pair in pairs.split()) == expected


def test_an_arrow_that_the_table_does_not_have() -> None:
    up = Arrow("gunicorn.http.errors", "gunicorn.engine.engine", "http/errors.py", 1)
    down = Arrow("gunicorn.engine.engine", "gunicorn.http.errors", "engine/engine.py", 1)
    face = Arrow("gunicorn.app.base", "gunicorn.arbiter", "app/base.py", 1)
    assert wrong_arrows([up, down, face]) == [up, face]


def test_arrows_of_a_package(tmp_path: Path) -> None:
    root = tmp_path / "house"
    (root / "room").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "room/__init__.py").write_text("from . import one")
    (root / "room/one.py").write_text("import os\nfrom .two import name")
    (root / "room/two.pyx").write_text("from . import one")
    (root / "room/two.pxd").write_text("from .one cimport name")
    assert [(arrow.module, arrow.target, arrow.file, arrow.line) for arrow in arrows(root)] == [
        ("house.room", "house.room.one", "room/__init__.py", 1),
        ("house.room.one", "house.room.two", "room/one.py", 2),
        ("house.room.two", "house.room.one", "room/two.pxd", 1),
        ("house.room.two", "house.room.one", "room/two.pyx", 1),
    ]
