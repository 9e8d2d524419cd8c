"""A span around a WSGI application: middleware by the rules of PEP 3333."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk.trace", reason="needs gunicorn[otel]")

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.errors import OwnSignal
from gunicorn.http.errors import LimitRequestBody
from gunicorn.otel.spans import of_exception
from gunicorn.otel.wsgi import Pieces, TracedWSGI
from gunicorn.wsgi.filewrapper import FileWrapper
from tests.otel.world import PARENT, TRACE, TRACEPARENT, Response, Traces

ENVIRON = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": "s", "wsgi.url_scheme": "http", "wsgi.file_wrapper": FileWrapper, "REMOTE_ADDR": "127.0.0.1",
}


@pytest.fixture
def traces() -> Traces:
    return Traces()


def begin(traces: Traces, app: Callable[..., Any], response: Response | None = None, **environ: str) -> Any:
    """Call the application, as a server does; its result."""
    response = response or Response()
    return TracedWSGI(app, traces.tracing)({**ENVIRON, **environ}, response.start_response)  # type: ignore[arg-type]


def serve(traces: Traces, app: Callable[..., Any], response: Response | None = None, **environ: str) -> list[bytes]:
    """The same, and take all that it gives, and close it."""
    result = begin(traces, app, response, **environ)
    try:
        return list(result)
    finally:
        if hasattr(result, "close"):
            result.close()
        assert trace.get_current_span() is trace.INVALID_SPAN, "the context was left behind"


def hello(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"hello"]


def test_a_list_is_handed_on_as_it_is(traces: Traces) -> None:
    given = [b"hello"]

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("404 Not Found", [])
        return given

    assert begin(traces, app) is given
    span = traces.one()
    assert span.kind == SpanKind.SERVER
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 404
    assert span.attributes["url.path"] == "/raw%20path"
    # What a client does wrong is no error of the server's.
    assert span.status.status_code == StatusCode.UNSET
    assert "error.type" not in span.attributes


def test_the_span_is_current_while_the_result_is_read_and_closed(traces: Traces) -> None:
    class Result:
        def __iter__(self) -> Iterator[bytes]:
            with traces.tracer.start_as_current_span("outer"):
                yield b"a"
                with traces.tracer.start_as_current_span("within"):
                    yield b"b"

        def close(self) -> None:
            traces.tracer.start_span("closing").end()

    def app(environ: dict[str, Any], start_response: Any) -> Result:
        traces.tracer.start_span("call").end()
        start_response("200 OK", [])
        return Result()

    assert serve(traces, app) == [b"a", b"b"]
    assert traces.names() == ["call", "within", "outer", "closing", "GET"]
    assert traces.is_child("call")
    assert traces.is_child("outer")
    assert traces.is_child("within", "outer")
    assert traces.is_child("closing")


def test_it_can_be_begun_and_gone_on_with(traces: Traces) -> None:
    class Several(list[bytes]):
        """No list that could be sent in one piece."""

    def app(environ: dict[str, Any], start_response: Any) -> Several:
        start_response("200 OK", [])
        return Several([b"a", b"b", b"c"])

    result = begin(traces, app)
    iterator = iter(result)
    assert next(iterator) == b"a"
    assert list(iterator) == [b"b", b"c"]
    result.close()


def test_it_does_not_end_before_it_is_closed(traces: Traces) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"a"

    result = begin(traces, app)
    assert list(result) == [b"a"]
    assert traces.names() == []
    result.close()
    result.close()
    assert traces.names() == ["GET"]


def test_a_file_wrapper_stays_one(traces: Traces, tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    file = path.open("rb")

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        wrapper: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
        return wrapper

    result = begin(traces, app)
    assert type(result) is FileWrapper
    assert traces.names() == []
    result.close()
    assert file.closed
    assert traces.names() == ["GET"]
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_write_and_exc_info_reach_the_server(traces: Traces) -> None:
    response = Response()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        assert start_response("200 OK", [("A", "b")]) == []
        try:
            raise ValueError
        except ValueError as error:
            start_response("503 Busy", [], (ValueError, error, None))
        return []

    serve(traces, app, response)
    assert response.calls[0] == ("200 OK", [("A", "b")])
    assert response.calls[1][:2] == ("503 Busy", [])
    assert len(response.calls[1]) == 3
    span = traces.one()
    assert span.attributes is not None
    assert (span.attributes["http.response.status_code"], span.attributes["error.type"]) == (503, "503")
    assert span.status.status_code == StatusCode.ERROR
    assert span.events == ()


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "sent", "status", "kind"),
    [
        (RuntimeError("boom"), False, 500, "RuntimeError"),
        (RuntimeError("boom"), True, 200, "RuntimeError"),
        (SystemExit(1), False, 500, "SystemExit"),
        (LimitRequestBody("too large"), False, 413, "gunicorn.http.errors.LimitRequestBody"),
        (Unprintable(), False, 500, "tests.otel.test_wsgi.Unprintable"),
        (ValueError("\ud800"), False, 500, "ValueError"),
    ],
)
def test_what_is_raised(traces: Traces, error: BaseException, sent: bool, status: int, kind: str) -> None:
    response = Response(headers_sent=sent)

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        raise error

    with pytest.raises(type(error)) as caught:
        serve(traces, app, response)
    assert caught.value is error
    span = traces.one()
    assert span.attributes is not None
    assert (span.attributes["http.response.status_code"], span.attributes["error.type"]) == (status, kind)
    assert span.status.status_code == StatusCode.ERROR
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes is not None
    for value in event.attributes.values():
        assert str(value).encode()
    # The line of the log that is written later has its ids.
    assert of_exception(error) == (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}")


@pytest.mark.parametrize("place", ["iter", "next", "close"])
def test_what_is_raised_behind_the_call(traces: Traces, place: str) -> None:
    class Result:
        def __iter__(self) -> Iterator[bytes]:
            if place == "iter":
                raise RuntimeError(place)
            return self.pieces()

        def pieces(self) -> Iterator[bytes]:
            yield b"a"
            if place == "next":
                raise RuntimeError(place)

        def close(self) -> None:
            if place == "close":
                raise RuntimeError(place)

    def app(environ: dict[str, Any], start_response: Any) -> Result:
        start_response("200 OK", [])
        return Result()

    with pytest.raises(RuntimeError, match=place):
        serve(traces, app)
    assert traces.one().status.status_code == StatusCode.ERROR


def test_a_client_that_has_left_is_no_error(traces: Traces) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ClientDisconnected

    with pytest.raises(ClientDisconnected):
        serve(traces, app)
    span = traces.one()
    assert span.status.status_code == StatusCode.UNSET
    assert span.events == ()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "gunicorn.engine.exchange.ClientDisconnected"
    assert "http.response.status_code" not in span.attributes


@pytest.mark.parametrize("raises", [False, True])
def test_what_was_late_was_answered_in_its_place(traces: Traces, raises: bool) -> None:
    response = Response()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        response.exchange.response = None
        if raises:
            raise CutOff
        return hello(environ, start_response)

    with nullcontext() if not raises else pytest.raises(CutOff):
        serve(traces, app, response)
    span = traces.one()
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 504
    assert span.attributes["error.type"] == ("tests.otel.test_wsgi.CutOff" if raises else "504")
    assert span.status.status_code == StatusCode.ERROR


def test_what_runs_at_the_end_of_the_worker_is_told_of(traces: Traces) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        traces.tracing.give_up()
        return hello(environ, start_response)

    assert serve(traces, app) == [b"hello"]
    span = traces.one()
    assert span.attributes is not None
    assert (span.attributes["error.type"], span.status.status_code) == ("_OTHER", StatusCode.ERROR)
    assert traces.tracing.running == set()


class CutOff(OwnSignal):
    """As a worker type raises it."""


def test_an_object_that_says_something_by_what_it_is_can_be_found(traces: Traces) -> None:
    handled = object()
    result = begin(traces, lambda environ, start_response: handled)
    assert isinstance(result, Pieces)
    assert result.untraced is handled
    result.close()
    assert traces.names() == ["GET"]


@pytest.mark.parametrize(
    ("trust", "trusted", "follows"),
    [
        ("peers", True, True), ("peers", False, False), ("all", True, True), ("all", False, True),
        ("none", True, False), ("none", False, False),
    ],
)
def test_whose_child_it_is(trust: str, trusted: bool, follows: bool) -> None:
    traces = Traces(trust)
    told: dict[str, str] = {}
    bags: list[object] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        told.update(environ)
        bags.append(baggage.get_baggage("k"))
        return hello(environ, start_response)

    serve(
        traces, app, Response(trusted), HTTP_TRACEPARENT=TRACEPARENT, HTTP_TRACESTATE="a=b", HTTP_BAGGAGE="k=v",
    )
    span = traces.one()
    if follows:
        assert span.parent is not None
        assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    else:
        assert span.parent is None
        assert f"{span.context.trace_id:032x}" != TRACE
    # Who looks at the fields finds this span, and nothing of somebody who is not trusted.
    ids = f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"
    assert told["HTTP_TRACEPARENT"].startswith(f"00-{ids[0]}-{ids[1]}-")
    assert (told["gunicorn.trace_id"], told["gunicorn.span_id"]) == ids
    assert (told.get("HTTP_BAGGAGE"), told.get("HTTP_TRACESTATE")) == (("k=v", "a=b") if follows else (None, None))
    assert bags == ["v" if follows else None]


@pytest.mark.parametrize(("address", "follows"), [("127.0.0.1", True), ("203.0.113.9", False), ("", False)])
def test_without_a_response_of_ours_the_address_decides(traces: Traces, address: str, follows: bool) -> None:
    app = TracedWSGI(hello, traces.tracing)
    app({**ENVIRON, "HTTP_TRACEPARENT": TRACEPARENT, "REMOTE_ADDR": address}, lambda *given: lambda data: None)
    assert (traces.one().parent is not None) == follows


@pytest.mark.parametrize("field", ["", "00-0-0-00", "x" * 5000, TRACEPARENT + "," + TRACEPARENT, "\xff"])
def test_a_field_that_is_none_is_no_parent(traces: Traces, field: str) -> None:
    serve(traces, hello, HTTP_TRACEPARENT=field, HTTP_TRACESTATE=field, HTTP_BAGGAGE=field)
    assert traces.one().parent is None


FIELDS = st.one_of(
    st.text(st.characters(min_codepoint=1, max_codepoint=255)),
    st.lists(st.sampled_from(["k=v", "%C3%BC=%E2%82%AC", "a b", "\xfc=\xff", TRACEPARENT, "=", ";x", "k" * 300])).map(
        ",".join
    ),
)


@given(FIELDS, FIELDS, FIELDS)
def test_no_field_of_a_trusted_peer_breaks_a_request(traceparent: str, tracestate: str, bag: str) -> None:
    traces = Traces()
    told: dict[str, str] = {}

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        told.update(environ)
        return hello(environ, start_response)

    given_ = {"HTTP_TRACEPARENT": traceparent, "HTTP_TRACESTATE": tracestate, "HTTP_BAGGAGE": bag}
    assert serve(traces, app, **given_) == [b"hello"]
    for name in given_:
        # A native string, that could have come over the wire.
        told.get(name, "").encode("latin-1")


def test_what_is_not_sampled_is_not_recorded_and_says_so(traces: Traces) -> None:
    off = Traces(sampler=ALWAYS_OFF)
    told: dict[str, str] = {}

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        told.update(environ)
        return hello(environ, start_response)

    assert serve(off, app) == [b"hello"]
    assert off.names() == []
    # The random flag of level 2 of the standard may be set.
    assert int(told["HTTP_TRACEPARENT"][-2:], 16) & 1 == 0


def test_the_time_before_a_thread_was_free_counts() -> None:
    traces = Traces()
    traces.tracing.clock = lambda: 107.0
    response = Response()
    response.request.started = 100.0
    serve(traces, hello, response)
    span = traces.one()
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time >= 7_000_000_000
