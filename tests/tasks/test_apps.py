"""Applications: how they are named, found, and called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gunicorn.dirty.app import (
    DirtyApp,
    DirtyAppError,
    DirtyAppNotFoundError,
    get_app_workers_attribute,
    load_dirty_app,
    load_dirty_apps,
    parse_dirty_app_spec,
)


class Some(DirtyApp):
    workers = 2
    word = 3

    def hello(self, name: str, mark: str = "!") -> str:
        return f"hello {name}{mark}"

    def _hidden(self) -> None: ...


class Duck:
    def init(self) -> None: ...
    def close(self) -> None: ...
    def __call__(self, action: str) -> str:
        return action


@pytest.mark.parametrize(
    ("spec", "path", "workers"), [("m:C", "m:C", None), ("m:C:3", "m:C", 3), ("a.b:C", "a.b:C", None)]
)
def test_specifications(spec: str, path: str, workers: int | None) -> None:
    assert parse_dirty_app_spec(spec) == (path, workers)


@pytest.mark.parametrize(
    ("spec", "message"),
    [("m:C:0", "Invalid worker count in spec: m:C:0. Worker count must be >= 1, got 0"),
     ("m:C:-1", "Worker count must be >= 1, got -1"), ("m:C:x", "Expected integer, got 'x'"),
     ("m", "Invalid import path format: m. Expected 'module.path:ClassName' or 'module.path:ClassName:N'"),
     ("m:C:3:4", "Invalid import path format"), ("", "Invalid import path format")],
)
def test_what_is_no_specification(spec: str, message: str) -> None:
    with pytest.raises(DirtyAppError) as caught:
        parse_dirty_app_spec(spec)
    assert message in caught.value.message
    assert caught.value.app_path == (spec or None)


def test_an_application_is_found_by_its_path() -> None:
    path = f"{__name__}:Some"
    assert isinstance(load_dirty_app(path), Some)
    assert list(load_dirty_apps([path])) == [path]
    assert get_app_workers_attribute(path) == 2
    assert load_dirty_app(f"{__name__}:Duck")("x") == "x"
    assert get_app_workers_attribute(f"{__name__}:Duck") is None


@pytest.mark.parametrize("path", ["os:nope", "nomodule:X", "os.nope:X", ":X"])
def test_an_application_that_is_not_there(path: str) -> None:
    with pytest.raises(DirtyAppNotFoundError) as caught:
        load_dirty_app(path)
    assert caught.value.app_path == path


@pytest.mark.parametrize(
    ("path", "message"),
    [("os:getcwd", "os:getcwd is not a class"),
     ("os", "Invalid import path format: os. Expected 'module.path:ClassName'"),
     ("collections:OrderedDict", "collections:OrderedDict is missing required method: init")],
)
def test_what_is_no_application(path: str, message: str) -> None:
    with pytest.raises(DirtyAppError) as caught:
        load_dirty_app(path)
    assert caught.value.message == message


def test_what_a_module_lacks_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lacking_tasks.py").write_text("import there_is_no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lacking_tasks", raising=False)
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"):
        load_dirty_app("lacking_tasks:X")


def test_actions() -> None:
    app = Some()
    assert app("hello", "you", mark="?") == "hello you?"
    assert app("init") is None
    assert app("close") is None
    for action in ("_hidden", "__call__", "__class__", "workers", "nope"):
        with pytest.raises(ValueError, match=f"Unknown action: {action}"):
            app(action)
    with pytest.raises(TypeError):
        app("word")
