"""Each `.pxd` against the `.py` beside it, and each native leaf against its twin, without a compiler.

In the compiled build an attribute, a method or a local that only one of the two files knows is found at the first use,
or never. The reader knows the part of Cython's grammar that our declarations use, and refuses the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import gunicorn

PACKAGE = Path(gunicorn.__file__).parent

#: What types are made of besides classes of ours.
TYPE_WORDS = frozenset([
    "bint", "bytearray", "bytes", "char", "const", "dict", "double", "frozenset", "int", "list", "long", "object",
    "Py_buffer", "Py_ssize_t", "set", "str", "tuple", "unsigned", "void",
])


class Function(NamedTuple):
    """A function or method: its arguments without `self`, and what is said of its locals."""

    name: str
    arguments: tuple[str, ...]
    locals: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    public: bool = True


class Class(NamedTuple):
    """A class. `slots`: its attributes, None where it says nothing of them; `visible`: those that Python sees."""

    name: str
    base: str
    slots: frozenset[str] | None
    functions: dict[str, Function]
    types: tuple[str, ...] = ()
    visible: frozenset[str] = frozenset()


class Import(NamedTuple):
    """`from module import name as known`."""

    module: str
    name: str
    known: str


class Module(NamedTuple):
    """What a file declares, or defines."""

    classes: dict[str, Class]
    functions: dict[str, Function]
    names: frozenset[str]
    imports: frozenset[Import]
    types: tuple[str, ...] = ()


# -- declarations


def logical_lines(source: str) -> Iterator[str]:
    """The lines of a `.pxd` without comments, each joined with those that go on within its brackets."""
    whole = ""
    for line in source.splitlines():
        line = line.partition("#")[0].rstrip()
        whole = f"{whole} {line.strip()}" if whole else line
        if sum(map(whole.count, "([{")) > sum(map(whole.count, ")]}")):
            continue
        if whole.strip():
            yield whole
        whole = ""


_CLASS = re.compile(r"cdef class (\w+)(?:\((\w+)\))?:$")
_FORWARD = re.compile(r"cdef class \w+$")
_FUNCTION = re.compile(
    r"(cdef|cpdef)(?: inline)? ((?:[\w ]+[ *])?)(\w+)\(([^()]*)\)(?: noexcept| except\?? ?-?\w+)?$"
)
_ATTRIBUTE = re.compile(r"cdef (public |readonly )?([\w ]+[ *])(\w+(?:, ?\w+)*)$")
_LOCALS = re.compile(r"@cython\.locals\((.*?),?\)$")
_CIMPORT = re.compile(r"from (\.*[\w.]*) cimport \(?([\w, ]+)\)?$")


def _typed(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names and the words of the types of `int a, Name b, c`."""
    parts = [part.split("=")[0].replace("*", " ").split() for part in text.split(",") if part.strip()]
    return tuple(part[-1] for part in parts), tuple(word for part in parts for word in part[:-1])


