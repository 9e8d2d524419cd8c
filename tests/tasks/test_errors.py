"""Errors as their callers know them, and as data."""

from __future__ import annotations

import pickle

import pytest

from gunicorn.dirty import errors
from gunicorn.dirty.errors import (
    DirtyAppError,
    DirtyAppNotFoundError,
    DirtyConnectionError,
    DirtyError,
    DirtyNoWorkersAvailableError,
    DirtyProtocolError,
    DirtyQueueFullError,
    DirtyTimeoutError,
    DirtyWorkerError,
)
from gunicorn.tasks.errors import StashError, StashKeyNotFoundError, StashTableNotFoundError

#: An error, its text, what it knows.
SPECIMENS = [
    (DirtyError("m"), "m", {}),
    (DirtyError("m", {"a": 1}), "m: {'a': 1}", {"a": 1}),
    (DirtyTimeoutError(), "Operation timed out", {}),
    (DirtyTimeoutError(timeout=3), "Operation timed out: {'timeout': 3}", {"timeout": 3}),
    (DirtyConnectionError(), "Connection failed", {}),
    (DirtyConnectionError(socket_path="/x"), "Connection failed: {'socket_path': '/x'}", {"socket_path": "/x"}),
    (DirtyWorkerError("w"), "w", {}),
    (DirtyWorkerError("w", 3, "tb"), "w: {'worker_id': 3, 'traceback': 'tb'}", {"worker_id": 3, "traceback": "tb"}),
    (DirtyProtocolError(), "Protocol error", {}),
    (DirtyProtocolError(raw_data=b"abc"), "Protocol error: {'raw_data': '616263'}", {"raw_data": "616263"}),
    (DirtyAppError("a"), "a", {}),
    (DirtyAppError("a", "p:X", "go", "tb"), "a: {'app_path': 'p:X', 'action': 'go', 'traceback': 'tb'}",
     {"app_path": "p:X", "action": "go", "traceback": "tb"}),
    (DirtyAppNotFoundError("p:X"), "Dirty app not found: p:X: {'app_path': 'p:X'}", {"app_path": "p:X"}),
    (DirtyNoWorkersAvailableError("p:X"), "No workers available for app: p:X: {'app_path': 'p:X'}",
     {"app_path": "p:X"}),
    (DirtyNoWorkersAvailableError("p:X", "why"), "why: {'app_path': 'p:X'}", {"app_path": "p:X"}),
    (DirtyQueueFullError("p:X"), "Too many calls wait for app: p:X: {'app_path': 'p:X'}", {"app_path": "p:X"}),
]


@pytest.mark.parametrize(("error", "text", "details"), SPECIMENS, ids=lambda each: str(each)[:30])
def test_errors_as_text_as_data_and_back(error: DirtyError, text: str, details: dict[str, object]) -> None:
    assert str(error) == text
    assert error.details == details
    assert error.to_dict() == {"error_type": type(error).__name__, "message": error.message, "details": details}
    for again in (DirtyError.from_dict(error.to_dict()), pickle.loads(pickle.dumps(error))):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert str(again) == text


def test_data_that_names_no_error() -> None:
    error = DirtyError.from_dict({"error_type": "Unheard", "message": "m", "details": None})
    assert type(error) is DirtyError
    assert (error.message, error.details) == ("m", {})


def test_a_kind_is_caught_by_what_it_is_one_of() -> None:
    assert issubclass(DirtyAppNotFoundError, DirtyAppError)
    assert issubclass(StashKeyNotFoundError, StashError)
    assert issubclass(StashKeyNotFoundError, KeyError)
    assert issubclass(StashError, DirtyError)
    assert str(StashKeyNotFoundError("t", "k")) == "Key not found in t: k"
    assert str(StashTableNotFoundError("t")) == "Stash table not found: t"
    assert set(errors.__all__) >= {name for name in vars(errors) if name.startswith("Dirty")}
