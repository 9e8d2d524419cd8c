"""Tornado's own HTTP server on our listeners, for applications of Tornado.

Tornado reads and writes; what surrounds a request is ours: TLS as each listener has it, who the client is, what is too
much, too long or too late, the page of the scoreboard, the access log.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from datetime import timedelta
from typing import cast

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.wsgi import WSGIContainer

from gunicorn.engine._leaf import monotonic
from gunicorn.engine.listener import Listener
from gunicorn.engine.transport import since_last_data
from gunicorn.errors import OwnSignal
from gunicorn.gateway import wiring
from gunicorn.gateway.access_lines import logs_access
from gunicorn.gateway.board_entries import enter, tell_queue_time
from gunicorn.gateway.gateway import shown
from gunicorn.gateway.health_path import asks_for_health, health
from gunicorn.gateway.response import status_number
from gunicorn.http.errors import (
    GatewayTimeout,
    HTTPError,
    InvalidRequestLine,
    LimitRequestBody,
    Overloaded,
    WaitedTooLong,
)
from gunicorn.http.fields import ORDINARY, FieldName, FieldTable
from gunicorn.http.request import Request
from gunicorn.http.response import REASONS, error_body, http_date
from gunicorn.http.target import elsewhere, unquote
from gunicorn.instrument import stacks
from gunicorn.instrument._board import Board
from gunicorn.tls import entrance
from gunicorn.wire.http1_head import HeadParser
from gunicorn.wire.http1_response import error_response

from .host import TornadoHost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, ParamSpec, Protocol, TypeVar

    from tornado.http1connection import HTTP1Connection
    from tornado.iostream import IOStream

    from gunicorn._types import Environ, Peer
    from gunicorn.http.hosts import Hosts
    from gunicorn.unix.sockets import BaseSocket

    Given = ParamSpec("Given")
    Result = TypeVar("Result")

    class Context(Protocol):
        """Who is at the other end of a connection, and how: as Tornado tells its application."""

        address: Peer
        remote_ip: str
        protocol: str
        # Ours: the latter two as Tornado itself has found them.
        own: tuple[str, str]

# How much of a body Tornado itself takes, and has in memory, where nobody has said.
BODY_BOUND = 100 * 1024 * 1024

# Whether a task tells its context (Python 3.12 and newer). Before, the tasks that a handler begins with are noted.
TELLS_CONTEXT = hasattr(asyncio.Task, "get_context")
# The answer whose handler runs: its tasks inherit it.
_current: ContextVar[Answer | None] = ContextVar("answer", default=None)



def _head_bound(line: int, fields: int) -> int:
    """The most bytes of a head, which Tornado looks at only when all of it has come."""
    return line + fields if line and fields else BODY_BOUND


class Servers:
    """A server for each listener of a worker, and what their requests share."""

    def __init__(self, worker: TornadoHost) -> None:
        cfg = worker.cfg
        self.worker = worker
        self.cfg = cfg
        self.log = worker.log
        self.board = Board(worker.slot)
        self.running: set[Answer] = set()
        self.served = 0
        self.logs_access = logs_access(worker.log)
        self.admission = wiring.admission_of(cfg)
        self.forwarded = wiring.forwarded_of(cfg)
        self.request_ids = wiring.request_ids_of(cfg)
        self.hosts: Hosts | None = wiring.hosts_of(cfg) if cfg.allowed_hosts else None
        pairs = (line.partition(":") for line in cfg.response_headers)
        self.fields = [(name, value.strip()) for name, _, value in pairs]
        # In the environ of WSGI two names may be one variable: there `header_map` has something to drop.
        self.drops = isinstance(worker.wsgi, WSGIContainer)
        self.server_header = None if cfg.server_header == cfg.settings["server_header"].default else cfg.server_header
        self.servers = [self._open(sock, place) for place, sock in enumerate(worker.sockets)]

    def _open(self, sock: BaseSocket, place: int) -> Server:
        cfg = self.cfg
        listener = Listener(sock)
        listener.terminator, listener.redirect = entrance.listener_role(sock, place, cfg, self.log)
        server = Server(
            self.worker.wsgi,
            no_keep_alive=not cfg.keepalive,
            ssl_options=None if listener.terminator is None else listener.terminator.context,
            # Tornado has one limit for the idle time and for a head that comes slowly.
            idle_connection_timeout=max(cfg.header_timeout, cfg.keepalive) or None,
            max_header_size=_head_bound(cfg.limit_request_line, cfg.limit_request_head),
            max_body_size=max(BODY_BOUND, cfg.limit_request_body),
        )
        server.owner, server.listener = self, listener
        server.add_socket(listener.sock)
        return server

    # What the worker asks.

    def tick(self) -> None:
        """Once a second."""
        self.worker.slot.connections = sum(len(server._connections) for server in self.servers)
        for server in self.servers:
            terminator = server.listener.terminator
            if terminator is not None and terminator.renew():
                server.ssl_options = terminator.context

    def requests(self) -> list[tuple[Answer, Request, float]]:
        """What runs, and since when."""
        return [(answer, answer.request, answer.began) for answer in self.running if answer.request is not None]

    def break_off(self, answer: Answer) -> None:
        """A request is over its limit and was told of in the log; whatever goes wrong ends its connection and nothing
        else."""
        try:
            answer.break_off()
        except OwnSignal:
            raise
        except BaseException as error:  # the boundary around one connection: a logger of the user's
            answer.drop()
            self.log.error("Error on the connection of %s", shown(answer.context.address), exc_info=error)

    def answer_for_the_aborted(self) -> None:
        """The process ends at once: nobody need wait for a connection that breaks."""
        for answer in list(self.running):
            answer.cut()

    def stop(self) -> None:
        """Accept nobody any more; answers close their connections."""
        for server in self.servers:
            server.stop()
            server.conn_params.no_keep_alive = True

    def busy(self, with_idle: bool) -> bool:
        """Whether requests run, or (`with_idle`) connections are open."""
        return bool(self.running or (with_idle and any(server._connections for server in self.servers)))

    async def close(self) -> None:
        """Cut what is left."""
        for server in self.servers:
            await server.close_all_connections()

    def abandon(self) -> None:
        """In a child that the application has forked: close the copies of the clients' sockets."""
        self.board.move_to(self.worker.slot)
        for server in self.servers:
            for connection in list(server._connections):
                socket = connection.stream.socket
                if socket is not None:
                    socket.close()

    # What requests ask.

    def begin(self, answer: Answer, request: Request) -> None:
        """A request is here, or its head."""
        self.running.add(answer)
        self.served += 1
        if self.served >= self.worker.max_requests:
            self.worker.recycle()
        enter(self.board, request, answer.began, self.request_ids)

    def end(self, answer: Answer, method: str, seconds: float) -> None:
        """It is answered, or never will be."""
        self.running.discard(answer)
        status = status_number(answer.status)
        self.board.transfer(answer.received, answer.sent)
        self.board.end(method, status, answer.began, answer.began + seconds, answer.sent)

    def is_health(self, start_line: RequestStartLine) -> bool:
        """Whether it is a question for this worker, and none for its application."""
        path = start_line.path.partition("?")[0]
        return asks_for_health(start_line.method, path, self.cfg.health_path)

    def check(self, answer: Answer, request: Request, headers: HTTPHeaders) -> HTTPHeaders:
        """The fields for the application. Raises the `HTTPError` that is the answer to a request that is not to be
        served."""
        fields = self._read_again(request)
        self._admit(answer, request)
        if self.drops and len(fields) < len(request.fields):
            headers = HTTPHeaders()
            for field, value in fields:
                headers.add(str(field.raw, "latin-1"), value)
        if request.host is None and request.version_minor:
            # `permit_missing_host`: Tornado's own classes do not work without one.
            headers["Host"] = _authority(answer.listener)
        if self.request_ids is not None and request.request_id is not None:
            headers[self.request_ids.name] = request.request_id
        return headers

    def _admit(self, answer: Answer, request: Request) -> None:
        """Raise the `HTTPError` for a request that comes to the wrong place, is too large, or one too many."""
        if answer.listener.redirect:
            raise elsewhere(request, answer.listener.redirect)
        limit = self.cfg.limit_request_body
        if limit and request.content_length > limit:
            raise LimitRequestBody(str(request.content_length))
        most = self.cfg.limit_concurrency
        if most and len(self.running) > most:
            raise Overloaded(f"{most} requests are running")
        if self.admission is not None:
            waited = self.admission.waited(answer, request)
            if waited > self.admission.limit:
                raise WaitedTooLong(f"waited {waited:.1f} s, the limit is {self.admission.limit:g} s")

    def _read_again(self, request: Request) -> list[tuple[FieldName, str]]:
        read = read_again(self.worker.engine.table, request)
        if self.hosts is not None:
            self.hosts.check(read)
        if read.starts:
            tell_queue_time(self.board, read)
        return read.fields

    def identify(self, context: Context, request: Request) -> None:
        """Let Tornado's `context` of a connection say who has sent this request, and how."""
        if not hasattr(context, "own"):
            context.own = context.remote_ip, context.protocol
        context.remote_ip, context.protocol = context.own
        request.peer = context.address
        engine = self.worker.engine
        request.forwarder_trusted = engine.trusted.allows(context.address)
        if not request.forwarder_trusted:
            return
        if self.forwarded is not None:
            client = self.forwarded.client(request)
            if client is not None:
                context.remote_ip = client[0]
        for name, value in self.cfg.secure_scheme_headers.items():
            if request.header(name) == value:
                context.protocol = "https"


