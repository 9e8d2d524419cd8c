"""Every worker type that serves WSGI applications, with the arguments that choose it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.server import BOOTED, Server

KINDS: dict[str, tuple[str, ...]] = {
    "sync": ("-k", "sync"),
    "gthread": ("-k", "gthread", "--threads", "4"),
    "gevent": ("-k", "gevent"),
    "gevent_pywsgi": ("-k", "gevent_pywsgi"),
    "eventlet": ("-k", "eventlet"),
    "tornado": ("-k", "tornado"),
    "gaiohttp": ("-k", "gaiohttp", "--threads", "4"),
    "asgi": ("-k", "asgi", "--threads", "4"),
}
#: One for each way to wait: alone, by threads, by greenlets, by an event loop.
QUICK = ["sync", "gthread", "gevent", "asgi"]
#: All of them to parametrize by; the others stand on the same ways, cost most of the time, and are `slow`.
PARAMS = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
#: The same as two lists, for scenarios that are played with all kinds of a list at once.
LISTS = [
    pytest.param(QUICK, id="quick"),
    pytest.param([kind for kind in KINDS if kind not in QUICK], id="others", marks=pytest.mark.slow),
]
#: Those that run several requests of one process at once.
SIDE_BY_SIDE = [name for name in KINDS if name not in ("sync", "tornado")]
#: Those that run them in one thread, which an application that never waits can block.
GREENLETS = ["gevent", "gevent_pywsgi", "eventlet"]

Servers = Callable[[str], Server]


def one_of_each(tmp_path_factory: pytest.TempPathFactory, app: str, *args: str) -> Iterator[Servers]:
    """Servers by worker type, each started at its first use and stopped at the end; that must go well."""
    running: dict[str, Server] = {}

    def server(kind: str) -> Server:
        if kind not in running:
            folder = Path(tmp_path_factory.mktemp(kind))
            running[kind] = Server(folder, app, *KINDS[kind], *args, expect_traceback=True)
            running[kind].start()
        return running[kind]

    yield server
    try:
        for each in running.values():
            assert each.stop() == 0
    finally:
        for each in running.values():
            each.kill()


def everywhere(make_server: Callable[..., Server], kinds: list[str], scenario: Callable[[Server], None], app: str,
               *args: str, threads: int = 4, config: str | None = None) -> None:
    """Play a scenario with a started server of each of these kinds, all at the same time: most of it is waiting.

    Raises an ExceptionGroup of what failed, with the kinds as notes.
    """
    servers = {}
    for name in kinds:
        words = KINDS[name]
        chosen = [*words[:2], "--threads", str(threads)] if "--threads" in words else words
        servers[name] = make_server(app, *chosen, *args, config=config)

    # All of them are up before the first one plays: starting takes the processors.
    for server in servers.values():
        server.spawn()
    for server in servers.values():
        server.wait_for_workers(lambda pids: len(pids) == 1)
        server.wait_for_log(BOOTED)

    def play(name: str) -> None:
        scenario(servers[name])
        servers[name].kill()

    at_once(servers, play)


def at_once(names: Iterable[str], play: Callable[[str], None]) -> None:
    """Play for each of the names, all at the same time: most of it is waiting.

    Raises an ExceptionGroup of what failed, with the names as notes; or, where one of them needs what is not there,
    skips the test when the others have been played.
    """
    failures: list[BaseException] = []
    skips: list[BaseException] = []

    def guarded(name: str) -> None:
        try:
            play(name)
        except pytest.skip.Exception as skip:
            skips.append(skip)
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(f"with {name}")
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise BaseExceptionGroup("not all of them do that", failures)
    if skips:
        raise skips[0]
