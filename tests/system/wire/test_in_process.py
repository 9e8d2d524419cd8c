"""Every specimen of the wire table in this process: each octet is read by itself, and a request comes with it.

A client of a real server cannot have its octets read one by one; here the server is given a turn behind each.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.system.wire.cases import KEEP, TAIL, VARIANTS, Case
from tests.system.wire.in_process import House
from tests.system.wire.test_wire import CASES, check, check_fate, check_tail

#: Their sources are for servers to load, and have no types.
APPLICATIONS: dict[str, Any] = {
    "wsgi": importlib.import_module("tests.system.wire.echo").app,
    "asgi": importlib.import_module("tests.system.wire.asgi_echo").app,
}
Houses = Callable[[str], House]


@pytest.fixture(scope="module", params=APPLICATIONS)
def houses(request: pytest.FixtureRequest) -> Iterator[Houses]:
    """Servers by variant, each made when the first specimen asks for it."""
    made: dict[str, House] = {}

    def house(variant: str) -> House:
        if variant not in made:
            made[variant] = House(APPLICATIONS[request.param], VARIANTS[variant], request.param == "asgi")
        return made[variant]

    yield house
    for each in made.values():
        each.close()


@pytest.mark.parametrize("case", CASES)
def test_octet_by_octet(case: Case, houses: Houses) -> None:
    with houses(case.variant).connect() as wire:
        wire.send_bytewise(case.data)
        check(case, wire.read_response(case.method))
        check_fate(case, wire)


@pytest.mark.parametrize("case", CASES)
def test_with_a_request_behind(case: Case, houses: Houses) -> None:
    with houses(case.variant).connect() as wire:
        wire.send(case.data + TAIL)
        check(case, wire.read_response(case.method))
        if case.fate == KEEP:
            check_tail(wire)
        else:
            wire.expect_eof()
