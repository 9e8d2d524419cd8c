"""The span of one request: whose child it is, how it ends, and what a log line may say of it."""

from __future__ import annotations

import time
import traceback

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from gunicorn.logs.atoms import printable

from .attributes import known_methods, span_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token
    from typing import TypeVar

    from opentelemetry.context import Context
    from opentelemetry.propagators.textmap import Getter, TextMapPropagator
    from opentelemetry.trace import Span, SpanContext, Tracer

    from gunicorn._types import Clock, Peer
    from gunicorn.http.peers import Peers

    from .attributes import Attributes, Behind

    C = TypeVar("C")

__all__ = ["ServerSpan", "Tracing", "ids_of", "is_given_up", "of_exception", "says_left"]

# Under this name an exception that has left the application bears the span that it has left.
_MARK = "__gunicorn_span__"


class Tracing:
    """Begins spans. `trust`: whose parents count, by `otel_trust`; `peers`: `forwarded_allow_ips`."""

    def __init__(
        self, tracer: Tracer, propagator: TextMapPropagator, trust: str, peers: Peers, clock: Clock = time.monotonic
    ) -> None:
        self.tracer = tracer
        self.propagator = propagator
        self.trust = trust
        self.peers = peers
        self.clock = clock
        self.methods = known_methods()
        # Those that have not ended.
        self.running: set[ServerSpan] = set()
        # The fields of a trace's context, in lower case.
        self.fields = frozenset(name.lower() for name in propagator.fields)

    def begin(
        self, attributes: Attributes, carrier: C, getter: Getter[C], known: Behind, peer: Peer
    ) -> ServerSpan:
        """The span of a request that is about to be given to the application. `peer`: who has connected, where
        `known` does not say whether that is a trusted one."""
        parent: Context | None = None
        if self._trusts(known, peer):
            # What the worker itself is about is no parent of a request.
            parent = self.propagator.extract(carrier, contexts.Context(), getter)
        began = None
        if known.started:
            began = time.time_ns() - int((self.clock() - known.started) * 1e9)
        span = self.tracer.start_span(
            span_name(attributes),
            contexts.Context() if parent is None else parent,
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=began,
            record_exception=False,
            set_status_on_exception=False,
        )
        made = ServerSpan(span, parent, self.running)
        self.running.add(made)
        if known.head is not None:
            known.head.span_ids = made.ids  # type: ignore[attr-defined]
        return made

    def told(self, span: ServerSpan) -> dict[str, str]:
        """The fields by which an application finds out that it works within `span`. They take the place of those that
        have come: frameworks that look there would go past this span, or follow somebody who is not trusted."""
        fields: dict[str, str] = {}
        self.propagator.inject(fields, span.context)
        return fields

    def give_up(self) -> None:
        """The worker ends: so do the spans of requests that are still running, in threads that nobody can end."""
        for span in list(self.running):
            span.give_up()

    def _trusts(self, known: Behind, peer: Peer) -> bool:
        if self.trust != "peers":
            return self.trust == "all"
        return self.peers.allows(peer) if known.trusted is None else known.trusted


class ServerSpan:
    """A span that is the current one from `attach` on.

    `ids`: those of the trace and of the span, in hexadecimal digits, None where nothing makes spans; `status`: what was
    answered, 0 while nothing was.
    """

    __slots__ = ("_ended", "_error", "_left", "_running", "_span", "_token", "context", "ids", "status")

    def __init__(self, span: Span, parent: Context | None, running: set[ServerSpan]) -> None:
        self._span = span
        self._running = running
        self.ids = ids_of(span.get_span_context())
        # Besides the span: the baggage that a trusted peer has sent.
        self.context = trace.set_span_in_context(span, contexts.Context() if parent is None else parent)
        self._token: Token[Context] | None = None
        self._error: BaseException | None = None
        self._left = False
        self._ended = False
        self.status = 0

    def attach(self) -> None:
        """From now on what is begun here is a child of this span."""
        self._token = contexts.attach(self.context)

    def detach(self) -> None:
        """No longer, but as it was before."""
        token, self._token = self._token, None
        if token is not None:
            contexts.detach(token)

    def fail(self, error: BaseException, answer: int, left: bool) -> None:
        """The application has raised. `answer`: the status that its client has, or gets for that, 0 for none; `left`:
        that has been its client's doing."""
        try:
            setattr(error, _MARK, self._span.get_span_context())
        except (AttributeError, TypeError):
            # A class of C that takes no attributes: then the log does without.
            pass
        if self._error is None and not self._ended:
            self._error, self._left = error, left
            self.status = answer

    def end(self) -> None:
        """The request is over; another call changes nothing."""
        if self._ended:
            return
        self._ended = True
        self._running.discard(self)
        span, error, status = self._span, self._error, self.status
        self._error = None
        if span.is_recording():
            if status:
                span.set_attribute("http.response.status_code", status)
            if error is not None:
                span.set_attribute("error.type", _name_of(error))
                if not self._left:
                    span.add_event("exception", _told(error))
                    span.set_status(StatusCode.ERROR)
            elif status >= 500:
                span.set_attribute("error.type", str(status))
                span.set_status(StatusCode.ERROR)
        span.end()

    def give_up(self) -> None:
        """End it as one of which nobody knows what has become."""
        if self._span.is_recording():
            self._span.set_attribute("error.type", "_OTHER")
            self._span.set_status(StatusCode.ERROR, "the worker has ended before the request")
        self.end()


def says_left(error: BaseException) -> bool:
    """Whether an exception is one of those by which this server tells an application that its client has left."""
    kind = type(error)
    # By their names: they are of rooms that this one does not know.
    return kind.__module__.startswith("gunicorn.") and kind.__name__ in _LEAVING


def is_given_up(response: object) -> bool:
    """Whether this server has answered 504 in the place of a response of its own, since that was late."""
    exchange = getattr(response, "exchange", None)
    return exchange is not None and exchange.response is not response and not getattr(response, "headers_sent", True)


_LEAVING = frozenset({"ClientDisconnected", "ClientGone", "Disconnected"})


def _name_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _told(error: BaseException) -> dict[str, str]:
    """The event of an exception. Not by the library, which fails where the exception cannot be printed."""
    stack = "".join(traceback.format_exception(error))
    return {
        "exception.type": _name_of(error),
        "exception.message": _utf8(printable(error)),
        "exception.stacktrace": _utf8(stack),
    }


def _utf8(text: str) -> str:
    """What can be exported: no lone surrogates, which may have come from a client."""
    return text.encode("utf-8", "backslashreplace").decode()


# For the log.


def ids_of(context: SpanContext) -> tuple[str, str] | None:
    """The ids of trace and span in hexadecimal digits, or None for one that is none."""
    if not context.is_valid:
        return None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def of_exception(error: BaseException | None) -> tuple[str, str] | None:
    """The ids of the span that an exception has left, or else of the one that is current here."""
    marked: SpanContext | None = getattr(error, _MARK, None)
    return ids_of(trace.get_current_span().get_span_context() if marked is None else marked)
