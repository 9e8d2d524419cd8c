"""Which of the two interfaces an application has, without calling it and without importing `inspect`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import ASGIApp, Receive, Scope, Send

# Flags of code objects (the documentation of `inspect`, "Code Objects Bit Flags").
_VARARGS = 0x04
_COROUTINE = 0x80

ASGI = "asgi"
WSGI = "wsgi"


def interface_of(app: object) -> str | None:
    """ASGI, WSGI, or None when the signature does not tell: `app(*args)` may be either.

    ASGI takes scope, receive and send and is a coroutine function or returns an awaitable; WSGI takes environ and
    start_response.
    """
    if isinstance(app, type):
        return ASGI if is_double_callable(app) else None
    function, given = _innermost(app)
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    if code.co_flags & _COROUTINE:
        return ASGI
    if code.co_flags & _VARARGS:
        return None
    most = code.co_argcount - given
    least = most - len(function.__defaults__ or ())
    takes_two, takes_three = least <= 2 <= most, least <= 3 <= most
    if takes_two == takes_three:
        return None
    return ASGI if takes_three else WSGI


def is_double_callable(app: object) -> bool:
    """Whether this is a class of ASGI 2: it is made with the scope, and its instances are coroutine functions."""
    code = getattr(getattr(app, "__call__", None), "__code__", None)  # noqa: B004
    return isinstance(app, type) and code is not None and bool(code.co_flags & _COROUTINE)


def as_single_callable(app: type) -> ASGIApp:
    """The class of ASGI 2 in the form of ASGI 3."""

    async def single(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope)(receive, send)

    return single


def _innermost(app: Any) -> tuple[Any, int]:
    """The function behind methods, partials, decorators and instances, and how many of its arguments are given."""
    function, given = app, 0
    while (inner := _within(function)) is not None:
        function, given = inner[0], given + inner[1]
    return (function if hasattr(function, "__code__") else None), given


def _within(function: object) -> tuple[object, int] | None:
    """What a callable stands for, and how many arguments it gives to that; None for a function, or what tells nothing.
    """
    if hasattr(function, "__func__"):
        return function.__func__, 1
    if hasattr(function, "func") and hasattr(function, "args"):
        # functools.partial
        return function.func, len(function.args)
    wrapped = getattr(function, "__wrapped__", None)
    if hasattr(function, "__code__"):
        is_open = wrapped is not None and function.__code__.co_flags & _VARARGS
        return (wrapped, 0) if is_open else None
    method = getattr(type(function), "__call__", None)  # noqa: B004
    code = getattr(method, "__code__", None)
    if wrapped is not None and (code is None or code.co_flags & (_VARARGS | _COROUTINE) == _VARARGS):
        # An object that stands for the application, as those of agents for tracing.
        return wrapped, 0
    return None if code is None else (method, 1)
