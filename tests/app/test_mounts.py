"""What is made of the applications of a configuration with mounts, in process."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from gunicorn.app.base import BaseApplication
from gunicorn.asgi.mounts import MountedASGI
from gunicorn.errors import AppImportError, AppModuleNotFoundError, ConfigError
from gunicorn.workers.gasgi import ASGIWorker
from gunicorn.wsgi.mounts import MountedWSGI

APPS = "apps_of_test_mounts"


def wsgi(environ: Any, start_response: Any) -> Any:
    return [environ["SCRIPT_NAME"].encode()]


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def either(*args: Any) -> Any:
    return [b"either"]


class OfASGI2:
    def __init__(self, scope: Any) -> None: ...

    async def __call__(self, receive: Any, send: Any) -> None: ...


def leaves() -> Any:
    sys.exit(3)


@pytest.fixture(autouse=True)
def _module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(APPS)
    vars(module).update(wsgi=wsgi, asgi=asgi, either=either, OfASGI2=OfASGI2, leaves=leaves)
    monkeypatch.setitem(sys.modules, APPS, module)


class Embedding(BaseApplication):
    """A program that serves its own application, `app`, and what is mounted beside it."""

    def __init__(self, app: Any, **settings: Any) -> None:
        self._app, self._settings = app, settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._app


def made(app: Any, *names: str, **settings: Any) -> Any:
    mount = {f"/{number}": f"{APPS}:{name}" for number, name in enumerate(names)}
    return Embedding(app, mount=mount, **settings).wsgi()


def test_without_mounts_it_is_the_application_itself() -> None:
    assert Embedding(wsgi).wsgi() is wsgi


def test_those_of_one_interface_are_one_of_it() -> None:
    found = made(wsgi, "wsgi", "wsgi")
    assert isinstance(found, MountedWSGI)
    assert found({"PATH_INFO": "/1/x", "SCRIPT_NAME": ""}, None) == [b"/1"]  # type: ignore[arg-type]
    found = made(asgi, "asgi", "OfASGI2")
    assert isinstance(found, MountedASGI)
    assert found.others is None


def test_of_both_there_is_one_of_each() -> None:
    for found in (made(wsgi, "asgi"), made(asgi, "wsgi")):
        assert isinstance(found, MountedASGI)
        assert isinstance(found.others, MountedWSGI)


def test_a_signature_that_does_not_tell_means_what_the_worker_type_serves() -> None:
    assert isinstance(made(wsgi, "either"), MountedWSGI)
    assert isinstance(made(either, "either", worker_class="gthread"), MountedWSGI)
    found = made(asgi, "either", worker_class="asgi")
    assert isinstance(found, MountedASGI)
    assert found.others is None
    found = made(asgi, "either")
    assert isinstance(found, MountedASGI)
    assert found.others is not None


def test_workers_of_somebody_else_serve_no_mixture() -> None:
    class Foreign:
        def init_process(self) -> None: ...

    class Derived(ASGIWorker): ...

    for kind in ("asgi", "gaiohttp", Derived):
        assert isinstance(made(wsgi, "asgi", worker_class=kind), MountedASGI)
    assert isinstance(made(asgi, "asgi", worker_class=Foreign), MountedASGI)
    with pytest.raises(AppImportError, match="cannot serve mounts of WSGI beside those of ASGI: use -k asgi"):
        made(wsgi, "asgi", worker_class=Foreign)


@pytest.mark.parametrize(("mount", "kind", "line"), [
    ({"/": f"{APPS}:wsgi"}, ConfigError, "stands at / already: expected a prefix, or a host in front of it"),
    ({"/a": "nowhere_at_all"}, AppModuleNotFoundError, "mount /a=nowhere_at_all: No module named 'nowhere_at_all'"),
    ({"/a": f"{APPS}:wsg"}, AppImportError, f"mount /a={APPS}:wsg: Failed to find attribute 'wsg'"),
    ({"/a": f"{APPS}:leaves()"}, AppImportError, f"the mount /a={APPS}:leaves() called sys.exit(3)"),
    ({"/a": f"{APPS}:leaves"}, AppImportError, "it looks like a factory, as it takes no arguments: use"),
])
def test_one_line_says_what_is_wrong_where(mount: dict[str, str], kind: type[Exception], line: str) -> None:
    with pytest.raises(kind) as caught:
        Embedding(wsgi, mount=mount).wsgi()
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
