"""Frozen values with named fields."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gunicorn._record import Record


class Point(Record):
    x: int
    y: int = 2


class Empty(Record):
    pass


def test_fields_by_place_and_by_name():
    assert (Point(1).x, Point(1).y) == (1, 2)
    assert Point(1, 3) == Point(y=3, x=1)
    assert repr(Point(1)) == "Point(x=1, y=2)"


@pytest.mark.parametrize("make", [lambda: Point(), lambda: Point(1, 2, 3), lambda: Point(1, z=3), lambda: Empty(1)])
def test_wrong_fields_are_an_error(make):
    with pytest.raises(TypeError):
        make()


def test_frozen_and_hashable():
    point = Point(1)
    with pytest.raises(AttributeError):
        point.x = 5
    assert len({Point(1), Point(1, 2), Point(2)}) == 2


def test_equality_is_within_a_class():
    class Other(Record):
        x: int
        y: int = 2

    assert Point(1) != Other(1)
    assert Point(1) != (1, 2)
    assert Empty() == Empty()


def test_replaced():
    assert Point(1).replaced(y=7) == Point(1, 7)


SLOW_TO_IMPORT = (
    "argparse", "asyncio", "contextvars", "dataclasses", "email", "http", "inspect", "ipaddress", "json",
    "logging.config", "random", "socketserver", "ssl", "subprocess", "tempfile", "tomllib", "typing",
    "urllib", "urllib.parse",
)


def test_what_a_sync_server_does_not_import():
    """Each of these modules costs milliseconds of every start and memory of every worker."""
    rooms = "gunicorn.app.wsgiapp, gunicorn.arbiter, gunicorn.glogging, gunicorn.workers.sync"
    # What logging itself needs, in some versions of Python, is not ours either.
    code = f"import sys, logging; own = set(sys.modules); import {rooms}; print(*set(sys.modules) - own)"
    # -S: what the environment's site-packages pull in at start is not ours.
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert sorted(set(SLOW_TO_IMPORT) & set(done.stdout.split())) == []
