"""The one request cycle of WSGI: environ, application, response, hooks, access log, keep-alive.

A worker type hands `Gateway` to its engine and says only how to wait (`wait_readable`, `wait_writable`) and where
`run` happens: at once (sync), in a thread, in a greenlet.
"""

from __future__ import annotations

import io
import os
import sys
from datetime import timedelta

from ..engine import entrance
from ..engine._board import Board
from ..engine._leaf import bind, monotonic
from ..engine.connection import READING, Connection
from ..engine.outgoing import ClientDisconnected
from ..errors import OwnSignal
from ..http.errors import (
    ConfigurationProblem,
    GatewayTimeout,
    HTTPError,
    InsufficientStorage,
    InternalError,
    Overloaded,
    Redirected,
)
from ..http.request import Request
from ..http.response import REASONS, error_response, refusal
from .access import AccessLines, access_lines
from .environ import EnvironBuilder, unquote
from .filewrapper import FileWrapper
from .gateway_state import GatewayState
from .response import IncompleteResponse, Response, ResponseComplete
from .socket_view import SocketView

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_START_RESPONSE: Any = Response.start_response


class Gateway(GatewayState):
    """Runs one WSGI application for one worker."""

    __slots__ = (
        "app", "board", "budget", "builder", "cfg", "gathers", "handle_error", "lines", "log", "logs_access",
        "next_complaint",
        "overloads", "post_request", "pre_request", "served", "server",
        "worker",
    )

    def __init__(
        self, worker: Any, app: Any, multithread: bool, multiprocess: bool, server: str, software: str
    ) -> None:
        cfg = worker.cfg
        super().__init__(server.encode("latin-1"), cfg.sendfile)
        self.worker = worker
        self.app = app
        self.cfg = cfg
        self.log = worker.log
        # Requests begun, and how many of them this worker is meant to serve.
        self.served = 0
        self.overloads = 0
        self.next_complaint = 0.0
        slot = getattr(worker, "slot", None)
        self.board: Board | None = Board(slot) if slot is not None else None
        self.budget = min(worker.max_requests, 1 << 62)
        self.server = server.encode("latin-1")
        self.pre_request = _own_hook(cfg, "pre_request")
        self.post_request = _own_hook(cfg, "post_request")
        self.logs_access = logs_access(worker.log, cfg)
        self.lines: AccessLines | None = access_lines(worker.log, cfg) if self.logs_access else None
        self.ends_at_once = self.post_request is None and (not self.logs_access or self.lines is not None)
        # Set by a worker that calls `idle` when nothing is to be done: lines may wait for that.
        self.gathers = False
        # A worker's own `handle_error`, which is told of what is refused or has failed.
        self.handle_error: Any = None
        self.builder = EnvironBuilder(
            {
                "wsgi.version": (1, 0),
                "wsgi.errors": ErrorStream(worker.log),
                "wsgi.multithread": multithread,
                "wsgi.multiprocess": multiprocess,
                "wsgi.run_once": False,
                "wsgi.file_wrapper": FileWrapper,
                "wsgi.input_terminated": True,
                "SERVER_SOFTWARE": software,
            },
            os.environ.get("SCRIPT_NAME", ""),
            self._wait_readable,
        )
        self.builder.forwarded = entrance.forwarded_of(cfg)

    def abandon(self, slot: Any) -> None:
        """In a child that the application has forked: tell nobody of requests, and count them on a page of its own."""
        self.lines = None
        self.logs_access = False
        self.post_request = None
        if self.board is not None:
            self.board.move_to(slot)

    def _wait_readable(self, connection: Connection) -> None:
        self.wait_readable(connection)

    # What the engine asks of a handler.

    def unfinished(self) -> bool:
        return self.lines is not None and self.lines.waiting()

    def idle(self) -> None:
        if self.lines is not None and not self.lines.flush():
            self.lines = None

    def handle(self, connection: Connection, request: Request) -> None:
        """Serve a request here and now."""
        self.run(connection, request)

    def connection_failed(self, connection: Connection, error: BaseException) -> None:
        self.log.error("Error on the connection of %s", shown(connection.peer), exc_info=error)
        if connection.state == READING and connection.request is not None and not connection.skipping:
            # The client waits for an answer to a request that has not come so far as an application.
            connection.refuse(InternalError())

    def disconnected(self, connection: Connection) -> None:
        """WSGI has no way to be told; the next write, or `gunicorn.client_disconnected`, tells."""

    def writable(self, connection: Connection) -> None:
        """A queue went down; whoever waits for that in this process waits in `wait_writable`."""

    def refused(self, connection: Connection, error: HTTPError, request: Request | None = None) -> bytes:
        """The answer to a request that cannot be served; without `request`, to what has come of the connection's."""
        peer = connection.peer
        address = peer[0] if isinstance(peer, tuple) else ""
        if isinstance(error, Overloaded):
            self._tell_overload(error)
        elif isinstance(error, InsufficientStorage):
            text = "No room in tmp_upload_dir for a request body of more than body_buffer_size, answering 507: %s"
            self.log.error(text, error.__cause__)
        elif error.status >= 400 and not isinstance(error, GatewayTimeout | InternalError):
            self.log.warning("Invalid request from ip=%s: %s", address, error)
        if request is None:
            request = connection.request
        if self.handle_error is not None and not isinstance(error, GatewayTimeout | Redirected):
            self._tell_worker(connection, request, error)
        if self.logs_access:
            self._log_refusal(connection, request, error, address)
        self.prefixes.refresh(self.engine.now)
        head_only = request is not None and request.method == "HEAD"
        return refusal(error, self.prefixes.date, self.server, head_only, self.prefixes.fields)

    def _tell_worker(self, connection: Connection, request: Request | None, error: BaseException) -> None:
        """A subclass's own `handle_error` is told, and answers nothing: that is done here."""
        try:
            self.handle_error(request, SocketView(connection), connection.peer, error)
        except Exception:
            self.log.exception("Exception in handle_error")

    def _tell_overload(self, error: Overloaded) -> None:
        """Once a second: a flood of refusals must not become a flood of log lines."""
        self.overloads += 1
        now = self.engine.now
        if now >= self.next_complaint:
            self.log.warning("Answering 503 (%d so far): %s", self.overloads, error)
            self.next_complaint = now + 1.0

    def _log_refusal(self, connection: Connection, request: Request | None, error: HTTPError, address: str) -> None:
        known = request or connection.protocol.head.request or Request()
        response = Response(self, connection, known, True)
        response.status = f"{error.status} {REASONS.get(error.status, '')}"
        response.headers = []
        environ = {
            "REMOTE_ADDR": address, "REQUEST_METHOD": known.method, "RAW_URI": known.uri, "QUERY_STRING": known.query,
            "PATH_INFO": unquote(known.path), "SERVER_PROTOCOL": f"HTTP/{known.version_major}.{known.version_minor}",
        }
        self.log.access(response, known, environ, timedelta(0))

    # The cycle.

    def run(self, connection: Connection, request: Request) -> None:
        """Serve one request from its environ to its log line; never raises what the application raised."""
        worker = self.worker
        self.served += 1
        if self.served >= self.budget:
            worker.recycle()
        engine = self.engine
        started = engine.now
        close = request.close or engine.keepalive == 0 or (started < engine.slow_until and self.others_wait())
        response = Response.__new__(Response)
        response.begin(self, connection, request, close)
        connection.response = response
        environ: Any = None
        board = self.board
        if board is not None:
            board.begin(request.method, request.uri, started)
        try:
            if engine.admission is not None:
                engine.admission.check(connection, request)
            elif started < engine.crowded_until and connection.disconnected():
                raise ClientDisconnected()
            if self.pre_request is not None:
                self.pre_request(worker, request)
            environ = self.builder.build(connection, request)
            result = self.app(environ, bind(_START_RESPONSE, response))
            try:
                if not connection.taken_over:
                    response.send_result(result)
            finally:
                if type(result) is not list and hasattr(result, "close"):
                    result.close()
        except ClientDisconnected:
            self.log.debug("The client left before its response was complete: %s", request.uri)
        except ResponseComplete:
            self.log.debug("The application wrote more than its response has room for: %s", request.uri)
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around the application
            self._failed(connection, response, error)
        now = engine.now = monotonic()
        engine.add_duration(now - started)
        if board is not None:
            board.end(now - started, response.sent, response.prefix is None or response.prefix.code >= 500)
        try:
            # Of one that was given up meanwhile (`give_up`) the log has a line already.
            if self.logs_access and (response.headers_sent or response.status) and connection.response is response:
                self._log(response, request, environ, now - started)
            if self.post_request is not None:
                self._after(environ or {}, request, response)
            connection.finish(not (response.close or request.forced_close))
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.run_failed(connection, request, error)

    def run_failed(self, connection: Connection, request: Request, error: BaseException) -> None:
        """Whoever runs the request of a connection has failed where no application is to blame: end both."""
        self.log.error("Error on the connection of %s", shown(connection.peer), exc_info=error)
        with self.engine.guard:
            if connection.request is not None and connection.request is not request:
                # The request had ended before, and the connection is the next one's.
                return
            response = connection.response
            if response is not None and response.headers_sent and not response.whole:
                connection.break_off(response.framing)
            try:
                connection.finish(False)
            finally:
                connection.drop()

    def others_wait(self) -> bool:
        """Whether clients wait for the request that is begun now."""
        return self.engine.others_wait()

    def _failed(self, connection: Connection, response: Response, error: BaseException) -> None:
        """The application (or a hook) has raised: one entry in the log, and no client takes half for whole."""
        engine: Any = self.engine
        if engine.stray is not None:
            # Raised in a child that the application has forked.
            engine.stray(error)
        request = response.request
        if connection.taken_over:
            # Applications that speak for themselves on the socket end the cycle as they like.
            self.log.debug("%r ended a request that had taken over its socket", error)
            return
        if isinstance(error, IncompleteResponse):
            self.log.warning("Response to %s is shorter than its Content-Length: %s", request.uri, error)
        elif isinstance(error, Overloaded):
            self._tell_overload(error)
        elif isinstance(error, HTTPError):
            self.log.error("Error handling request %s %s: %s", request.method, request.uri, error)
        else:
            self.log.exception("Error handling request %s %s", request.method, request.uri)
        response.close = True
        if self.handle_error is not None:
            self._tell_worker(connection, request, error)
        if response.headers_sent:
            connection.break_off(response.framing)
            return
        status = error.status if isinstance(error, HTTPError) else 500
        response.status = f"{status} {REASONS[status]}"
        response.headers = []
        self.prefixes.of("200 OK", self.engine.now)
        head_only, date, fields = request.method == "HEAD", self.prefixes.date, self.prefixes.fields
        if isinstance(error, ConfigurationProblem | Overloaded):
            page = refusal(error, date, self.server, head_only, fields)
        else:
            # What went wrong in an application is nobody's business but its author's.
            page = error_response(status, "", date, self.server, head_only, fields)
        try:
            connection.write(page)
        except ClientDisconnected:
            pass

    def _log(self, response: Response, request: Request, environ: Any, seconds: float) -> None:
        if self.lines is None or environ is None:
            self.log.access(response, request, environ or {}, timedelta(seconds=seconds))
        elif self.engine.threaded:
            with self.engine.guard:
                self._gather(response, environ, seconds)
        else:
            self._gather(response, environ, seconds)

    def _gather(self, response: Response, environ: dict[str, Any], seconds: float) -> None:
        now = self.engine.now
        lines = self.lines
        if lines is not None:
            lines.add(response, environ, self.prefixes, seconds, now)
            if not self.gathers or lines.due(now):
                self.idle()

    def _after(self, environ: dict[str, Any], request: Request, response: Response) -> None:
        try:
            self.post_request(self.worker, request, environ, response)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around a hook
            self.log.exception("Exception in post_request hook")


