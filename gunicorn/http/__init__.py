"""Sans-IO protocols: bytes in, messages out. Nothing here opens a socket, reads a clock or knows a gateway.

`Message`, `Request`, `RequestParser` and `get_parser` are names that workers of third parties import from here. They
live in `gunicorn.blocking`, which is loaded when somebody asks for one of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLOCKING = {"Message": "request", "Request": "request", "RequestParser": "parser", "get_parser": "parser"}


def __getattr__(name: str) -> Any:
    if name not in _BLOCKING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"gunicorn.blocking.{_BLOCKING[name]}"), name)
