"""docs/troubleshooting.md has every line that the server writes to its log at warning or above, and no other."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator

from tests.support.server import REPOSITORY

PAGE = REPOSITORY / "docs" / "troubleshooting.md"
PACKAGE = REPOSITORY / "gunicorn"
LEVELS = {"warning", "error", "critical", "exception"}
#: What is no logger and has a method of such a name.
OTHERS = re.compile(r"sys|task|each|fs|parser|self|Logger|self\.error_log")
#: `self.error(...)` and the like are lines in a logger, where they are no part of what it passes on.
LOGGERS = {"logs/logger.py", "instrument/statsd.py"}
#: Lines without words of their own: what is wrong stands in the exception that each hands on. The page has a section.
WORDLESS = {"…", "…: …"}
#: Calls that hand on a text of a caller: the supervisor's decisions, which are looked for by themselves, an exception.
HANDED_ON = {
    ("logs/logger.py", "msg"), ("instrument/statsd.py", "msg"), ("workers/base.py", "error"),
}
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-+0-9.]*[a-z]")


@functools.cache
def modules() -> list[tuple[str, ast.Module]]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return [(path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def texts_of(node: ast.expr, scopes: list[ast.AST]) -> list[str]:
    """What an expression can be, with an ellipsis for what is filled in; empty where that is not found."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return texts_of(node.left, scopes)
    if isinstance(node, ast.IfExp):
        return texts_of(node.body, scopes) + texts_of(node.orelse, scopes)
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    local = assigned(name, scopes, node.lineno) if isinstance(node, ast.Name) else []
    if local or not name.isupper():
        return local
    # A constant of another module.
    return [text for _, module in modules() for text in assigned(name, [module], sys.maxsize)]


def assigned(name: str, scopes: list[ast.AST], before: int) -> list[str]:
    """The texts that a name was given last before a line, in the innermost of the scopes that gives it one."""
    for scope in scopes:
        given = [(line, value) for target, value, line in assignments(scope) if target == name and line < before]
        if given:
            last = max(line for line, _ in given)
            return [text for line, value in given if line == last for text in texts_of(value, [])]
    return []


def assignments(scope: ast.AST) -> Iterator[tuple[str, ast.expr, int]]:
    """Each name, what it is given, and where."""
    for each in ast.walk(scope):
        for target in each.targets if isinstance(each, ast.Assign) else []:
            if isinstance(target, ast.Name):
                yield target.id, each.value, each.lineno
            elif isinstance(target, ast.Tuple) and isinstance(each.value, ast.Tuple):
                for part, value in zip(target.elts, each.value.elts, strict=True):
                    yield ast.unparse(part), value, each.lineno


def calls(tree: ast.Module) -> Iterator[tuple[ast.Call, list[ast.AST]]]:
    """Each call, with the function it stands in and the module."""

    def walk(node: ast.AST, scopes: list[ast.AST]) -> Iterator[tuple[ast.Call, list[ast.AST]]]:
        inner = [node, *scopes] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else scopes
        if isinstance(node, ast.Call):
            yield node, inner
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inner)

    yield from walk(tree, [tree])


def line_of(file: str, call: ast.Call) -> ast.expr | None:
    """The expression for the text of a log line at warning or above; None for any other call."""
    function = call.func
    if isinstance(function, ast.Attribute):
        owner = ast.unparse(function.value)
        if function.attr in LEVELS and call.args:
            is_other = OTHERS.fullmatch(owner) and not (file in LOGGERS and owner in ("self", "Logger"))
            if not is_other:
                return call.args[-1] if owner == "Logger" and len(call.args) == 1 else skip_self(call)
        if function.attr in ("_log", "log") and is_level(call.args[:1]):
            return call.args[1]
    if isinstance(function, ast.Name) and function.id == "Log" and is_level(call.args[:1]):
        return call.args[1]
    if isinstance(function, ast.Name) and function.id == "_say" and file == "logs/syslog.py":
        return call.args[0]
    return None


def skip_self(call: ast.Call) -> ast.expr:
    first = call.args[0]
    return call.args[1] if isinstance(first, ast.Name) and first.id == "self" else first


def is_level(arguments: list[ast.expr]) -> bool:
    return bool(arguments) and isinstance(arguments[0], ast.Constant) and arguments[0].value in LEVELS


def shown(text: str) -> str:
    """The first line of a log line, as the page has it."""
    return PLACEHOLDER.sub("…", text.partition("\n")[0]).rstrip()


@functools.cache
def lines_in_the_source() -> tuple[set[str], list[str]]:
    """All lines, and where one is written that could not be read."""
    found: set[str] = set()
    unread = []
    for file, tree in modules():
        for call, scopes in calls(tree):
            node = line_of(file, call)
            if node is None or (file, ast.unparse(node)) in HANDED_ON:
                continue
            texts = texts_of(node, scopes)
            found |= {shown(text) for text in texts}
            if not texts:
                unread.append(f"gunicorn/{file}:{call.lineno}")
    return found, unread


def lines_on_the_page() -> list[str]:
    """The first column of its tables: one line or more, each as code."""
    rows = re.findall(r"^\| (`.+?`) \| .+ \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [line for row in rows for line in re.findall(r"`([^`]+)`", row)]


def test_every_line_of_the_source_can_be_read() -> None:
    assert lines_in_the_source()[1] == []


def test_the_page_has_every_line_of_the_source() -> None:
    assert sorted(lines_in_the_source()[0] - WORDLESS - set(lines_on_the_page())) == []


def test_the_page_has_no_line_that_is_not_written_any_more() -> None:
    assert sorted(set(lines_on_the_page()) - lines_in_the_source()[0]) == []


def test_no_line_is_told_twice() -> None:
    lines = lines_on_the_page()
    assert [line for line in lines if lines.count(line) > 1] == []


def test_lines_are_found_however_they_are_written() -> None:
    tree = ast.parse(
        "NAMED = 'named'\n"
        "def function(self, log, value):\n"
        "    log.warning('plain %s, %.1f s\\nmore', value)\n"
        "    text = f'formed {value}' + ', and more'\n"
        "    self.log.error(text, value)\n"
        "    self._log('critical' if 0 else 'info', 'not seen')\n"
        "    self._log('error', 'decided %d', value)\n"
        "    self._log('info', 'quiet')\n"
        "    log.exception(NAMED)\n"
        "    log.info('quiet')\n"
        "    parser.error('none')\n"
    )
    found = [
        shown(text) for call, scopes in calls(tree) if (node := line_of("a.py", call)) is not None
        for text in texts_of(node, scopes)
    ]
    assert found == ["plain …, … s", "formed …", "decided …", "named"]
