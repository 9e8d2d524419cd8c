"""A WSGI application with a span around each of its requests: middleware, by the rules of PEP 3333.

The span begins before the application is called and ends when the server closes what it has returned. It is current
from the one moment to the other: both are in the same thread or greenlet, and what the server itself logs in between
is about this request. A list is handed on as it is, and its span ends before it is sent: it goes out in one piece. A
file wrapper stays one, so that the kernel can send its file.
"""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.propagators.textmap import Getter

from gunicorn.http.errors import HTTPError

from .attributes import behind, of_environ
from .spans import is_given_up, says_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gunicorn._types import Environ, ExcInfo, Fields, StartResponse, Write, WSGIApp

    from .spans import ServerSpan, Tracing

__all__ = ["EnvironGetter", "Pieces", "TracedWSGI"]


class EnvironGetter(Getter["Environ"]):
    """Reads fields of a request in an environ, for the propagator of a trace's context."""

    def get(self, carrier: Environ, key: str) -> list[str] | None:
        """The values of a field; those of several lines are one, with commas."""
        value = carrier.get(_variable(key))
        return None if value is None else [value]

    def keys(self, carrier: Environ) -> list[str]:
        """The names of all fields, in lower case."""
        return [name[5:].replace("_", "-").lower() for name in carrier if name.startswith("HTTP_")]


GETTER = EnvironGetter()


def _variable(name: str) -> str:
    """The variable of a field."""
    return "HTTP_" + name.upper().replace("-", "_")


class _Call:
    """One call of the application: its `start_response`, and what its end means for the span."""

    __slots__ = ("begun", "given", "response", "span")

    def __init__(self, span: ServerSpan, given: StartResponse, response: object) -> None:
        self.span = span
        self.given = given
        # The server's, where it is one of ours; and whether something of the content was given to it.
        self.response = response
        self.begun = False

    def start_response(self, status: str, headers: Fields, exc_info: ExcInfo | None = None) -> Write:
        """PEP 3333; raises what the server's does."""
        if exc_info is None:
            write = self.given(status, headers)
        else:
            write = self.given(status, headers, exc_info)
        self.span.status = _number(status)
        return write

    def fail(self, error: BaseException) -> None:
        """The application has raised. What its client has then is known as far as this server's responses tell it."""
        span = self.span
        left = says_left(error)
        answer = span.status
        if not left and not getattr(self.response, "headers_sent", self.begun):
            answer = error.status if isinstance(error, HTTPError) else 500
        span.fail(error, answer, left)

    def close(self) -> None:
        """The server is done with what the application has returned, or has got nothing."""
        self.span.detach()
        if is_given_up(self.response):
            self.span.status = 504
        self.span.end()


class Pieces(Iterator[bytes]):
    """What an application has returned, piece by piece."""

    def __init__(self, untraced: Iterable[bytes], call: _Call) -> None:
        # The object itself, for those who ask which one it is.
        self.untraced = untraced
        self._call = call
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Pieces:
        return self

    def __next__(self) -> bytes:
        try:
            if self._iterator is None:
                self._iterator = iter(self.untraced)
            piece = next(self._iterator)
        except StopIteration:
            raise
        except BaseException as error:
            self._call.fail(error)
            raise
        if piece:
            self._call.begun = True
        return piece

    def close(self) -> None:
        """End the request; called once, by the server."""
        _close(getattr(self.untraced, "close", None), self._call)


class TracedWSGI:
    """The application `app`, whose requests have spans."""

    def __init__(self, app: WSGIApp, tracing: Tracing) -> None:
        self.app = app
        self.tracing = tracing
        self.variables = [_variable(name) for name in tracing.fields]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        known = behind(start_response)
        attributes = of_environ(environ, known, self.tracing.methods)
        # A peer that nobody knows is one on a unix socket, or one that calls itself so: not to be believed.
        peer = (environ.get("REMOTE_ADDR", ""), 0)
        span = self.tracing.begin(attributes, environ, GETTER, known, peer)
        call = _Call(span, start_response, known.response)
        for name in self.variables:
            environ.pop(name, None)
        for name, value in self.tracing.told(span).items():
            environ[_variable(name)] = value
        if span.ids is not None:
            environ["gunicorn.trace_id"], environ["gunicorn.span_id"] = span.ids
        span.attach()
        try:
            result = self.app(environ, call.start_response)
        except BaseException as error:
            call.fail(error)
            call.close()
            raise
        return _handed_on(result, call, environ)


def _handed_on(result: Iterable[bytes], call: _Call, environ: Environ) -> Iterable[bytes]:
    """What the server gets for what the application has returned."""
    kind = type(result)
    if kind is list or kind is tuple:
        call.close()
        return result
    if kind is environ.get("wsgi.file_wrapper"):
        close = getattr(result, "close", None)
        try:
            result.close = lambda: _close(close, call)  # type: ignore[attr-defined]
        except AttributeError:
            return Pieces(result, call)
        return result
    return Pieces(result, call)


def _close(close: Callable[[], object] | None, call: _Call) -> None:
    try:
        if close is not None:
            close()
    except BaseException as error:
        call.fail(error)
        raise
    finally:
        call.close()


def _number(status: object) -> int:
    """The status code of a status line; 0 for what is none."""
    code = status[:3] if isinstance(status, str) else ""
    return int(code) if code.isascii() and code.isdigit() else 0
