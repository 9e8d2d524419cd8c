"""From names to objects: applications and classes, and what is said when there are none."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from gunicorn.errors import AppImportError
from gunicorn.loading.names import load_class, looks_like_factory
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.util import import_app

MODULE = """
def application(environ, start_response): ...
def make(*args, **kwargs):
    def app(environ, start_response): ...
    app.made_with = args, kwargs
    return app
def strict(name): return application
def broken(): raise TypeError("from within")
def nothing(): return None
class Place: ...
place = Place()
place.app = application
place.make = make
number = 3
absent = None
"""


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "shop.py").write_text(MODULE)
    (tmp_path / "needy.py").write_text("import a_library_that_is_not_there\n")
    (tmp_path / "failing.py").write_text("def inner():\n    return 1 / 0\n\ninner()\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "wsgi.py").write_text("from shop import application\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("shop", "needy", "failing", "package", "package.wsgi"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "spec",
    ["shop", "shop:application", "shop:place.app", "package.wsgi", "shop:strict('x')", "shop: application "],
)
def test_applications(spec: str) -> None:
    import shop  # type: ignore[import-not-found]

    assert import_app(spec) is shop.application


@pytest.mark.parametrize(
    ("call", "made_with"),
    [
        ("make()", ((), {})),
        ("make(1, 'a', k=2)", ((1, "a"), {"k": 2})),
        ("make([1, {'a': (2, None)}], k=-1.5)", (([1, {"a": (2, None)}],), {"k": -1.5})),
        ("place.make(b'x')", ((b"x",), {})),
    ],
)
def test_factories_take_literals(call: str, made_with: object) -> None:
    assert import_app(f"shop:{call}").made_with == made_with  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("shop:nope", "Failed to find attribute 'nope' in 'shop' "),
        ("shop:place.nope", "Failed to find attribute 'place.nope' in 'shop' "),
        ("shop:number", "Application object must be callable"),
        ("shop:absent", "Failed to find application object 'absent'"),
        ("shop:nothing()", "Failed to find application object 'nothing()'"),
        ("shop:", "Failed to parse '' as an attribute name or function call."),
        ("shop:1+1", "Failed to parse '1+1' as an attribute name or function call."),
        ("shop:make(", "Failed to parse 'make(' as an attribute name or function call."),
        ("shop:make(x)", "Failed to parse arguments as literal values: 'make(x)'"),
        ("shop:make(*[1])", "Failed to parse arguments as literal values: 'make(*[1])'"),
        ("shop:make(**{'a': 1})", "Failed to parse arguments as literal values"),
        ("shop:make()()", "Function reference must be a name or a dotted name"),
        ("shop:strict()", "'strict()': TypeError: "),
        (":x", "No module is named in ':x'"),
    ],
)
def test_what_cannot_be_served(spec: str, message: str) -> None:
    with pytest.raises(AppImportError) as caught:
        import_app(spec)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_message_tells_which_file_was_looked_at(tmp_path: Path) -> None:
    with pytest.raises(AppImportError, match=f"in 'shop' \\({tmp_path}/shop.py\\)"):
        import_app("shop:nope")


@pytest.mark.parametrize("spec", ["no_such_module", "no_such_module.wsgi:app", "package.nope", "shop.py"])
def test_a_missing_module_is_named_with_the_folder(spec: str, tmp_path: Path) -> None:
    with pytest.raises(AppImportError, match=f"No module named '.*' in {tmp_path}") as caught:
        import_app(spec)
    assert isinstance(caught.value, ModuleNotFoundError)


def test_a_file_name_instead_of_a_module_gets_a_hint() -> None:
    with pytest.raises(AppImportError, match=r"shop\.py is a file, the module is 'shop'"):
        import_app("shop.py")


def test_what_the_application_raises_is_not_ours() -> None:
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_there") as caught:
        import_app("needy")
    assert not isinstance(caught.value, AppImportError)
    with pytest.raises(TypeError, match="from within"):
        import_app("shop:broken()")


def test_a_traceback_has_the_applications_frames_only(tmp_path: Path) -> None:
    try:
        import_app("failing")
    except ZeroDivisionError as error:
        lines = application_traceback(error).splitlines()
    frames = [line.strip() for line in lines if line.lstrip().startswith("File ")]
    assert frames == [
        # This test called import_app() itself.
        frames[0],
        f'File "{tmp_path}/failing.py", line 4, in <module>',
        f'File "{tmp_path}/failing.py", line 2, in inner',
    ]
    assert Path(__file__).name in frames[0]
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_causes_and_contexts_are_trimmed_too() -> None:
    try:
        try:
            import_app("shop:nope")
        except AppImportError as error:
            raise ValueError("outer") from error
    except ValueError as error:
        text = application_traceback(error)
    assert "gunicorn/loading/names.py" not in text
    assert "direct cause" in text


@pytest.mark.parametrize(
    "uri", ["sync", "gunicorn.workers.sync.SyncWorker", "gunicorn.workers.sync:SyncWorker"]
)
def test_worker_classes(uri: str) -> None:
    from gunicorn.workers.sync import SyncWorker

    assert load_class(uri) is SyncWorker
    assert load_class(SyncWorker) is SyncWorker


@pytest.mark.parametrize("uri", ["nope", "nope.Worker", "shop.Nope", "egg:nope#sync", "egg:nope"])
def test_classes_that_are_not_there(uri: str) -> None:
    with pytest.raises(RuntimeError, match="invalid or not found: ") as caught:
        load_class(uri)
    assert "\n" not in str(caught.value)


def test_entry_points_of_other_packages(tmp_path: Path) -> None:
    info = tmp_path / "shopworkers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shopworkers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gunicorn.workers]\nfancy = shop:Place\n")
    import shop

    assert load_class("fancy") is shop.Place
    assert load_class("egg:shopworkers#fancy") is shop.Place


# -- factories without their parentheses


def keeps_signature(function: Any) -> Any:
    """A decorator that claims the signature of what it wraps, and takes what an application takes."""

    @functools.wraps(function)
    def wrapper(environ: Any, start_response: Any) -> Any: ...

    return wrapper


def takes_anything(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any: ...

    return wrapper


def factory() -> Any: ...
def configured(config: Any = None) -> Any: ...
def named(*, config: Any = None) -> Any: ...
def demanding(config: Any) -> Any: ...
def many(a: Any = None, b: Any = None) -> Any: ...
def wsgi(environ: Any, start_response: Any) -> Any: ...
def wsgi_and_more(environ: Any, start_response: Any, extra: Any = None) -> Any: ...
async def asgi(scope: Any, receive: Any, send: Any) -> None: ...
async def coroutine_factory() -> Any: ...
def starred(*args: Any) -> Any: ...


class Empty: ...


class Instances:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class MadeWithRequest:
    """An application is the class itself: its instance is the response."""

    def __init__(self, environ: Any, start_response: Any) -> None: ...
    def __iter__(self) -> Any: ...


class DoubleCallable:
    def __init__(self, scope: Any) -> None: ...
    async def __call__(self, receive: Any, send: Any) -> None: ...


class WithNew:
    def __new__(cls, *args: Any) -> Any: ...


class Maker:
    def __call__(self) -> Any: ...
    def make(self) -> Any: ...
    def serve(self, environ: Any, start_response: Any) -> Any: ...
    @staticmethod
    def of_class() -> Any: ...
    @classmethod
    def of_kind(cls) -> Any: ...


class Callables(type):
    def __call__(cls, *args: Any) -> Any: ...


class WithMetaclass(metaclass=Callables): ...


class StaticCall:
    @staticmethod
    def __call__(environ: Any, start_response: Any) -> Any: ...


@pytest.mark.parametrize(
    "app",
    [
        factory, configured, named, coroutine_factory, Empty, Instances, Maker, Maker(), Maker().make, Maker.of_class,
        Maker.of_kind, functools.partial(demanding, 1), functools.partial(factory), lambda: None,
    ],
)
def test_a_factory_is_seen(app: Any) -> None:
    assert looks_like_factory(app)


@pytest.mark.parametrize(
    "app",
    [
        wsgi, wsgi_and_more, asgi, starred, many, demanding, keeps_signature(factory), takes_anything(factory),
        Instances(), MadeWithRequest, DoubleCallable, WithNew, WithMetaclass, StaticCall(), Maker().serve,
        lambda e, s: None, functools.partial(wsgi, {}), functools.partial(many, a=1),
        functools.partial(wsgi_and_more, extra=1), print, dict, str.upper, mock.Mock(), functools.lru_cache(factory),
    ],
)
def test_what_may_be_an_application_is_none(app: Any) -> None:
    assert not looks_like_factory(app)
