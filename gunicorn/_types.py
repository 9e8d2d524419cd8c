"""Types that many rooms speak of, by the names of the field: for signatures, and for nothing else.

Import from here under `TYPE_CHECKING` only: at run time this module is empty. WSGI as in PEP 3333, ASGI as in its
specification 3.0.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
    from datetime import timedelta
    from types import TracebackType
    from typing import Any, Protocol, TypedDict, Unpack

    # WSGI.

    Environ = dict[str, Any]
    ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
    Fields = Iterable[tuple[str, str]]
    Write = Callable[[bytes], object]

    class StartResponse(Protocol):
        """Takes status line and header fields of a response; `exc_info` where it replaces one that failed."""

        def __call__(self, status: str, headers: Fields, exc_info: ExcInfo | None = None, /) -> Write: ...

    WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

    # ASGI.

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

    # An application whose interface is not known (yet): WSGI, ASGI, or what a worker type of somebody else serves.
    App = Callable[..., Any]

    # Tasks.

    # What can be passed to a task and back (`tasks/values.py`): None, bool, int, float, str, bytes, lists, dicts.
    Value = Any

    # Octets.

    # What can be sent, sealed and queued.
    Octets = bytes | bytearray | memoryview

    # Sockets.

    # What can be listened at, as `bind` names it: host and port, the path of a unix socket, an inherited descriptor.
    Address = tuple[str, int] | str | int
    # As bind(2), accept(2) and getsockname(2) have it: IPv4, IPv6 with flow and scope, or a path.
    SocketAddress = tuple[str, int] | tuple[str, int, int, int] | str | bytes
    # That of a client, None where nobody knows it (any more).
    Peer = SocketAddress | None

    class ProxyInfo(TypedDict):
        """What the PROXY protocol has told of a client and the proxy's own listener; hooks know it by these names."""

        proxy_protocol: str
        client_addr: str
        client_port: int
        proxy_addr: str
        proxy_port: int

    # Clocks.

    # Seconds: monotonic ones, or those since the epoch.
    Clock = Callable[[], float]

    # Logs.

    class LogOptions(TypedDict, total=False):
        """What a call of a log may say besides the message, as in `logging`."""

        exc_info: bool | BaseException | ExcInfo | tuple[None, None, None] | None
        stack_info: bool
        stacklevel: int
        extra: Mapping[str, object] | None

    class Log(Protocol):
        """Both logs as the rooms call them; `logger_class` may be a class of the user's with these methods."""

        def critical(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...
        def error(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...
        def warning(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...
        def info(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...
        def debug(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...
        def exception(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...

        # Response and request are what the worker type has made of them: a log looks for the attributes it knows.
        def access(self, resp: object, req: object, environ: Environ, request_time: timedelta, /) -> None: ...
        # At a reload, with the `Config` of then; at USR1; in a new worker.
        def setup(self, cfg: Any, /) -> None: ...
        def reopen_files(self) -> None: ...
        def close_on_exec(self) -> None: ...
