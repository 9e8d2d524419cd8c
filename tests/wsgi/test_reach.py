"""What an application can reach of the server it cannot break: it may harm its own process, but not write beside it.

From `start_response`, `send`, `receive`, the environ and the scope everything is reached that Python can see. Each
attribute is set to what it should not be, and deleted; where that is let, in a process of its own that then finishes
the request. It may fail in any way that Python fails; it must not die of a signal.
"""

from __future__ import annotations

import ast
import asyncio
import mmap
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn._build import build_kind
from gunicorn.asgi.gateway import ASGIGateway
from gunicorn.asgi.http import HTTPCycle
from gunicorn.asgi.websocket import Inbox, WebSocketCycle
from gunicorn.config import Config
from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine.engine import Engine
from gunicorn.engine.manners import Manners
from gunicorn.engine.settings import Settings
from gunicorn.http.errors import GatewayTimeout
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.wsgi.gateway import WSGIGateway
from tests.support.server import REPOSITORY, clean_environment
from tests.wsgi.test_gateway import FakeLog

pytestmark = [
    pytest.mark.skipif(build_kind() != "compiled", reason="interpreted attributes are anybody's"),
    pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer makes a thousand forks slow"),
]

# Made once: it is no part of what is within reach.
CONFIG = Config()
BAD = (None, -1, 2**63, object())
DELETE = object()
DEPTH = 4
REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: y\r\n\r\nabcGET /next HTTP/1.1\r\nHost: a\r\n\r\n"
#: Seconds after which a process that waits for what was taken from it is ended; that is no crash.
PATIENCE = 1


def names_of(thing: Any) -> list[str]:
    """Attributes that are data, of the classes of this package."""
    found = []
    for base in type(thing).__mro__:
        if base.__module__.startswith("gunicorn."):
            found += [name for name, value in vars(base).items() if type(value).__name__ in (
                "getset_descriptor", "member_descriptor")]
    return sorted(set(found) - {"__dict__", "__weakref__"})


def is_ours(thing: Any) -> bool:
    return type(thing).__module__.startswith("gunicorn.") and not isinstance(thing, type)


def walk(roots: dict[str, Any]) -> list[tuple[str, ...]]:
    """Paths to all attributes within reach, each object once."""
    paths: list[tuple[str, ...]] = []
    seen: set[int] = set()
    level = [((name,), root) for name, root in roots.items()]
    for _ in range(DEPTH):
        following = []
        for path, thing in level:
            if id(thing) in seen or not is_ours(thing):
                continue
            seen.add(id(thing))
            for name in names_of(thing):
                paths.append((*path, name))
                try:
                    following.append(((*path, name), getattr(thing, name)))
                except Exception:
                    pass
        level = following
    return paths


def at(roots: dict[str, Any], path: tuple[str, ...]) -> Any:
    thing = roots[path[0]]
    for name in path[1:]:
        thing = getattr(thing, name)
    return thing


Act = Callable[[dict[str, Any]], object]


def wsgi(act: Act) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        act({
            "response": start_response.__self__, "view": environ["gunicorn.socket"], "input": environ["wsgi.input"],
            "turn": environ["gunicorn.client_disconnected"], "connection": environ["gunicorn.socket"].exchange,
        })
        write = start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "10")])
        write(b"hello")
        return [b"hello"]

    return app


def asgi(act: Act) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        act({"cycle": send.__self__, "waiting": receive()})
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": b"hello", "more_body": True})
        await send({"type": "http.response.body", "body": b"hello"})

    return app


def serve(kind: str, act: Act) -> None:
    """Two requests on one connection, with an application that does `act` first."""
    cfg = CONFIG
    log: Any = FakeLog()
    worker = SimpleNamespace(cfg=cfg, log=log, max_requests=sys.maxsize, alive=True, recycle=lambda: None)
    gateway_of, app = (ASGIGateway, asgi(act)) if kind == "asgi" else (WSGIGateway, wsgi(act))
    manners = Manners(threaded=kind == "gthread", multithread=kind == "gthread")
    gateway = gateway_of(worker, app, manners, False, "gunicorn", "gunicorn/28")
    settings = Settings(keepalive=5.0, buffer_request_body=kind != "asgi")
    engine = Engine(HTTPOpener(), gateway, settings, Limits(), Peers(["*"]), Peers([]))
    gateway.attach(engine)
    gateway.wait_writable = gateway.wait_readable = lambda connection: None
    engine.threaded = kind == "gthread"

    def exchange() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            engine.listen([listener])
            with socket.create_connection(listener.getsockname()) as client:
                client.sendall(REQUEST)
                for _ in range(4):
                    engine.poll(0.0)
                    engine.now += 1000
                    engine.sweep()
            engine.poll(0.0)
            engine.close()

    async def main() -> None:
        gateway.loop = asyncio.get_running_loop()
        gateway.loop.call_soon(exchange)
        for _ in range(6):
            await asyncio.sleep(0)

    if kind == "asgi":
        asyncio.run(main())
    else:
        exchange()