class Server(HTTPServer):
    """Tornado's server, with us around each request."""

    owner: Servers
    listener: Listener

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        answer = Answer(self.owner, self.listener, request_conn)
        return Incoming(super().start_request(server_conn, answer), answer)


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

    def __init__(self, owner: Servers, listener: Listener, connection: HTTPConnection) -> None:
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


def request_of(start_line: RequestStartLine, headers: HTTPHeaders) -> Request:
    """A request as Tornado has parsed it, as one of ours."""
    request = Request()
    request.method, request.uri = start_line.method, start_line.path
    request.path, _, request.query = start_line.path.partition("?")
    request.version_minor = 0 if start_line.version == "HTTP/1.0" else 1
    request.fields = [(FieldName(name.encode("latin-1"), ORDINARY, ""), value) for name, value in headers.get_all()]
    request.host = headers.get("Host")
    length = headers.get("Content-Length", "")
    request.content_length = int(length) if length.isascii() and length.isdigit() else 0
    return request


def read_again(table: FieldTable, request: Request) -> Request:
    """Have our own parser judge what Tornado's has let in: its request has the fields that `header_map` leaves.

    Raises `HTTPError`: what is refused is the same in every worker type.
    """
    lines = [f"{request.method} {request.uri} HTTP/1.{request.version_minor}"]
    lines += [f"{str(field.raw, 'latin-1')}: {value}" for field, value in request.fields]
    try:
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    except UnicodeEncodeError:
        raise InvalidRequestLine("characters outside of Latin-1") from None
    parser = HeadParser(table, request.forwarder_trusted)
    if parser.parse(head, 0, len(head)) < len(head) or not parser.complete:
        raise InvalidRequestLine("more than a head")
    return parser.finish()


def _authority(listener: Listener) -> str:
    """What a client would send as Host that has found this listener by its address."""
    if listener.is_unix:
        return "localhost"
    name = listener.server_name
    return f"[{name}]:{listener.server_port}" if ":" in name else f"{name}:{listener.server_port}"


def _date() -> bytes:
    return http_date(time.gmtime())


def _done() -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
