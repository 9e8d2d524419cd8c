"""Servers that a test kills leave nothing where the next one would find it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from .ray_nodes import Node

NEEDS_RAY = [pytest.mark.ray, pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")]


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


@pytest.fixture(scope="session")
def ray_head() -> Iterator[Node]:
    """The first node of a cluster, with more processors than the machine has."""
    node = Node(16)
    try:
        yield node.wait()
    finally:
        node.close()


@pytest.fixture(scope="session")
def far_node() -> Iterator[Node]:
    """The head of another cluster, on which nothing runs: actors are on its second node, as if that were elsewhere."""
    head = Node(0)
    try:
        second = Node(16, head.wait())
        try:
            second.wait()
            yield head
        finally:
            second.close()
    finally:
        head.close()


#: In actors that have been given the sockets; in such as come to the server's door; in such as are called through Ray.
BACKENDS = {"ray": ("ray_head",), "ray-far": ("far_node",), "ray-through": ("far_node", "--no-dirty-ray-direct")}


@pytest.fixture(scope="module", params=["local", *(pytest.param(name, marks=NEEDS_RAY) for name in BACKENDS)])
def backend(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What a command line says of where tasks run: what callers see is the same."""
    if request.param == "local":
        return ()
    where, *others = BACKENDS[request.param]
    head: Node = request.getfixturevalue(where)
    return "--dirty-backend", "ray", "--dirty-ray-address", head.address, *others
