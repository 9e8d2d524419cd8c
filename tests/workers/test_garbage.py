"""Python's collector in a worker: what was loaded is set apart, what requests make is still collected."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from gunicorn.loading import garbage
from tests.conftest import Serve
from tests.support.server import Server
from tests.workers.kinds import everywhere

#: Each request leaves 1,000 objects that hold each other in pairs.
APP = """
import gc, json

MEANWHILE = gc.get_threshold()[0]

class Node:
    alive = 0
    def __init__(self):
        Node.alive += 1
    def __del__(self):
        Node.alive -= 1

def leave():
    for _ in range(500):
        one, other = Node(), Node()
        one.other, other.other = other, one

def facts():
    apart = not any(each is Node for each in gc.get_objects())
    return json.dumps([apart, gc.get_threshold()[0], Node.alive, MEANWHILE]).encode()

def app(environ, start_response):
    leave()
    body = facts()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

async def asynchronous(scope, receive, send):
    assert scope["type"] == "http"
    leave()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": facts()})
"""
REQUESTS = 30
PYTHONS = int(subprocess.check_output([sys.executable, "-c", "import gc; print(gc.get_threshold()[0])"]))


def facts_after(server: Server, requests: int) -> list[int]:
    """Whether the application is set apart, the threshold, objects of requests that are still there, and the threshold
    while the application was loaded."""
    for _ in range(requests):
        facts: list[int] = json.loads(server.get().body)
    return facts


def settled(server: Server) -> None:
    apart, threshold, alive, meanwhile = facts_after(server, REQUESTS)
    assert apart
    assert meanwhile == 100_000
    assert threshold == 2000
    assert alive < REQUESTS * 1000 / 2


def test_what_is_loaded_is_set_apart_and_garbage_of_requests_collected(make_server: Serve, kinds: list[str]) -> None:
    everywhere(make_server, kinds, settled, APP)


def test_the_same_for_asgi_applications(serve: Serve) -> None:
    settled(serve(APP.replace("def app(", "def other(").replace("def asynchronous(", "def app("), "-k", "asgi"))


def test_with_preload(serve: Serve) -> None:
    settled(serve(APP, "--preload"))


def test_the_master_sets_apart_what_its_workers_share(serve: Serve) -> None:
    hook = "import gc\ndef pre_fork(server, worker):\n    server.log.info('apart: %s', gc.get_freeze_count() > 1000)\n"
    serve(APP, config=hook).wait_for_log("apart: True")
    serve(APP, "--no-gc-freeze", config=hook).wait_for_log("apart: False")


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
def test_switched_off_all_is_as_python_has_it(serve: Serve, preload: tuple[str, ...]) -> None:
    apart, threshold, _, meanwhile = facts_after(serve(APP, "--no-gc-freeze", "--gc-threshold", "0", *preload), 1)
    assert (apart, threshold, meanwhile) == (False, PYTHONS, PYTHONS)


@pytest.mark.parametrize(
    ("choice", "apart", "threshold"),
    [("gc.disable()", False, PYTHONS), ("gc.set_threshold(555)", True, 555)],
    ids=["disable", "set_threshold"],
)
@pytest.mark.parametrize("where", ["the application", "a hook"])
def test_what_the_user_chooses_stays(serve: Serve, where: str, choice: str, apart: bool, threshold: int) -> None:
    app, config = APP, f"import gc\ndef post_worker_init(worker):\n    {choice}\n"
    if where == "the application":
        app, config = APP + choice, ""
    facts = facts_after(serve(app, "--gc-threshold", "5000", config=config), 1)
    assert facts[:2] == [apart, threshold]


@pytest.fixture
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.enable()
    gc.set_threshold(*before)


class Cell:
    def __init__(self) -> None:
        self.itself: Any = self


@pytest.mark.usefixtures("collector")
def test_garbage_is_not_set_apart() -> None:
    Cell()
    garbage.settle(freeze=True, threshold=0)
    gc.unfreeze()
    assert not [each for each in gc.get_objects() if type(each) is Cell]


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("threshold", [0, 4321])
def test_each_setting_has_its_own_effect(freeze: bool, threshold: int) -> None:
    gc.set_threshold(PYTHONS)
    garbage.settle(freeze, threshold)
    assert (gc.get_freeze_count() > 0) is freeze
    assert gc.get_threshold()[0] == (threshold or PYTHONS)


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize(
    ("before", "within", "seen", "after"),
    [
        (lambda: None, lambda: None, 100_000, PYTHONS),
        (lambda: None, lambda: gc.set_threshold(555), 100_000, 555),
        (lambda: gc.set_threshold(555), lambda: None, 555, 555),
        (gc.disable, lambda: None, PYTHONS, PYTHONS),
        (lambda: None, gc.disable, 100_000, PYTHONS),
    ],
    ids=["", "set meanwhile", "set before", "off before", "off meanwhile"],
)
@pytest.mark.parametrize("fails", [False, True])
def test_the_collector_is_patient_while_something_is_loaded(
    before: Callable[[], None], within: Callable[[], None], seen: int, after: int, fails: bool
) -> None:
    gc.set_threshold(PYTHONS)
    before()

    def load() -> int:
        found = gc.get_threshold()[0]
        within()
        if fails:
            raise LookupError
        return found

    with pytest.raises(LookupError) if fails else nullcontext():
        assert garbage.undisturbed(load, wanted=True) == seen
    assert gc.get_threshold()[0] == after
    assert gc.isenabled() is not (gc.disable in (before, within))
