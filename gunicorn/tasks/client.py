"""The client: calls applications in task processes, threads and greenlets by one connection, a loop by another.

Calls are numbered, so that several are under way on one connection at the same time, a stream that is left does no harm
to the next call, and what comes too late is known as such. A connection belongs to one process: a child that was forked
opens its own.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar

from gunicorn.logs.request_ids import current_request_id

from .errors import DirtyError
from .frames import CALL, END, ERROR, ITEM, STREAM, WINDOW, target_of
from .link import Link
from .place import get_dirty_socket_path
from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from gunicorn._types import Value

    from .async_link import AsyncLink

__all__ = [
    "DirtyAsyncStreamIterator", "DirtyClient", "DirtyStreamIterator", "close_dirty_client", "close_dirty_client_async",
    "get_dirty_client", "get_dirty_client_async",
]

REFILL = WINDOW // 2
"""After so many items a reader asks for as many more."""


def _target(app_path: str, action: str) -> bytes:
    """What is called, and by which request."""
    return target_of(app_path, action, current_request_id())


class DirtyClient:
    """Calls applications through the socket at `socket_path`.

    `timeout`: seconds that a call may take, and from one item of a stream to the next; None: any. Its methods raise
    DirtyError. It may be used by several threads, and by coroutines of one loop at the same time.
    """

    def __init__(self, socket_path: str, timeout: float | None = 30.0) -> None:
        self.socket_path = socket_path
        self.timeout = timeout
        self._link = Link(socket_path)
        self._async_link_: AsyncLink | None = None
        self._shares_link = False

    @property
    def _async_link(self) -> AsyncLink:
        if self._async_link_ is None:
            # Who has no loop does not pay for asyncio.
            from .async_link import AsyncLink

            self._async_link_ = AsyncLink(self.socket_path)
        return self._async_link_

    # From threads and greenlets.

    def connect(self) -> None:
        """Connect, where that is not done yet: calls do it themselves."""
        self._link.connect()

    def execute(self, app_path: str, action: str, *args: Value, **kwargs: Value) -> Value:
        """Call an action, and return what it does."""
        payload = encode([args, kwargs])
        return result_of(*self._link.request(CALL, _target(app_path, action), payload, self.timeout))

    def stream(self, app_path: str, action: str, *args: Value, **kwargs: Value) -> DirtyStreamIterator:
        """Call an action that gives items, one after the other."""
        return DirtyStreamIterator(self, app_path, action, args, kwargs)

    def close(self) -> None:
        """Disconnect; the next call connects again."""
        self._link.close()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # From coroutines.

    async def connect_async(self) -> None:
        """Connect, where that is not done yet: calls do it themselves."""
        await self._async_link.connect()

    async def execute_async(self, app_path: str, action: str, *args: Value, **kwargs: Value) -> Value:
        """Call an action, and return what it does."""
        payload = encode([args, kwargs])
        reply = await self._async_link.ask(CALL, _target(app_path, action), payload, 0, self.timeout)
        return result_of(*await self._async_link.wait(reply, self.timeout))

    def stream_async(self, app_path: str, action: str, *args: Value, **kwargs: Value) -> DirtyAsyncStreamIterator:
        """Call an action that gives items, one after the other."""
        return DirtyAsyncStreamIterator(self, app_path, action, args, kwargs)

    async def close_async(self) -> None:
        """Disconnect; the next call connects again."""
        if self._async_link_ is not None and not self._shares_link:
            self._async_link_.close()

    async def __aenter__(self) -> Self:
        await self.connect_async()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close_async()


class _Stream:
    """What iterators over the items of a stream have in common."""

    DEFAULT_IDLE_TIMEOUT = 30.0
    _STOP: type[Exception] = StopIteration

    _link: Link | AsyncLink

    def __init__(
        self, client: DirtyClient, app_path: str, action: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> None:
        self._client = client
        self._asked = app_path, action, args, kwargs
        self._reply: Value = None
        self._taken = 0
        self._is_over = False

    def _request(self) -> tuple[int, bytes, bytes, int, float | None]:
        """What the link is to ask."""
        app_path, action, args, kwargs = self._asked
        return CALL, _target(app_path, action), encode([args, kwargs]), STREAM, self._client.timeout

    def _take(self, kind: int, payload: bytes) -> Value:
        """The item that has come. Raises `_STOP` at the end of the stream, and the error that has ended it."""
        if kind == ITEM:
            return self._item(payload)
        self._is_over = True
        self._link.forget(self._reply)
        raise self._STOP if kind == END else error_of(payload)

    def _item(self, payload: bytes) -> Value:
        """After some, as many more are asked for."""
        self._taken += 1
        if self._taken % REFILL == 0:
            self._link.more(self._reply, REFILL)
        return decode(payload)

    def close(self) -> None:
        """No item is wanted any more: the action ends."""
        reply, is_over = self._reply, self._is_over
        self._is_over = True
        if reply is not None and not is_over:
            self._link.cancel(reply)

    def __del__(self) -> None:
        if not getattr(self, "_is_over", True):
            self.close()


class DirtyStreamIterator(_Stream):
    """The items of a stream; the action is called when the first one is asked for. `close` ends it before its end."""

    def __init__(
        self, client: DirtyClient, app_path: str, action: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> None:
        super().__init__(client, app_path, action, args, kwargs)
        self._link: Link = client._link

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Value:
        if self._is_over:
            raise StopIteration
        if self._reply is None:
            self._reply = self._link.ask(*self._request())
        try:
            return self._take(*self._link.wait(self._reply, self._client.timeout))
        except BaseException:
            self.close()
            raise


class DirtyAsyncStreamIterator(_Stream):
    """The same for coroutines."""

    _STOP = StopAsyncIteration

    def __init__(
        self, client: DirtyClient, app_path: str, action: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> None:
        super().__init__(client, app_path, action, args, kwargs)
        self._link: AsyncLink = client._async_link

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Value:
        if self._is_over:
            raise StopAsyncIteration
        if self._reply is None:
            self._reply = await self._link.ask(*self._request())
        try:
            return self._take(*await self._link.wait(self._reply, self._client.timeout))
        except BaseException:
            self.close()
            raise

    async def aclose(self) -> None:
        """The same as `close`, by the name that asynchronous generators have for it."""
        self.close()


def result_of(kind: int, payload: bytes) -> Value:
    """What a call has come to. Raises the DirtyError that it is."""
    if kind == ERROR:
        raise error_of(payload)
    return decode(payload)


def error_of(payload: bytes) -> DirtyError:
    """The error that was sent. Raises DirtyProtocolError."""
    data = decode(payload)
    return DirtyError.from_dict(data if isinstance(data, dict) else {"message": "An error that nobody understands"})


# One client a thread, or a context of tasks.

_of_thread = threading.local()
_of_context: ContextVar[DirtyClient | None] = ContextVar("gunicorn_dirty_client", default=None)


def get_dirty_client(timeout: float = 30.0) -> DirtyClient:
    """The client of this thread (or greenlet), whose timeout is that of the first call. Raises DirtyError without a
    pool."""
    client: DirtyClient | None = getattr(_of_thread, "client", None)
    if client is None:
        client = _of_thread.client = DirtyClient(get_dirty_socket_path(), timeout)
    return client


async def get_dirty_client_async(timeout: float = 30.0) -> DirtyClient:
    """The client of this context, whose timeout is that of the first call. Raises DirtyError without a pool."""
    from .async_link import shared_link

    client = _of_context.get()
    if client is None:
        client = DirtyClient(get_dirty_socket_path(), timeout)
        _of_context.set(client)
    # A context ends with its request: what there is one of for all of them is the connection.
    client._async_link_, client._shares_link = shared_link(client.socket_path), True
    return client


def close_dirty_client() -> None:
    """Disconnect the client of this thread, and forget it."""
    client: DirtyClient | None = getattr(_of_thread, "client", None)
    if client is not None:
        _of_thread.client = None
        client.close()


async def close_dirty_client_async() -> None:
    """Disconnect the client of this context, and forget it."""
    client = _of_context.get()
    if client is not None:
        _of_context.set(None)
        await client.close_async()
