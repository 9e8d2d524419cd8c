"""Telling ASGI from WSGI without a call."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from gunicorn.loading.interface import ASGI, WSGI, interface_of, is_double_callable


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


def returns_awaitable(scope: Any, receive: Any, send: Any) -> Any:
    return asgi(scope, receive, send)


def either(*args: Any) -> Any: ...


def with_default(environ: Any, start_response: Any, extra: Any = None) -> Any: ...


class AsgiObject:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def method(self, scope: Any, receive: Any, send: Any) -> None: ...


class WsgiObject:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...

    def wsgi_app(self, environ: Any, start_response: Any) -> Any: ...

    @classmethod
    def of_class(cls, environ: Any, start_response: Any) -> Any: ...

    @staticmethod
    def of_nobody(environ: Any, start_response: Any) -> Any: ...


class Double:
    def __init__(self, scope: Any) -> None: ...

    async def __call__(self, receive: Any, send: Any) -> None: ...


class Iterating:
    """The form of PEP 3333 in which the class is the application."""

    def __init__(self, environ: Any, start_response: Any) -> None: ...


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return function(*args)

    return call


def adapted(function: Any) -> Any:
    @functools.wraps(function)
    def call(environ: Any, start_response: Any) -> Any: ...

    return call


class Standing:
    """Stands for an application, as what agents for tracing put around it."""

    def __init__(self, app: Any) -> None:
        self.__wrapped__ = app

    def __call__(self, *args: Any) -> Any:
        return self.__wrapped__(*args)


class Native(functools.partial):  # type: ignore[type-arg]
    """The same without code of Python's own."""

    func = args = property()  # type: ignore[assignment]


class Adapting(Standing):
    async def __call__(self, *args: Any) -> None: ...


def native(app: Any) -> Any:
    standing = Native(app)
    standing.__wrapped__ = app
    return standing


def bound(first: Any, environ: Any, start_response: Any) -> Any: ...


@pytest.mark.parametrize(
    ("app", "interface"),
    [
        (asgi, ASGI), (returns_awaitable, ASGI), (AsgiObject(), ASGI), (AsgiObject().method, ASGI), (Double, ASGI),
        (decorated(asgi), ASGI), (functools.partial(asgi), ASGI), (functools.partial(AsgiObject()), ASGI),
        (wsgi, WSGI), (WsgiObject(), WSGI), (WsgiObject().wsgi_app, WSGI), (WsgiObject.of_class, WSGI),
        (WsgiObject.of_nobody, WSGI), (decorated(wsgi), WSGI), (functools.partial(bound, 1), WSGI),
        (adapted(asgi), WSGI),
        (Standing(wsgi), WSGI), (Standing(asgi), ASGI), (Standing(WsgiObject()), WSGI),
        (Standing(Standing(asgi)), ASGI),
        (native(WsgiObject()), WSGI), (native(AsgiObject()), ASGI), (Adapting(wsgi), ASGI), (Standing(either), None),
        (either, None), (with_default, None), (Iterating, None), (functools.partial(print), None),
    ],
)
def test_interface_of(app: Any, interface: str | None) -> None:
    assert interface_of(app) == interface


def test_double_callables() -> None:
    assert is_double_callable(Double)
    assert not any(map(is_double_callable, (Iterating, asgi, AsgiObject())))