def read_declarations(source: str) -> Module:
    """What a `.pxd` declares. Raises AssertionError for a line that this reader does not know."""
    module = Module({}, {}, frozenset(), frozenset())
    names: set[str] = set()
    types: list[str] = []
    imports: set[Import] = set()
    inside: Class | None = None
    locals_: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
    for line in logical_lines(source):
        text = line.strip()
        if not line.startswith(" "):
            inside = None
        if found := _CIMPORT.match(text):
            words_of = [name.split() for name in found[2].split(",") if name.strip()]
            imports |= {Import(found[1], words[0], words[-1]) for words in words_of}
        elif found := _CLASS.match(text):
            inside = Class(found[1], found[2] or "", frozenset(), {}, (found[2],) if found[2] else ())
            module.classes[found[1]] = inside
        elif found := _LOCALS.match(text):
            pairs = [pair.split("=") for pair in found[1].split(",")]
            said = [word for _, kind in pairs for word in kind.strip("\"' ").replace("*", " ").split()]
            locals_ = tuple(name.strip() for name, _ in pairs), tuple(said)
        elif found := _FUNCTION.match(text):
            arguments, words_ = _typed(found[4])
            if inside is not None:
                assert arguments[0] == "self", text
                arguments = arguments[1:]
            kinds = (*found[2].replace("*", " ").split(), *words_, *locals_[1])
            function = Function(found[3], arguments, locals_[0], kinds, found[1] == "cpdef")
            (module if inside is None else inside).functions[found[3]] = function
            locals_ = (), ()
        elif _FORWARD.match(text):
            # Of a class that follows, for those above it: nothing is declared yet.
            continue
        elif found := _ATTRIBUTE.match(text):
            declared = {name.strip() for name in found[3].split(",")}
            kinds = tuple(found[2].replace("*", " ").split())
            if inside is None:
                names.update(declared)
                types += kinds
            else:
                assert inside.slots is not None
                visible = inside.visible | (declared if found[1] else set())
                inside = inside._replace(slots=inside.slots | declared, types=inside.types + kinds, visible=visible)
                module.classes[inside.name] = inside
        else:
            assert text in ("cimport cython", "pass", "@cython.final") or text.startswith("@cython.freelist("), text
    return module._replace(names=frozenset(names), imports=frozenset(imports), types=tuple(types))


# -- definitions


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> tuple[str, ...]:
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    static = any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in node.decorator_list)
    return tuple(names[1:] if method and not static else names)


def _stored(node: ast.AST) -> frozenset[str]:
    """Names that are given a value somewhere in `node`."""
    return frozenset(
        one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    ) | frozenset(one.name for one in ast.walk(node) if isinstance(one, ast.ExceptHandler) and one.name)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> Function:
    arguments = _arguments(node, method)
    return Function(node.name, arguments, tuple(sorted(_stored(node) | set(arguments))))


def _slots(node: ast.ClassDef) -> frozenset[str] | None:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and _stored(statement) == {"__slots__"}:
            value = ast.literal_eval(statement.value)
            return frozenset([value] if isinstance(value, str) else value)
    return None


