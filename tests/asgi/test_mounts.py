"""Several applications of ASGI as one, in process: what each finds in its scope, and the order of their lifespans."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from gunicorn.asgi.lifespan import Lifespan, LifespanFailed
from gunicorn.asgi.mounts import MountedASGI
from gunicorn.config import Config
from gunicorn.config.mounts import in_order, parse_place
from gunicorn.gateway.mounts import Mount

HEARD = {"http": "http.response.start", "websocket": "websocket.http.response.start"}


def told(name: str, saw: list[str], start: str = "complete") -> Any:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            state = scope.get("state")
            seen = (name, scope["root_path"], scope["path"], state and state["by"])
            await send({"type": "http.response.start", "status": 200, "seen": seen})
            return
        await receive()
        if start == "hang":
            await asyncio.sleep(60)
        if start == "none":
            raise ValueError
        saw.append(f"start {name}")
        scope["state"]["by"] = name
        await send({"type": f"lifespan.startup.{start}", "message": "no database"})
        if start == "failed":
            return
        await receive()
        saw.append(f"stop {name}")
        await send({"type": "lifespan.shutdown.complete"})

    return app


def mounted(apps: dict[str, Any], **settings: Any) -> MountedASGI:
    places = [parse_place(text) for text in apps]
    ranks = {number: rank for rank, number in enumerate(in_order(places))}
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    return MountedASGI(
        [Mount(ranks[number], places[number], "m:a", app) for number, app in enumerate(apps.values())], cfg
    )


async def ask(app: MountedASGI, path: str, root_path: str = "", host: str = "a", kind: str = "http") -> Any:
    """The first message."""
    heard: list[Any] = []

    async def send(message: Any) -> None:
        heard.append(message)

    async def receive() -> Any:
        return {"type": f"{kind}.connect"}

    scope = {
        "type": kind, "path": path, "root_path": root_path, "headers": [(b"x", b"y"), (b"host", host.encode())],
        "state": {},
    }
    await app(scope, receive, send)
    assert heard[0]["type"] == HEARD[kind]
    return heard[0].get("seen", heard[0]["status"])


@pytest.mark.parametrize(("path", "root_path", "host", "seen"), [
    ("/", "", "a", ("/", "", "/")),
    ("/api", "", "a", ("/api", "/api", "/api")),
    ("/api/x", "", "a", ("/api", "/api", "/api/x")),
    ("/apix", "", "a", ("/", "", "/apix")),
    ("/site/api/x", "/site", "a", ("/api", "/site/api", "/site/api/x")),
    ("/café/x", "", "a", ("/café", "/café", "/café/x")),
    ("/api/x", "", "H.example:80", ("h.example/", "", "/api/x")),
])
def test_root_paths_grow(path: str, root_path: str, host: str, seen: tuple[str, str, str]) -> None:
    apps = {place: told(place, []) for place in ("/", "/api", "/café", "h.example/")}
    assert asyncio.run(ask(mounted(apps), path, root_path, host)) == (*seen, None)


@pytest.mark.parametrize("kind", HEARD)
def test_nobody_stands_there(kind: str) -> None:
    assert asyncio.run(ask(mounted({"/api": told("api", [])}), "/apix", kind=kind)) == 404


class Log:
    """What it is told, as text."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        self.lines.append(msg % args)

    error = debug = info


def live(app: MountedASGI, between: Callable[[], Any] | None = None, stop_seconds: float = 10.0) -> list[str]:
    """Start and stop, as a worker does; what the log was told."""
    log = app.log = Log()

    async def run() -> None:
        lifespan = Lifespan(app, "auto", log)
        await lifespan.start(10.0)
        if between is not None:
            await between()
        await lifespan.stop(stop_seconds)

    asyncio.run(run())
    return log.lines


def test_lifespans_begin_in_order_and_end_in_reverse_each_with_its_state() -> None:
    saw: list[str] = []
    twice = told("twice", saw)
    none = told("none", saw, "none")
    app = mounted({"/": told("root", saw), "/a": twice, "/a/b": told("deep", saw), "h/a": twice, "/none": none})

    async def between() -> None:
        assert await ask(app, "/") == ("root", "", "/", "root")
        assert await ask(app, "/a/b") == ("deep", "/a/b", "/a/b", "deep")
        assert await ask(app, "/a", host="h") == ("twice", "/a", "/a", "twice")
        assert await ask(app, "/none") == ("none", "/none", "/none", None), "one without a lifespan has no state"
        saw.append("serves")

    live(app, between)
    assert saw == ["start root", "start twice", "start deep", "serves", "stop deep", "stop twice", "stop root"]


@pytest.mark.parametrize(("start", "settings", "problem"), [
    ("failed", {}, "/b (m:a): no database"),
    ("hang", {"lifespan_startup_timeout": 1}, "/b (m:a): its lifespan start-up took more than 1 s"),
    ("none", {"asgi_lifespan": "on"}, "/b (m:a): ValueError"),
])
def test_one_that_does_not_start_is_named_and_the_others_are_ended(
    start: str, settings: dict[str, Any], problem: str
) -> None:
    saw: list[str] = []
    app = mounted({"/a": told("a", saw), "/b": told("b", saw, start), "/c": told("c", saw)}, **settings)
    with pytest.raises(LifespanFailed) as caught:
        live(app)
    assert problem in str(caught.value)
    assert [line for line in saw if line != "start b"] == ["start a", "stop a"]


def test_one_that_does_not_end_is_named_and_the_others_are_ended() -> None:
    saw: list[str] = []

    async def clings(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.sleep(60)

    lines = live(mounted({"/a": told("a", saw), "/b": clings}, lifespan_shutdown_timeout=1))
    assert "The application at /b (m:a)'s lifespan shut-down took more than 0.5 s" in lines
    assert saw == ["start a", "stop a"]


@pytest.mark.parametrize("answers", [True, False])
def test_one_that_does_not_return_takes_nothing_from_the_others(answers: bool) -> None:
    async def clings(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if answers or message["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})

    saw: list[str] = []
    app = mounted({"/a": told("a", saw), "/b": clings, "/c": clings_too(clings)})
    # What a worker has left; nobody is to look at the settings instead.
    app.shutdown_seconds = 0.6
    lines = live(app, stop_seconds=0.7)
    assert saw == ["start a", "stop a"]
    named = {line.split("'s")[0] for line in lines if "took more" in line}
    assert named == (set() if answers else {"The application at /b (m:a)", "The application at /c (m:a)"})


def clings_too(app: Any) -> Any:
    """Another application that does the same."""
    return lambda *args: app(*args)


def test_other_servers_know_it_for_asgi_3() -> None:
    # What they ask until Python 3.11.
    asked = inspect if hasattr(inspect, "markcoroutinefunction") else asyncio
    assert asked.iscoroutinefunction(mounted({"/a": told("a", [])}).__call__)
