"""Where an exception of any kind may end: at the boundaries that docs/design.md names, and nowhere else.

A handler that lets everything go on when it has put something back (its last line is `raise`) is no boundary. Every
other one for `Exception` or `BaseException` says in its line which one it is, and has its place in the table below.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import gunicorn

PACKAGE = Path(gunicorn.__file__).parent
BROAD = frozenset(["Exception", "BaseException"])

#: What a boundary may be around, as the comment at the handler says it.
AROUND = re.compile(
    r"# the boundary around "
    r"(the application|one connection|a hook|a child|this process|this thread|the engine"
    r"|the user's code|a logger of the user's|an object of the application's)\b"
)

#: File: how many boundaries it has. A new one needs a reason in docs/design.md.
BOUNDARIES = {
    "app/base.py": 2,
    "asgi/cycle.py": 1,
    "asgi/gateway.py": 3,
    "asgi/lifespan.py": 1,
    "blocking/answering.py": 1,
    "blocking/cycle.py": 1,
    "blocking/patched.py": 1,
    "control/server.py": 1,
    "drivers/http1_ending.py": 1,
    "engine/connections.py": 1,
    "engine/engine.py": 5,
    "engine/intake.py": 1,
    "gateway/gateway.py": 2,
    "guests/tornado.py": 1,
    "loading/names.py": 1,
    "loading/spew.py": 1,
    "logs/atoms.py": 4,
    "logs/handlers.py": 1,
    "logs/json_lines.py": 1,
    "logs/logger.py": 1,
    "logs/logging_config.py": 2,
    "master/arbiter.py": 1,
    "master/child.py": 3,
    "master/hooks.py": 2,
    "master/pool.py": 1,
    "master/pool_master.py": 1,
    "master/pool_processes.py": 1,
    "master/pool_reload.py": 1,
    "master/reload.py": 1,
    "master/startup.py": 1,
    "master/upgrade.py": 1,
    "otel/metrics_process.py": 1,
    "tasks/calls.py": 2,
    "tasks/process.py": 2,
    "tasks/ray_actor.py": 4,
    "tls/terminator.py": 1,
    "unix/forks.py": 2,
    "workers/base.py": 1,
    "workers/engine_worker.py": 1,
    "workers/gasgi.py": 1,
    "workers/greenlets.py": 2,
    "workers/gthread.py": 2,
    "workers/gtornado.py": 2,
    "workers/mixed_gateway.py": 1,
    "workers/pooling.py": 1,
    "workers/sync.py": 1,
    "workers/thread_pool.py": 1,
    "wsgi/gateway.py": 2,
}


def handlers(source: str) -> list[tuple[int, str]]:
    """Number and text of the lines at which something of every kind ends."""
    lines = source.splitlines()
    return [
        (node.lineno, lines[node.lineno - 1])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ExceptHandler) and is_broad(node) and not lets_go_on(node)
    ]


def is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in BROAD for node in ast.walk(handler.type))


def lets_go_on(handler: ast.ExceptHandler) -> bool:
    """Whether it ends in `raise`, and has no other way out."""
    last = handler.body[-1]
    leaves = any(isinstance(node, ast.Return | ast.Continue | ast.Break) for node in ast.walk(handler))
    return isinstance(last, ast.Raise) and last.exc is None and not leaves


def suppressed(source: str) -> int:
    """How often `contextlib.suppress` is given something broad: that has no place for a reason."""
    return sum(
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "suppress"
        and any(isinstance(kind, ast.Name) and kind.id in BROAD for kind in node.args)
        for node in ast.walk(ast.parse(source))
    )


def sources() -> dict[str, str]:
    return {file.relative_to(PACKAGE).as_posix(): file.read_text("utf-8") for file in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("except Exception:\n    pass", 1), ("except (OSError, BaseException) as error:\n    print(error)", 1),
        ("except:\n    pass", 1), ("except BaseException:\n    undo()\n    raise", 0),
        ("except Exception as error:\n    raise ValueError from error", 1), ("except OSError:\n    pass", 0),
    ],
)
def test_what_counts(body: str, count: int) -> None:
    assert len(handlers(f"try:\n    act()\n{body}")) == count


def test_every_boundary_says_what_it_is_around() -> None:
    silent = [
        f"{name}:{number}: {line.strip()}"
        for name, source in sources().items()
        for number, line in handlers(source)
        if AROUND.search(line) is None
    ]
    assert silent == []


def test_boundaries_are_where_they_should_be() -> None:
    found = Counter({name: len(handlers(source)) for name, source in sources().items()})
    assert dict(+found) == BOUNDARIES


def test_nothing_broad_is_suppressed() -> None:
    assert [name for name, source in sources().items() if suppressed(source)] == []
