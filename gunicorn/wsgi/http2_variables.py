"""What the environ of a request of HTTP/2 has besides: priorities, and trailer fields both ways."""

from __future__ import annotations

from gunicorn.engine.exchange import Exchange
from gunicorn.gateway.turn import turn_of
from gunicorn.http.errors import InvalidResponseHeader
from gunicorn.http.request import Request
from gunicorn.http.response import ORDINARY
from gunicorn.wire.priority import Priority, parse_priority

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Environ, Fields


def priority_variables(priority: Priority) -> dict[str, int | bool]:
    """A priority, as environs have it."""
    return {f"gunicorn.http2.priority_{name}": value for name, value in priority.facts().items()}


# Of a request whose client has said nothing.
USUAL_PRIORITY = priority_variables(Priority())


class Trailers:
    """`gunicorn.http2.request_trailers` and `gunicorn.http2.send_trailers` of one request."""

    def __init__(self, exchange: Exchange, request: Request) -> None:
        self._exchange = exchange
        self._turn = turn_of(exchange)
        self._request = request

    def of_request(self) -> list[tuple[str, str]]:
        """The trailer fields of the request, as (NAME, value): all of them when the body was read to its end."""
        return list(self._request.trailers or ())

    def send(self, fields: Fields) -> None:
        """Send these fields behind the content of the response: to be called before the application ends. Nothing once
        the request is over. Raises `HTTPError` for fields that cannot be sent."""
        if self._turn.is_over():
            return
        exchange = self._exchange
        response = exchange.response
        if response is None:
            return
        lines = [response.gateway.field_lines.learn(tuple(pair)) for pair in fields]
        for line in lines:
            if line.kind != ORDINARY:
                # RFC 9110 section 6.5.1: what frames or routes a message is no trailer.
                raise InvalidResponseHeader(f"{line.value!r:.40} in a field that cannot be a trailer")
        exchange.add_trailers(lines)


def add_variables(environ: Environ, exchange: Exchange, request: Request) -> None:
    """Those that not every request has."""
    if request.priority is not None:
        environ.update(priority_variables(parse_priority(request.priority)))
    trailers = Trailers(exchange, request)
    if request.body is not None:
        environ["gunicorn.http2.request_trailers"] = trailers.of_request
    if request.takes_trailers:
        exchange.promise_trailers()
        environ["gunicorn.http2.send_trailers"] = trailers.send
