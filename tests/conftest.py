"""Fixtures for tests that need a real server."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.server import HELLO, Server
from tests.workers.kinds import LISTS

Serve = Callable[..., Server]

# A machine may be slow for a while, which is no fault of what is tested. In CI examples are the same in every run.
settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ,
)
settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def _runtime_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Servers that a test starts by itself have their control sockets nowhere else."""
    os.environ["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("run"))


@pytest.fixture(params=LISTS)
def kinds(request: pytest.FixtureRequest) -> list[str]:
    """Worker types for `tests.workers.kinds.everywhere`: the quick ones, and in a slow test the others."""
    chosen: list[str] = request.param
    return chosen


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Serve]:
    """A factory of servers that are not started yet; whatever of them still lives at the end is killed."""
    made: list[Server] = []
    numbers = itertools.count()

    def make(app: str = HELLO, *args: str, **options: object) -> Server:
        server = Server(tmp_path / f"server{next(numbers)}", app, *args, **options)  # type: ignore[arg-type]
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def serve(make_server: Serve) -> Iterator[Serve]:
    """A factory of running servers: ``serve(app_source, "--workers", "2", workers=2, config="...")``.

    Those that still run at the end of the test are stopped by SIGTERM and their logs must hold no traceback
    (unless ``expect_traceback=True``).
    """
    started: list[Server] = []

    def start(app: str = HELLO, *args: str, workers: int = 1, **options: object) -> Server:
        server = make_server(app, *args, **options)
        started.append(server)
        return server.start(workers)

    yield start
    for server in started:
        if not server.exited():
            server.stop()
        else:
            server.check_log()