def apart(function: Callable[[], None]) -> int:
    """The signal that has ended a process that does this; 0 when none has."""
    with warnings.catch_warnings():
        # Libraries that other tests have imported have their opinions of fork(2).
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid == 0:
        # Whatever the child says is of no interest.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        # The handler of whoever watches over this test has no business here.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            function()
        except BaseException:
            pass
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


class Progress:
    """How far a process that is apart has come, for the one that has made it."""

    def __init__(self) -> None:
        self.page = mmap.mmap(-1, 4)

    def begin(self, index: int) -> None:
        """This one is begun with, for which there is time again."""
        self.reach(index)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def reach(self, index: int) -> None:
        self.page[:] = index.to_bytes(4, "little")

    def reached(self) -> int:
        return int.from_bytes(self.page[:], "little")


def stops(count: int, function: Callable[[int, Progress], None]) -> Iterator[tuple[int, int]]:
    """Where a process that goes through so many attempts from the first has ended before the last, and by which signal
    (0: by itself); the next process goes on behind it."""
    progress, index = Progress(), 0
    while index < count:
        progress.reach(index)
        number = apart(lambda: function(index, progress))  # noqa: B023
        index = progress.reached()
        if index < count:
            yield index, number
        index += 1


KINDS = ["sync", "gthread", "asgi"]
SPECIAL = ("__call__", "__next__", "__iter__", "__init__", "__await__", "__repr__")
#: What every request runs through does not ask whether it was made (`TRUSTING` in setup.py): nobody but C makes it.
TRUSTING = {
    "gunicorn.asgi.gateway", "gunicorn.drivers.http1", "gunicorn.drivers.http1_ending",
    "gunicorn.drivers.http1_requests", "gunicorn.engine.engine", "gunicorn.wire.http1", "gunicorn.wire.http1_head",
    "gunicorn.wire.http1_request_line",
    "gunicorn.wsgi.environ", "gunicorn.gateway.gateway", "gunicorn.gateway.response", "gunicorn.wsgi.gateway",
    "gunicorn.wsgi.response",
}


def reach(kind: str) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    serve(kind, lambda roots: paths.extend(path for path in walk(roots) if path not in paths))
    return paths


def is_let(roots: dict[str, Any], path: tuple[str, ...], bad: Any) -> bool:
    """Whether an attribute could be set or deleted; where not, nothing has changed, as it should be."""
    try:
        thing = at(roots, path[:-1])
        if bad is DELETE:
            delattr(thing, path[-1])
        else:
            setattr(thing, path[-1], bad)
    except (AttributeError, TypeError, OverflowError, ValueError):
        return False
    return True


def deaths(kind: str) -> list[tuple[tuple[str, ...], object, str]]:
    """What was set to which value when the process died of it, and the signal."""
    paths = reach(kind)
    assert len(paths) > 60, paths
    attempts = [(path, bad) for path in paths for bad in (*BAD, DELETE)]

    def try_from(first: int, progress: Progress) -> None:
        """Up to the one that is let, which both requests then do: behind it, other objects are within reach."""
        let: list[int] = []

        def act(roots: dict[str, Any]) -> None:
            for index in let or range(first, len(attempts)):
                progress.begin(index)
                if is_let(roots, *attempts[index]):
                    let[:] = [index]
                    return
            if not let:
                progress.reach(len(attempts))

        serve(kind, act)

    died = []
    for index, number in stops(len(attempts), try_from):
        if number not in (0, signal.SIGALRM):
            died.append((*attempts[index], signal.Signals(number).name))
    return died


@pytest.mark.parametrize("kind", KINDS)
def test_every_attribute_within_reach(kind: str) -> None:
    """In an interpreter of its own: a fork of one that has run a thousand tests takes five times as long."""
    command = [sys.executable, "-c", f"from tests.wsgi.test_reach import deaths; print(deaths({kind!r}))"]
    done = subprocess.run(command, cwd=REPOSITORY, env=clean_environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["sync", "asgi"])