def read_definitions(source: str) -> Module:
    """What a `.py` defines at its top."""
    module = Module({}, {}, frozenset(), frozenset())
    imports: set[Import] = set()
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            base = node.bases[0] if node.bases else None
            functions = {
                one.name: _function(one, True)
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            module.classes[node.name] = Class(
                node.name, "" if base is None else ast.unparse(base).rpartition(".")[2], _slots(node), functions
            )
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            module.functions[node.name] = _function(node, False)
        else:
            names |= _stored(node)
        for one in ast.walk(node):
            if isinstance(one, ast.ImportFrom):
                where = "." * one.level + (one.module or "")
                imports |= {Import(where, alias.name, alias.asname or alias.name) for alias in one.names}
            elif isinstance(one, ast.Import):
                imports |= {Import("", alias.name, alias.asname or alias.name) for alias in one.names}
    return module._replace(names=frozenset(names), imports=frozenset(imports))


def used_names(source: str) -> frozenset[str]:
    """Names that a `.py` reads, its annotations aside: interpreted, those are not looked at."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return frozenset(node.id for node in names if isinstance(node.ctx, ast.Load))


# -- one against the other


def disagreements(declared: Module, defined: Module, used: frozenset[str] = frozenset()) -> list[str]:
    """What the two files of a compiled module say differently, in words."""
    found = []
    there = {one.known for one in defined.imports} | set(defined.functions) | set(defined.classes) | defined.names
    found += [f"{name}: no such name at the top of the module" for name in sorted(declared.names - there)]
    found += [
        f"{one.known}: cimported and used, and not imported"
        for one in sorted(declared.imports)
        if one.known in used - there
    ]
    types = frozenset(one.known for one in declared.imports) | set(declared.classes) | TYPE_WORDS
    found += _wrong_types("", declared.types, types)
    found += _functions("", declared.functions, defined.functions, types, there)
    for name, one in declared.classes.items():
        if name not in defined.classes:
            found.append(f"{name}: no such class")
            continue
        other = defined.classes[name]
        if one.base != other.base:
            found.append(f"{name}: its base is {one.base or 'object'} here and {other.base or 'object'} there")
        assert one.slots is not None
        if other.slots is None:
            found.append(f"{name}: no __slots__")
        else:
            found += [f"{name}.{slot}: declared, and no slot" for slot in sorted(one.slots - other.slots)]
            found += [f"{name}.{slot}: a slot that is not declared" for slot in sorted(other.slots - one.slots)]
        found += _wrong_types(f"{name}: ", one.types, types)
        found += _functions(f"{name}.", one.functions, other.functions, types, frozenset())
    return found


def _functions(
    where: str, declared: dict[str, Function], defined: dict[str, Function], types: frozenset[str],
    there: frozenset[str] | set[str],
) -> Iterator[str]:
    for name, one in declared.items():
        yield from _wrong_types(f"{where}{name}: ", one.types, types)
        if name not in defined:
            if name not in there:
                yield f"{where}{name}: no such function"
            continue
        other = defined[name]
        if one.arguments != other.arguments:
            yield f"{where}{name}: its arguments are {one.arguments} here and {other.arguments} there"
        for local in one.locals:
            if local not in other.locals:
                yield f"{where}{name}: {local} is none of its locals"


def _wrong_types(where: str, words: tuple[str, ...], known: frozenset[str]) -> Iterator[str]:
    for word in words:
        if word not in known:
            yield f"{where}{word}: no type that is known here"


_NATIVE = re.compile(
    r"^( {4})?(?:cpdef|def)(?: inline)? (?:[\w ]+[ *])?(\w+)\(([^()]*)\)", re.MULTILINE
)
_NATIVE_CLASS = re.compile(r"^cdef class (\w+)", re.MULTILINE)


def read_leaf(source: str) -> dict[str, tuple[str, ...]]:
    """The functions of a `.pyx` that Python sees, those of classes as `Class.name`, each with its arguments."""
    classes = [(found.start(), found[1]) for found in _NATIVE_CLASS.finditer(source)]
    result = {}
    for found in _NATIVE.finditer(source):
        name, (arguments, _) = found[2], _typed(found[3])
        if found[1]:
            owner = [kind for start, kind in classes if start < found.start()][-1]
            name, arguments = f"{owner}.{name}", arguments[1:]
        result[name] = arguments
    return result


def read_twin(module: Module) -> dict[str, tuple[str, ...]]:
    """The same of the `.py` beside it."""
    result = {name: function.arguments for name, function in module.functions.items()}
    for kind in module.classes.values():
        result |= {f"{kind.name}.{name}": function.arguments for name, function in kind.functions.items()}
    return result


def _is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def twin_disagreements(declared: Module, native: dict[str, tuple[str, ...]], twin: Module) -> list[str]:
    """What a leaf, its declarations and its twin say differently of what others use. What makes an object, and what is
    within it, is the affair of each of the two."""
    there = {one.known for one in twin.imports} | twin.names
    other = read_twin(twin)
    found = []
    for name in sorted(set(native) | set(other)):
        if not _is_public(name) or name in there:
            continue
        if name not in other or name not in native:
            found.append(f"{name}: only in {'the leaf' if name in native else 'its twin'}")
        elif native[name] != other[name]:
            found.append(f"{name}: its arguments are {native[name]} in the leaf and {other[name]} in its twin")
    found += [f"{name}: declared, and not in the twin" for name in sorted(declared.names - there)]
    found += [
        f"{kind.name}.{name}: declared, and no slot of the twin"
        for kind in declared.classes.values()
        for name in sorted(kind.visible - (twin.classes[kind.name].slots or frozenset()))
    ]
    functions = [("", function) for function in declared.functions.values()]
    functions += [(f"{kind.name}.", one) for kind in declared.classes.values() for one in kind.functions.values()]
    found += [
        f"{where}{function.name}: declared with {function.arguments}, and not so in the leaf"
        for where, function in functions
        if function.public and native.get(where + function.name) != function.arguments
    ]
    return found


# -- the package

DECLARED = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.pxd"))}
LEAVES = {name: path for name, path in DECLARED.items() if path.with_suffix(".pyx").exists()}
COMPILED = {name: path for name, path in DECLARED.items() if name not in LEAVES}


@pytest.mark.parametrize("name", COMPILED)
def test_declarations_agree(name: str) -> None:
    source = COMPILED[name].with_suffix(".py").read_text()
    declared = read_declarations(COMPILED[name].read_text())
    assert disagreements(declared, read_definitions(source), used_names(source)) == []


@pytest.mark.parametrize("name", LEAVES)
def test_leaves_agree_with_their_twins(name: str) -> None:
    path = LEAVES[name]
    declared = read_declarations(path.read_text())
    native = read_leaf(path.with_suffix(".pyx").read_text())
    assert native
    assert twin_disagreements(declared, native, read_definitions(path.with_suffix(".py").read_text())) == []


def test_what_is_cimported_is_declared() -> None:
    wrong = []
    for name, path in DECLARED.items():
        for one in sorted(read_declarations(path.read_text()).imports):
            words = one.module.lstrip(".").split(".")
            dots = len(one.module) - len(one.module.lstrip("."))
            folder = path.parents[dots - 1] if dots else PACKAGE.parent
            other = folder.joinpath(*words).with_suffix(".pxd")
            there = read_declarations(other.read_text() if other.exists() else "")
            if one.name not in there.names | set(there.functions) | set(there.classes):
                wrong.append(f"{name}: {one.name} of {one.module}")
    assert wrong == []


def test_each_native_file_is_declared_and_has_a_twin() -> None:
    assert LEAVES
    assert COMPILED
    for path in PACKAGE.rglob("*.pyx"):
        assert path.with_suffix(".pxd").exists()
        assert path.with_suffix(".py").exists()
    for path in DECLARED.values():
        assert path.with_suffix(".py").exists()


# -- what would be found

DECLARATION = """\
cimport cython
from ..room.other cimport (
    ONE, Other)

cdef int FIRST, SECOND


cdef class Kind(Other):
    cdef public int count
    cdef readonly Other other
    cdef bytes _octets

    @cython.locals(
        size=Py_ssize_t, view="const unsigned char *")
    cpdef int act(self, bytes data, Other other) except -1
    cdef _wait(self)


cpdef bytes work(data, Py_ssize_t size)
"""

DEFINITION = """\
from ..room.other import ONE, Other

FIRST, SECOND = 1, 2


class Kind(Other):
    __slots__ = ("_octets", "count", "other")

    def act(self, data: bytes, other: Other) -> int:
        view = data
        for size in range(ONE):
            pass
        return FIRST

    def _wait(self) -> None:
        pass


def work(data: bytes, size: int) -> bytes:
    return data
"""

#: What is changed in either of the two, and what is said of it.
BREAKAGES = {
    "nothing": ("", "", []),
    "attribute": ("_octets\n", "_octets, more\n", ["Kind.more: declared, and no slot"]),
    "slot": ('"count", ', '"count", "more", ', ["Kind.more: a slot that is not declared"]),
    "slots": ("__slots__ = ", "SLOTS = ", ["Kind: no __slots__"]),
    "method": ("def act(", "def react(", ["Kind.act: no such function"]),
    "argument": (
        "other: Other)", "another: Other)",
        ["Kind.act: its arguments are ('data', 'other') here and ('data', 'another') there"],
    ),
    "order": (
        "data, Py_ssize_t size)", "Py_ssize_t size, data)",
        ["work: its arguments are ('size', 'data') here and ('data', 'size') there"],
    ),
    "local": ("view = data", "sight = data", ["Kind.act: view is none of its locals"]),
    "class": ("class Kind(Other):\n    __slots__", "class Sort(Other):\n    __slots__", ["Kind: no such class"]),
    "base": ("cdef class Kind(Other)", "cdef class Kind", ["Kind: its base is object here and Other there"]),
    "function": ("def work(", "def play(", ["work: no such function"]),
    "value": ("FIRST, SECOND =", "FIRST, THIRD =", ["SECOND: no such name at the top of the module"]),
    "import": ("import ONE, Other", "import Other", ["ONE: cimported and used, and not imported"]),
    "type": ("Py_ssize_t size)\n", "Size size)\n", ["work: Size: no type that is known here"]),
    "type of an attribute": ("cdef bytes _octets", "cdef byte _octets", ["Kind: byte: no type that is known here"]),
    "type of a local": ("size=Py_ssize_t", "size=Size", ["Kind.act: Size: no type that is known here"]),
}


@pytest.mark.parametrize("case", BREAKAGES)
def test_each_kind_of_disagreement_is_found(case: str) -> None:
    old, new, expected = BREAKAGES[case]
    assert (old in DECLARATION) or (old in DEFINITION)
    declaration = DECLARATION.replace(old, new, 1) if old else DECLARATION
    definition = DEFINITION.replace(old, new, 1) if old and declaration == DECLARATION else DEFINITION
    found = disagreements(read_declarations(declaration), read_definitions(definition), used_names(definition))
    assert found == expected


LEAF = """\
cdef class Kind:
    def __cinit__(self):
        pass

    cpdef Py_ssize_t act(self, int fd, object data) except? -2:
        cdef Py_ssize_t count = hidden(fd)
        return count


cdef Py_ssize_t hidden(int fd):
    return fd


cpdef bytes work(bytes data, Py_ssize_t size):
    return data


def play(data, size=1):
    return data
"""
LEAF_DECLARATION = """\
cdef class Kind:
    cdef void *_place
    cdef readonly int size
    cpdef Py_ssize_t act(self, int fd, object data) except? -2

cpdef bytes work(bytes data, Py_ssize_t size)
"""
TWIN = """\
class Kind:
    __slots__ = ("_own", "size")

    def act(self, fd, data): ...

def work(data, size): ...

def play(data, size=1): ...

def _inner(): ...
"""
TWIN_BREAKAGES = {
    "nothing": ("", "", []),
    "only in the leaf": ("def play(data, size=1): ...\n", "", ["play: only in the leaf"]),
    "only in its twin": ("_inner", "inner", ["inner: only in its twin"]),
    "imported": ("def play(data, size=1): ...\n", "from x import play\n", []),
    "argument": (
        "def work(data, size)", "def work(data, count)",
        ["work: its arguments are ('data', 'size') in the leaf and ('data', 'count') in its twin"],
    ),
    "method": (
        "act(self, fd, data)", "act(self, fd)",
        ["Kind.act: its arguments are ('fd', 'data') in the leaf and ('fd',) in its twin"],
    ),
    "attribute": ('"_own", "size"', '"_own"', ["Kind.size: declared, and no slot of the twin"]),
}


@pytest.mark.parametrize("case", TWIN_BREAKAGES)
def test_each_kind_of_disagreement_of_twins_is_found(case: str) -> None:
    old, new, expected = TWIN_BREAKAGES[case]
    assert old in TWIN
    twin = read_definitions(TWIN.replace(old, new, 1) if old else TWIN)
    assert twin_disagreements(read_declarations(LEAF_DECLARATION), read_leaf(LEAF), twin) == expected


def test_a_leaf_that_is_declared_otherwise() -> None:
    declared = read_declarations(LEAF_DECLARATION.replace("work(bytes data, ", "work("))
    assert twin_disagreements(declared, read_leaf(LEAF), read_definitions(TWIN)) == [
        "work: declared with ('size',), and not so in the leaf"
    ]


@pytest.mark.parametrize("line", ["ctypedef int Number", "cdef enum:", "cdef int f(int (*g)(int))", "import os"])
def test_grammar_that_the_reader_does_not_know(line: str) -> None:
    with pytest.raises(AssertionError):
        read_declarations(line)
