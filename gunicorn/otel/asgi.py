"""An ASGI application with a span around each of its requests and WebSockets.

The span ends with the last message of the response, or else with the call of the application: tasks that a framework
runs behind its response are children of it all the same. That of a WebSocket ends with the call.
"""

from __future__ import annotations

from asyncio import CancelledError

from opentelemetry.propagators.textmap import Getter

from .attributes import behind, of_scope
from .spans import is_given_up, says_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import ASGIApp, Message, Receive, Scope, Send

    from .spans import ServerSpan, Tracing

__all__ = ["ScopeGetter", "traced"]


class ScopeGetter(Getter["Scope"]):
    """Reads fields of a request in a scope, for the propagator of a trace's context."""

    def get(self, carrier: Scope, key: str) -> list[str] | None:
        """The values of a field."""
        wanted = key.lower().encode("latin-1", "replace")
        found = [bytes(value).decode("latin-1") for name, value in carrier.get("headers", ()) if name == wanted]
        return found or None

    def keys(self, carrier: Scope) -> list[str]:
        """The names of all fields, in lower case."""
        return [bytes(name).decode("latin-1") for name, _ in carrier.get("headers", ())]


GETTER = ScopeGetter()


class _Outcome:
    """What the messages of an application say of the end of its request."""

    __slots__ = ("_accepted", "_has_trailers", "span")

    def __init__(self, span: ServerSpan, accepted: int) -> None:
        self.span = span
        self._accepted = accepted
        self._has_trailers = False

    def sent(self, message: Message) -> None:
        """A message has gone out."""
        act = _ACTS.get(message.get("type", ""))
        if act is not None:
            act(self, message)

    def start(self, message: Message) -> None:
        self.span.status = int(message["status"])
        self._has_trailers = bool(message.get("trailers"))

    def body(self, message: Message) -> None:
        if not message.get("more_body") and not self._has_trailers:
            self._whole()

    def trailers(self, message: Message) -> None:
        if not message.get("more_trailers"):
            self._whole()

    def path(self, message: Message) -> None:
        if not self._has_trailers:
            self._whole()

    def _whole(self) -> None:
        # Frameworks raise what has failed when they have said so to the client: that is waited for.
        if self.span.status < 500:
            self.span.end()

    def accept(self, message: Message) -> None:
        self.span.status = self._accepted

    def close(self, message: Message) -> None:
        # Before it was accepted, that is a refusal.
        self.span.status = self.span.status or 403

    def raised(self, error: BaseException, cycle: object) -> None:
        """The application has ended so."""
        status, left = self.span.status, says_left(error)
        if isinstance(error, CancelledError) and not is_given_up(cycle):
            # By the server, since the client has left, or by the application itself.
            left = getattr(cycle, "gone", False)
        if not left and not getattr(cycle, "headers_sent", bool(status)):
            status = 504 if is_given_up(cycle) else 500
        self.span.fail(error, status, left)


_ACTS: dict[str, Callable[[_Outcome, Message], None]] = {
    "http.response.start": _Outcome.start,
    "http.response.body": _Outcome.body,
    "http.response.trailers": _Outcome.trailers,
    "http.response.pathsend": _Outcome.path,
    "websocket.accept": _Outcome.accept,
    "websocket.close": _Outcome.close,
    "websocket.http.response.start": _Outcome.start,
    "websocket.http.response.body": _Outcome.body,
}


def traced(app: ASGIApp, tracing: Tracing) -> ASGIApp:
    """The application `app`, whose requests have spans."""

    fields = frozenset(name.encode("latin-1") for name in tracing.fields)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        known = behind(send)
        client = scope.get("client") or ("", 0)
        span = tracing.begin(of_scope(scope, known, tracing.methods), scope, GETTER, known, tuple(client))
        scope["headers"] = [pair for pair in scope.get("headers", ()) if pair[0] not in fields] + [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in tracing.told(span).items()
        ]
        # How a WebSocket is accepted (RFC 6455, RFC 8441).
        outcome = _Outcome(span, 200 if scope.get("http_version") == "2" else 101)

        async def tell(message: Message) -> None:
            await send(message)
            outcome.sent(message)

        # Not detached: the context is the task's own, and what it begins behind its response belongs to this span.
        span.attach()
        try:
            await app(scope, receive, tell)
        except BaseException as error:
            outcome.raised(error, known.response)
            raise
        finally:
            span.end()

    return application
