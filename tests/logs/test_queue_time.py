"""`X-Request-Start` of nginx, Apache and Heroku's router."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.glogging import Logger
from gunicorn.logs.atoms import compile_format
from gunicorn.logs.queue_time import queue_seconds, seconds_since
from tests.logs.test_access_format import config

NOW = 1764244215.5


@pytest.mark.parametrize("value", [
    "t=1764244215.250", "1764244215.250", "1764244215250", "t=1764244215250", "t=1764244215250000",
    "1764244215250000000",
])
def test_units_by_size(value: str) -> None:
    assert seconds_since(value, NOW) == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize("value", [
    None, "", "t=", "x", "t=-1", "nan", "inf", "-inf", "1e400", "0", "1", "1764244215.5", "1764244216", "1764240000",
    "1764244215.250, 1764244215.100", "t=t=1764244215.250",
])
def test_what_says_nothing(value: str | None) -> None:
    assert seconds_since(value, NOW) is None


def asked(trusted: bool, **environ: Any) -> float | None:
    return queue_seconds(SimpleNamespace(forwarder_trusted=trusted), environ, NOW)


def test_trusted_peers_alone_are_believed() -> None:
    assert asked(True, HTTP_X_REQUEST_START="t=1764244215.250") == pytest.approx(0.25)
    assert asked(False, HTTP_X_REQUEST_START="t=1764244215.250") is None
    assert queue_seconds(object(), {"HTTP_X_REQUEST_START": "t=1764244215.250"}, NOW) is None


def test_a_request_that_was_read_off_a_socket() -> None:
    request = SimpleNamespace(head=SimpleNamespace(forwarder_trusted=True))
    assert queue_seconds(request, {"HTTP_X_REQUEST_START": "t=1764244215.250"}, NOW) == pytest.approx(0.25)


def test_what_is_no_text() -> None:
    assert asked(True, HTTP_X_REQUEST_START=5) is None
    assert asked(True) is None


def test_the_atom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)
    line = compile_format("%({queue}g)s %({Queue}g)s", Logger(config()))
    request = SimpleNamespace(forwarder_trusted=True, headers=[])
    environ = {"HTTP_X_REQUEST_START": "t=1764244215"}
    assert line(SimpleNamespace(), request, environ, timedelta(seconds=0.25)) == "0.250000 0.250000"
    assert line(SimpleNamespace(), object(), environ, timedelta(seconds=0.25)) == "- -"
