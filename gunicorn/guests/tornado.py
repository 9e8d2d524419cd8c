"""Tornado's own HTTP server on our listeners, for applications of Tornado.

Tornado reads and writes; what surrounds a request is ours: TLS as each listener has it, who the client is, what is too
much, too long or too late, the page of the scoreboard, the access log.
"""

from __future__ import annotations

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPMessageDelegate, RequestStartLine
from tornado.wsgi import WSGIContainer

from gunicorn.engine.listener import Listener
from gunicorn.errors import OwnSignal
from gunicorn.gateway import wiring
from gunicorn.gateway.access_lines import logs_access
from gunicorn.gateway.board_entries import enter, tell_queue_time
from gunicorn.gateway.gateway import shown
from gunicorn.gateway.health_path import asks_for_health
from gunicorn.gateway.response import status_number
from gunicorn.http.errors import LimitRequestBody, Overloaded, WaitedTooLong
from gunicorn.http.fields import FieldName
from gunicorn.http.request import Request
from gunicorn.http.target import elsewhere
from gunicorn.instrument._board import Board
from gunicorn.tls import entrance

from .host import TornadoHost
from .tornado_answers import Answer, Incoming
from .tornado_heads import read_again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.http.hosts import Hosts
    from gunicorn.unix.sockets import BaseSocket

    from .tornado_answers import Context

# How much of a body Tornado itself takes, and has in memory, where nobody has said.
BODY_BOUND = 100 * 1024 * 1024


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


def _authority(listener: Listener) -> str:
    """What a client would send as Host that has found this listener by its address."""
    if listener.is_unix:
        return "localhost"
    name = listener.server_name
    return f"[{name}]:{listener.server_port}" if ":" in name else f"{name}:{listener.server_port}"
