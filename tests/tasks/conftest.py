"""Servers that a test kills leave nothing where the next one would find it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _folder_of_sockets() -> Iterator[None]:
    # The paths of sockets are short; those of tests are not.
    folder, before = tempfile.mkdtemp(prefix="tasks-"), os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = folder
    yield
    os.environ.pop("TMPDIR")
    if before is not None:
        os.environ["TMPDIR"] = before
    shutil.rmtree(folder, ignore_errors=True)
