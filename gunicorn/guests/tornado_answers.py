"""What Tornado's server tells of a request, and is told: the request begins and ends here, whoever has ended it.

Tornado's handler of messages is wrapped for what comes in, its connection for what goes out.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from datetime import timedelta
from typing import cast

from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from gunicorn.engine._leaf import monotonic
from gunicorn.engine.listener import Listener
from gunicorn.engine.transport import since_last_data
from gunicorn.gateway.health_path import health
from gunicorn.http.errors import GatewayTimeout, HTTPError, LimitRequestBody, Overloaded
from gunicorn.http.request import Request
from gunicorn.http.response import REASONS, error_body, http_date
from gunicorn.http.target import unquote
from gunicorn.instrument import stacks
from gunicorn.instrument._board import Board
from gunicorn.wire.http1_response import error_response

from .host import TornadoHost
from .tornado_heads import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, ParamSpec, Protocol, TypeVar

    from tornado.http1connection import HTTP1Connection
    from tornado.iostream import IOStream

    from gunicorn._types import Environ, Log, Peer
    from gunicorn.config import Config
    from gunicorn.gateway.request_ids import RequestIds

    Given = ParamSpec("Given")
    Result = TypeVar("Result")

    class Context(Protocol):
        """Who is at the other end of a connection, and how: as Tornado tells its application."""

        address: Peer
        remote_ip: str
        protocol: str
        # Ours: the latter two as Tornado itself has found them.
        own: tuple[str, str]

    class Owner(Protocol):
        """What the requests of a worker share."""

        worker: TornadoHost
        cfg: Config
        log: Log
        board: Board
        request_ids: RequestIds | None
        logs_access: bool
        # Fields of all responses, and the one of them that names the server (None: Tornado's).
        fields: list[tuple[str, str]]
        server_header: str | None

        def identify(self, context: Context, request: Request) -> None:
            """Let Tornado's `context` of a connection say who has sent this request, and how."""

        def begin(self, answer: Answer, request: Request) -> None:
            """A request is here, or its head."""

        def end(self, answer: Answer, method: str, seconds: float) -> None:
            """It is answered, or never will be."""

        def is_health(self, start_line: RequestStartLine) -> bool:
            """Whether it is a question for this worker, and none for its application."""

        def check(self, answer: Answer, request: Request, headers: HTTPHeaders) -> HTTPHeaders:
            """The fields for the application. Raises the `HTTPError` that is the answer otherwise."""

__all__ = ["Answer", "Incoming"]

# Whether a task tells its context (Python 3.12 and newer). Before, the tasks that a handler begins with are noted.
TELLS_CONTEXT = hasattr(asyncio.Task, "get_context")
# The answer whose handler runs: its tasks inherit it.
_current: ContextVar[Answer | None] = ContextVar("answer", default=None)


