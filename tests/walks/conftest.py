"""A Debian for each walk, and what an index would have of this project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.test_packages import build, checkout, unpack
from tests.walks import debian

Fresh = Callable[..., debian.Debian]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the interpreted wheel, and one below it with the archive of sources."""
    folder = tmp_path_factory.mktemp("index")
    archive = build(checkout(tmp_path_factory.mktemp("sources") / "a"), "sdist")
    wheel = build(unpack(archive, tmp_path_factory.mktemp("unpacked")), "wheel", GUNICORN_PURE="1")
    for path in (archive, wheel):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def base() -> Path:
    reason = debian.why_not()
    if reason:
        pytest.skip(reason)
    return debian.made_base()


@pytest.fixture
def fresh(base: Path, wheels: Path, tmp_path: Path) -> Iterator[Fresh]:
    """A factory of Debians that end with the test: ``fresh()``, or ``fresh(boots=True)``."""
    with ExitStack() as stack:
        made: list[debian.Debian] = []

        def make(boots: bool = False) -> debian.Debian:
            one = stack.enter_context(debian.fresh(base, tmp_path / f"debian{len(made)}", wheels, boots))
            made.append(one)
            return one

        yield make
