"""A span around an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk.trace", reason="needs gunicorn[otel]")

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import StatusCode

from gunicorn.asgi.messages import Disconnected
from gunicorn.otel.asgi import traced
from tests.otel.world import PARENT, TRACE, TRACEPARENT, Response, Traces

START = {"type": "http.response.start", "status": 200, "headers": []}
BODY = {"type": "http.response.body", "body": b""}


# The connection of a request that was given up.
ANOTHERS = SimpleNamespace(peer=None, response=None)


@pytest.fixture
def traces() -> Traces:
    return Traces()


def scope_of(kind: str = "http", **more: object) -> dict[str, Any]:
    return {
        "type": kind, "path": "/", "query_string": b"", "scheme": "http", "http_version": "1.1", "method": "GET",
        "headers": [(b"host", b"shop")], "client": ("127.0.0.1", 1), **more,
    }


def serve(traces: Traces, app: Callable[..., Any], response: Response | None = None, **scope: Any) -> Response:
    response = response or Response()

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    asyncio.run(traced(app, traces.tracing)(scope_of(**scope), receive, response.send))  # type: ignore[arg-type]
    return response


def attributes(traces: Traces) -> dict[str, Any]:
    return dict(traces.one().attributes or {})


def saying(*messages: dict[str, object]) -> Callable[..., Any]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def test_a_request(traces: Traces) -> None:
    response = serve(traces, saying(START, BODY))
    assert response.sent == [START, BODY]
    assert attributes(traces)["http.response.status_code"] == 200
    assert attributes(traces)["network.peer.address"] == "192.0.2.7"


@pytest.mark.parametrize(
    ("messages", "at"),
    [
        ([START, BODY], 2),
        ([START, {**BODY, "more_body": True}, BODY], 3),
        ([{**START, "trailers": True}, BODY, {"type": "http.response.trailers"}], 3),
        ([START, {"type": "http.response.pathsend", "path": "/"}], 2),
        ([START], 2),
    ],
)
def test_it_ends_with_the_last_message(traces: Traces, messages: list[dict[str, object]], at: int) -> None:
    ended: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            assert not any(ended)
            await send(message)
            ended.append(bool(traces.names()))

    serve(traces, app)
    assert ended.count(True) == len(messages) + 1 - at
    assert traces.names() == ["GET"]


def test_tasks_behind_the_response_are_children(traces: Traces) -> None:
    async def later() -> None:
        await asyncio.sleep(0)
        traces.tracer.start_span("later").end()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        with traces.tracer.start_as_current_span("inner"):
            await send(START)
        await send(BODY)
        await asyncio.create_task(later())

    serve(traces, app)
    assert traces.names() == ["inner", "GET", "later"]
    assert traces.is_child("inner")
    assert traces.is_child("later")


def test_requests_side_by_side_are_not_mixed_up(traces: Traces) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        with traces.tracer.start_as_current_span(scope["path"]):
            await asyncio.sleep(0)
            await send(START)
        await send(BODY)

    async def both() -> None:
        wrapped = traced(app, traces.tracing)
        calls = [wrapped(scope_of(path=path, raw_path=path.encode()), None, Response(False).send)  # type: ignore[arg-type]
                 for path in ("/a", "/b")]
        await asyncio.gather(*map(asyncio.create_task, calls))  # type: ignore[arg-type]

    asyncio.run(both())
    parents = {span.context.span_id for span in traces.spans() if span.name == "GET"}
    children = {span.parent.span_id for span in traces.spans() if span.name != "GET" and span.parent is not None}
    assert parents == children
    assert len(parents) == 2


@pytest.mark.parametrize(
    ("error", "facts", "status", "code"),
    [
        (RuntimeError("boom"), {}, 500, StatusCode.ERROR),
        (RuntimeError("boom"), {"headers_sent": True}, 200, StatusCode.ERROR),
        (Disconnected("gone"), {"headers_sent": True}, 200, StatusCode.UNSET),
        (asyncio.CancelledError(), {"gone": True, "headers_sent": True}, 200, StatusCode.UNSET),
        (asyncio.CancelledError(), {"gone": False}, 500, StatusCode.ERROR),
        (asyncio.CancelledError(), {"gone": True, "exchange": ANOTHERS}, 504, StatusCode.ERROR),
    ],
)
def test_what_is_raised(
    traces: Traces, error: BaseException, facts: dict[str, object], status: int, code: StatusCode
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        raise error

    with pytest.raises(type(error)):
        serve(traces, app, Response(**facts))  # type: ignore[arg-type]
    found = attributes(traces)
    assert found["http.response.status_code"] == status
    assert found["error.type"].endswith(type(error).__name__)
    assert traces.one().status.status_code == code


def test_what_a_framework_has_told_its_client_is_in_the_span(traces: Traces) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 500})
        await send(BODY)
        raise KeyError("boom")

    with pytest.raises(KeyError):
        serve(traces, app, Response(headers_sent=True))
    assert attributes(traces)["error.type"] == "KeyError"
    assert [event.name for event in traces.one().events] == ["exception"]


def test_a_message_that_is_refused_is_not_the_answer(traces: Traces) -> None:
    class Refusing(Response):
        async def send(self, message: dict[str, object]) -> None:
            if message.get("status") == 299:
                raise ValueError
            await super().send(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(ValueError):
            await send({**START, "status": 299})
        await send(START)
        await send(BODY)

    serve(traces, app, Refusing())
    assert attributes(traces)["http.response.status_code"] == 200


@pytest.mark.parametrize(
    ("messages", "version", "status"),
    [
        ([{"type": "websocket.accept"}, {"type": "websocket.close"}], "1.1", 101),
        ([{"type": "websocket.accept"}], "2", 200),
        ([{"type": "websocket.close"}], "1.1", 403),
        ([{"type": "websocket.http.response.start", "status": 401, "headers": []},
          {"type": "websocket.http.response.body"}], "1.1", 401),
    ],
)
def test_websockets(traces: Traces, messages: list[dict[str, object]], version: str, status: int) -> None:
    serve(traces, saying(*messages), kind="websocket", http_version=version, scheme="ws")
    assert attributes(traces)["http.response.status_code"] == status


def test_the_lifespan_has_no_span_and_sees_what_the_server_gave(traces: Traces) -> None:
    seen: list[object] = []

    async def app(*given: object) -> None:
        seen.extend(given)

    asyncio.run(traced(app, traces.tracing)({"type": "lifespan"}, "receive", "send"))  # type: ignore[arg-type]
    assert seen == [{"type": "lifespan"}, "receive", "send"]
    assert traces.names() == []


@given(st.binary(), st.binary(), st.binary() | st.sampled_from([b"%C3%BC=%E2%82%AC", b"\xfc=\xff,k=v"]))
def test_no_field_of_a_trusted_peer_breaks_a_request(traceparent: bytes, tracestate: bytes, bag: bytes) -> None:
    traces = Traces()
    given_ = [(b"traceparent", traceparent), (b"tracestate", tracestate), (b"baggage", bag)]
    serve(traces, saying(START, BODY), headers=given_)
    assert traces.names() == ["GET"]


@pytest.mark.parametrize(("trusted", "follows"), [(True, True), (False, False)])
def test_whose_child_it_is(traces: Traces, trusted: bool, follows: bool) -> None:
    sent = [(b"traceparent", TRACEPARENT.encode()), (b"baggage", b"k=v"), (b"x", b"y")]
    given = list(sent)
    seen: list[tuple[bytes, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(scope["headers"])
        await send(START)
        await send(BODY)

    serve(traces, app, Response(trusted), headers=given)
    span = traces.one()
    ids = f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"
    assert (ids[0] == TRACE) == follows
    assert (span.parent is not None and f"{span.parent.span_id:016x}" == PARENT) == follows
    assert (b"x", b"y") in seen
    assert [value[:52] for name, value in seen if name == b"traceparent"] == [f"00-{ids[0]}-{ids[1]}".encode()]
    assert ((b"baggage", b"k=v") in seen) == follows
    # The server's own list is not touched: it may be the log's, too.
    assert given == sent