class Incoming(HTTPMessageDelegate):
    """What comes in, passed on; a request begins when its head is here, not when its connection waits for one."""

    def __init__(self, inner: HTTPMessageDelegate, answer: Answer) -> None:
        self._inner = inner
        self._answer = answer
        self._limit = answer.owner.cfg.limit_request_body
        self._size = 0
        # The application has, or will get, nothing of it.
        self._refused = False
        # Its line, where it is a question for the worker.
        self._asks_health: RequestStartLine | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        answer = self._answer
        if answer.owner.is_health(start_line):
            self._refused = True
            # Answered at the end: whoever answers earlier loses the connection.
            self._asks_health = start_line
            return None
        request = answer.begin(start_line, headers)
        try:
            headers = answer.owner.check(answer, request, headers)
        except HTTPError as error:
            self._refused = True
            answer.refuse(error)
            return None
        return self._within(self._inner.headers_received, start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._size += len(chunk)
        self._answer.received = self._size
        if self._refused:
            return None
        if self._limit and self._size > self._limit:
            self._refused = True
            self._inner.on_connection_close()
            self._answer.refuse(LimitRequestBody(str(self._size)))
            return None
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        if not self._refused:
            self._within(self._inner.finish)
        elif self._asks_health is not None:
            self._answer.tell_health(self._asks_health)

    def _within(self, function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        answer = self._answer
        notes = not TELLS_CONTEXT and answer.owner.worker.request_limit > 0
        before = asyncio.all_tasks() if notes else set()
        token = _current.set(answer)
        ids, request = answer.owner.request_ids, answer.request
        known = ids.enter(request) if ids is not None and request is not None else None
        try:
            return function(*args, **kwargs)
        finally:
            _current.reset(token)
            if ids is not None:
                ids.leave(known)
            if notes:
                answer.noted |= asyncio.all_tasks() - before

    def on_connection_close(self) -> None:
        self._answer.end()
        if not self._refused:
            self._inner.on_connection_close()


class Answer(HTTPConnection):
    """What goes out: a connection of Tornado's that notes what an access line tells."""

    def __init__(self, owner: Owner, listener: Listener, connection: HTTPConnection) -> None:
        self.owner = owner
        self.listener = listener
        # What these are, Tornado's own types do not say.
        self._connection = cast("HTTP1Connection", connection)
        self.context = cast("Context", self._connection.context)
        self._given_up = False
        self.noted: set[asyncio.Task[object]] = set()
        self.began = 0.0
        self.request: Request | None = None
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        # Octets of content.
        self.received = self.sent = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    @property
    def fd(self) -> int:
        """The descriptor of the connection, -1 when it is closed."""
        stream = self._connection.stream
        return -1 if stream is None or stream.socket is None else int(stream.socket.fileno())

    def seconds_since_data(self) -> float:
        """How long ago the kernel got the last octets from the client; 0 where it does not tell."""
        fd = self.fd
        return 0.0 if fd < 0 or self.listener.is_unix else since_last_data(fd)

    def begin(self, start_line: RequestStartLine, headers: HTTPHeaders) -> Request:
        """A head has come."""
        request = request_of(start_line, headers)
        self.owner.identify(self.context, request)
        self.request, self.began = request, monotonic()
        request.started = self.began
        self.owner.begin(self, request)
        return request

    def write_headers(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> asyncio.Future[None]:
        assert isinstance(start_line, ResponseStartLine)
        if self._given_up:
            return _done()
        if start_line.code >= 200:
            self.status = f"{start_line.code} {start_line.reason}"
            self._add_ours(headers)
            self.headers = list(headers.get_all())
        self.sent += len(chunk or b"")
        return self._connection.write_headers(start_line, headers, chunk)

    def _add_ours(self, headers: HTTPHeaders) -> None:
        owner = self.owner
        for name, value in owner.fields:
            headers.add(name, value)
        if owner.server_header is not None:
            headers.pop("Server", None)
            if owner.server_header:
                headers["Server"] = owner.server_header
        ids, request = owner.request_ids, self.request
        if ids is not None and request is not None and request.request_id and ids.name not in headers:
            headers[ids.name] = request.request_id
        if not owner.worker.alive or owner.worker.slot.leaving:
            headers["Connection"] = "close"

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        if self._given_up:
            return _done()
        self.sent += len(chunk)
        return self._connection.write(chunk)

    def finish(self) -> None:
        if not self._given_up:
            self._connection.finish()
            self.end()

    def detach(self) -> IOStream:
        stream = self._connection.detach()
        self.end()
        return stream

    def tell_health(self, start_line: RequestStartLine) -> None:
        """Say how this worker is; no request has begun."""
        owner = self.owner
        status, fields, content = health(not owner.board.welcomes())
        headers = HTTPHeaders({"Server": owner.cfg.server_header, "Date": _date().decode("ascii")})
        for name, value in fields:
            headers[name] = value
        code, _, reason = status.partition(" ")
        owner.board.speak(10 if start_line.version == "HTTP/1.0" else 11)
        owner.board.count(start_line.method, int(code))
        content = b"" if start_line.method == "HEAD" else content
        self.write_headers(ResponseStartLine("HTTP/1.1", int(code), reason), headers, content)
        self.finish()
        self._given_up = True

    def refuse(self, error: HTTPError) -> None:
        """Answer in the application's place, and close."""
        if isinstance(error, Overloaded):
            self.owner.board.shed(error.reason)
        elif error.status >= 400 and not isinstance(error, GatewayTimeout):
            address = self.context.address
            peer = address[0] if isinstance(address, tuple) else ""
            self.owner.log.warning("Invalid request from ip=%s: %s", peer, error)
        if self.status:
            self._connection.close()
            self.end()
        else:
            body = error_body(error.status, error.title)
            head_only = self.request is not None and self.request.method == "HEAD"
            start_line = ResponseStartLine("HTTP/1.1", error.status, REASONS.get(error.status, ""))
            stream = self._connection.stream
            written = self.write_headers(start_line, self._fields_of(error, len(body)), None if head_only else body)
            self.finish()
            # Tornado keeps a connection for as long as the client has asked for.
            written.add_done_callback(lambda _: stream.close())
        self._given_up = True

    def _fields_of(self, error: HTTPError, length: int) -> HTTPHeaders:
        headers = HTTPHeaders({"Server": self.owner.cfg.server_header, "Date": _date().decode("ascii")})
        for name, value in error.fields:
            headers[name] = value
        headers["Connection"] = "close"
        headers["Content-Type"] = "text/html"
        headers["Content-Length"] = str(length)
        return headers

    # Too long.

    def tasks(self) -> list[asyncio.Task[object]]:
        """The tasks that work on this request."""
        if not TELLS_CONTEXT:
            return [task for task in self.noted if not task.done()]
        loop = self.owner.worker.ioloop.asyncio_loop
        tasks: set[Any] = asyncio.all_tasks(loop)
        return [task for task in tasks if task.get_context().get(_current) is self]

    def stacks(self) -> str:
        """Where they wait."""
        return "\n".join(map(stacks.of_task, self.tasks()))

    def break_off(self) -> None:
        """The request is over its limit."""
        tasks = self.tasks()
        self.refuse(GatewayTimeout())
        for task in tasks:
            task.cancel()

    def cut(self) -> None:
        """Answer past Tornado, whose loop will not turn again."""
        if self.status or self.fd < 0:
            return
        server = self.owner.cfg.server_header.encode("latin-1")
        try:
            self._connection.stream.socket.send(error_response(GatewayTimeout.status, "", _date(), server))
        except OSError:
            # The client has left first.
            pass

    def drop(self) -> None:
        """Close the connection, and say no more of the request."""
        request, self.request = self.request, None
        if request is not None:
            self.owner.end(self, request.method, monotonic() - self.began)
        self._connection.close()

    def end(self) -> None:
        """The response is written, or never will be."""
        request, self.request = self.request, None
        if request is None:
            return
        seconds = monotonic() - self.began
        self.owner.end(self, request.method, seconds)
        if self.owner.logs_access and self.status:
            self._log(request, timedelta(seconds=seconds))

    def _log(self, request: Request, took: timedelta) -> None:
        environ: Environ = {
            "REMOTE_ADDR": self.context.remote_ip, "REQUEST_METHOD": request.method,
            "RAW_URI": request.uri, "PATH_INFO": unquote(request.path), "QUERY_STRING": request.query,
            "SERVER_PROTOCOL": f"HTTP/1.{request.version_minor}",
        }
        for field, value in request.fields:
            if "_" not in field.name:
                before = environ.get(field.variable)
                # As everywhere, fields of one name are one variable (RFC 9110 section 5.3).
                environ[field.variable] = value if before is None else f"{before},{value}"
        if request.request_id is not None:
            environ["gunicorn.request_id"] = request.request_id
        self.owner.worker.log.access(self, request, environ, took)


def _date() -> bytes:
    return http_date(time.gmtime())


def _done() -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