def test_objects_that_nobody_has_made(kind: str) -> None:
    """`type(x).__new__(type(x))`, and then every method it has."""
    died = []
    # Nobody reaches a WebSocket from a request; whoever imports its module does.
    classes: list[type] = [WebSocketCycle, Inbox]

    def act(roots: dict[str, Any]) -> None:
        for path in walk(roots):
            thing = at(roots, path[:-1])
            if type(thing) not in classes:
                classes.append(type(thing))

    serve(kind, act)
    assert len(classes) > 10
    arguments: tuple[tuple[Any, ...], ...] = (
        (), (None,), (0,), (b"ab",), (None, None), (b"ab", 0), (b"ab", 0, 2), ("200 OK", []), (0, 0, 0), (None,) * 5,
    )
    methods = [
        (each, name) for each in classes if each.__module__ not in TRUSTING
        for name in dir(each) if not name.startswith("__") or name in SPECIAL
    ]

    def call_from(first: int, progress: Progress) -> None:
        for index in range(first, len(methods)):
            progress.begin(index)
            each, name = methods[index]
            for words in arguments:
                try:
                    getattr(each.__new__(each), name)(*words)
                except BaseException:
                    pass
        progress.reach(len(methods))

    for index, number in stops(len(methods), call_from):
        if number not in (0, signal.SIGALRM):
            died.append((methods[index], signal.Signals(number).name))
    assert died == [], died


def test_trusting_is_what_is_built_so() -> None:
    tree = ast.parse(Path(__file__).parents[2].joinpath("setup.py").read_text("utf-8"))
    built = [
        ast.literal_eval(node.value) for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TRUSTING"
    ]
    assert len(built) == 1
    assert TRUSTING.issubset(built[0])


ERROR = GatewayTimeout()
START = {"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]}
DONE = SimpleNamespace(cancelled=lambda: True)
#: Class, attributes to set first, method, arguments.
UNMADE: list[tuple[type, dict[str, Any], str, tuple[Any, ...]]] = [
    *((cycle, {}, method, arguments) for cycle in (HTTPCycle, WebSocketCycle) for method, arguments in [
        ("__init__", ()), ("receive", ()), ("send", (START,)), ("on_loop_turn", ()), ("expect_end", ()),
        ("ended", (DONE,)), ("failed", (ValueError(),)), ("refuse", (ERROR,)), ("break_off", (ERROR,)),
        ("give_up", ()),
    ]),
    (HTTPCycle, {"headers_sent": True}, "break_off", (ERROR,)),
    (HTTPCycle, {"dismissed": True, "gone": True}, "failed", (ValueError(),)),
    (HTTPCycle, {"dismissed": True, "expects": 1, "headers": [(b"content-type", b"text/event-stream")]},
     "failed", (ConnectionError(),)),
    (HTTPCycle, {"trailers": []}, "take_trailers", ({"headers": [(b"x", b"y")]},)),
    (HTTPCycle, {"trailers": []}, "take_trailers", ({},)),
    (HTTPCycle, {}, "hint", ([b"x"],)),
    (HTTPCycle, {}, "early_hints", ([(b"x", b"y")],)),
    (WebSocketCycle, {}, "lost", ()),
    (WebSocketCycle, {}, "answer", ("websocket.http.response.start", {**START, "type": ""})),
    (WebSocketCycle, {}, "answer", ("websocket.accept", {})),
    (WebSocketCycle, {}, "answer", ("websocket.close", {})),
    (WebSocketCycle, {}, "accept", ({},)),
    (WebSocketCycle, {}, "deny", (403,)),
    (WebSocketCycle, {"stage": 1}, "restart", ()),
    (WebSocketCycle, {"stage": 1}, "go_on", ()),
    (WebSocketCycle, {"stage": 1}, "close_by", ({},)),
    (WebSocketCycle, {"stage": 1}, "give_up", ()),
    (WebSocketCycle, {"stage": 1}, "look_after", (9.0,)),
    (WebSocketCycle, {}, "is_busy", ()),
    (Inbox, {}, "receive", (b"x",)),
    (Inbox, {}, "full", ()),
]


@pytest.mark.parametrize("case", UNMADE, ids=lambda case: f"{case[0].__name__}-{case[2]}-{len(case[1])}")
def test_a_cycle_that_nobody_has_made_raises(case: tuple[type, dict[str, Any], str, tuple[Any, ...]]) -> None:
    kind, attributes, method, arguments = case

    def call() -> None:
        thing = kind.__new__(kind)
        for name, value in attributes.items():
            setattr(thing, name, value)
        getattr(thing, method)(*arguments)
        os.kill(os.getpid(), signal.SIGUSR1)

    assert apart(call) == 0, "it has died, or not raised"