class ErrorStream(io.TextIOBase):
    """`wsgi.errors`: a text stream into the error log's files (PEP 3333, "Input and Error Streams").

    It is everybody's: `close()` does nothing.
    """

    mode = "w"
    name = "<wsgi.errors>"

    def __init__(self, log: Any) -> None:
        self._log = log

    def _places(self) -> list[Any]:
        """What is written to: handlers of ours, which have the descriptor of a log file, and streams."""
        places = []
        for handler in getattr(getattr(self._log, "error_log", None), "handlers", ()):
            if hasattr(handler, "write_text"):
                places.append(handler)
            elif getattr(handler, "stream", None) is not None:
                places.append(handler.stream)
        return places or [sys.stderr]

    def write(self, data: str) -> int:
        """Write text; how many characters."""
        if not isinstance(data, str):
            raise TypeError(f"{data!r:.80} is not str")
        for place in self._places():
            if hasattr(place, "write_text"):
                place.write_text(data)
            else:
                place.write(data)
                place.flush()
        return len(data)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Everything is written at once; there is nothing to do."""

    def close(self) -> None:
        """Nothing: the next request writes here, too."""

    def writable(self) -> bool:
        """It is."""
        return True

    # What is asked of a text stream is asked of the first place.

    def fileno(self) -> int:
        """The descriptor behind it. Raises `io.UnsupportedOperation` when there is none."""
        try:
            fd = int(self._places()[0].fileno())
        except (AttributeError, ValueError):
            fd = -1
        if fd < 0:
            raise io.UnsupportedOperation("fileno")
        return fd

    def isatty(self) -> bool:
        """Whether a terminal shows it."""
        try:
            return os.isatty(self.fileno())
        except OSError:
            return False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """How characters become octets."""
        return getattr(self._places()[0], "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What becomes of characters that the encoding does not have."""
        return getattr(self._places()[0], "errors", None) or "backslashreplace"

    @property
    def buffer(self) -> Any:
        """The binary stream beneath. Raises AttributeError where there is none, as of a log file."""
        place = self._places()[0]
        if hasattr(place, "write_text") and place.path is None:
            place = place.stream
        return place.buffer


def shown(peer: Any) -> str:
    """A client as the log names it."""
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "a unix socket"


def _own_hook(cfg: Any, name: str) -> Any:
    """A request hook that somebody has set; None for the default, which does nothing worth a call."""
    hook = getattr(cfg, name)
    setting = cfg.settings[name]
    default = getattr(setting, "default", None)
    return None if hook is default or getattr(hook, "__func__", hook) is getattr(default, "__func__", default) else hook


def logs_access(log: Any, cfg: Any) -> bool:
    """Whether `log.access` can have an effect."""
    from ..glogging import Logger

    if type(log).access is not Logger.access:
        return True
    return bool(cfg.accesslog or cfg.logconfig or cfg.logconfig_dict or cfg.logconfig_json or cfg.syslog)
