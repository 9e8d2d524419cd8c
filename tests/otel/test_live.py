"""Traces of real servers, as a receiver of OTLP gets them."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.sdk.trace", reason="needs gunicorn[otel]")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs gunicorn[otel]")

from tests.conftest import Serve
from tests.support.otlp import ERROR, SERVER, Receiver, Span, receiving
from tests.support.server import Server, running
from tests.support.wait import wait_until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"traceparent: 00-{TRACE}-{PARENT}-01"

FLASK = """
from flask import Flask, Response, request, send_file
from opentelemetry import trace

tracer = trace.get_tracer("shop")
app = Flask(__name__)

@app.route("/inner/<name>")
def inner(name):
    with tracer.start_as_current_span(name):
        return request.headers.get("traceparent", "")

@app.route("/stream")
def stream():
    def pieces():
        with tracer.start_as_current_span("piece"):
            yield "a"
        yield "b"
    return Response(pieces())

@app.route("/file")
def file():
    return send_file(__file__)

@app.route("/boom")
def boom():
    raise RuntimeError("boom")

app.config["PROPAGATE_EXCEPTIONS"] = True
"""

FASTAPI = """
import asyncio
from fastapi import BackgroundTasks, FastAPI, WebSocket
from opentelemetry import trace

tracer = trace.get_tracer("shop")
app = FastAPI()

async def later():
    await asyncio.sleep(0.01)
    with tracer.start_as_current_span("later"):
        pass

@app.get("/inner/{name}")
async def inner(name: str, tasks: BackgroundTasks):
    await asyncio.sleep(0)
    tasks.add_task(later)
    with tracer.start_as_current_span(name):
        return {}

@app.get("/boom")
async def boom():
    raise RuntimeError("boom")

@app.websocket("/socket")
async def socket(socket: WebSocket):
    await socket.accept()
    with tracer.start_as_current_span("talk"):
        await socket.send_text("hello")
    await socket.close()
"""

TINY = """
from opentelemetry import trace
tracer = trace.get_tracer("tiny")

def app(environ, start_response):
    with tracer.start_as_current_span("inner"):
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def flask(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("flask")
    args = ("--otel-spans", "--access-logfile", "-", "--log-format", "json", "-n", "flask")
    args += ("-k", "gthread", "--threads", "2")
    args += ("--forwarded-allow-ips", "127.0.0.1", "--http-protocols", "h1,h2", "--http2-cleartext", "prior-knowledge")
    env = receiver.environment()
    with running(tmp_path_factory.mktemp("flask"), FLASK, *args, env=env, expect_traceback=True) as server:
        yield server


@pytest.fixture(scope="module")
def fastapi(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("fastapi")
    args = ("--otel-spans", "--access-logfile", "-", "--log-format", "json", "-n", "fastapi")
    env = receiver.environment()
    with running(tmp_path_factory.mktemp("fastapi"), FASTAPI, *args, env=env, expect_traceback=True) as server:
        yield server


def above(receiver: Receiver, span: Span) -> Span:
    """The server's span that a span of an application lies within."""
    while span.scope != "gunicorn":
        wait_until(lambda span=span: any(each.id == span.parent for each in receiver.spans), what=f"parent of {span}")
        (span,) = [each for each in receiver.spans if each.id == span.parent]
    return span


def ids_in_the_access_log(server: Server, path: str) -> tuple[str, str]:
    line = json.loads(server.wait_for_log(rf'^.*"logger":"gunicorn.access".*"path":"{path}".*$')[0])
    return line["trace_id"], line["span_id"]


class TestFlask:
    def test_a_span_of_the_application_is_a_child(self, receiver: Receiver, flask: Server) -> None:
        assert flask.get("/inner/first?q=1&sig=secret", "User-Agent: test/1").status == 200
        span = above(receiver, receiver.wait(flask.describe, name="first"))
        assert (span.name, span.kind, span.status, span.parent) == ("GET", SERVER, 0, "")
        assert span.attributes | {
            "http.request.method": "GET", "http.response.status_code": 200, "url.path": "/inner/first",
            "url.query": "q=1&sig=REDACTED", "url.scheme": "http", "server.address": "test", "server.port": 80,
            "client.address": "127.0.0.1", "network.peer.address": "127.0.0.1", "network.protocol.version": "1.1",
            "user_agent.original": "test/1",
        } == span.attributes
        assert isinstance(span.attributes["network.peer.port"], int)
        assert span.resource["service.name"] == "flask"
        assert span.resource["service.instance.id"].endswith(":0")
        assert span.nanoseconds > 0

    def test_it_follows_a_trusted_peer(self, receiver: Receiver, flask: Server) -> None:
        answer = flask.get("/inner/followed", TRACEPARENT, "tracestate: a=b")
        span = above(receiver, receiver.wait(flask.describe, name="followed"))
        assert (span.trace, span.parent) == (TRACE, PARENT)
        assert answer.body.decode() == f"00-{TRACE}-{span.id}-01"

    def test_a_stream(self, receiver: Receiver, flask: Server) -> None:
        assert flask.get("/stream").body == b"ab"
        assert above(receiver, receiver.wait(flask.describe, name="piece")).attributes["url.path"] == "/stream"

    def test_a_file(self, receiver: Receiver, flask: Server) -> None:
        assert b"send_file" in flask.get("/file").body
        assert receiver.wait(flask.describe, url__path="/file").attributes["http.response.status_code"] == 200

    def test_head_and_what_is_not_there(self, receiver: Receiver, flask: Server) -> None:
        with flask.connect() as wire:
            wire.send(b"HEAD /nothing HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            assert wire.read_response("HEAD").status == 404
        span = receiver.wait(flask.describe, name="HEAD")
        assert (span.attributes["http.response.status_code"], span.status) == (404, 0)
        assert "error.type" not in span.attributes

    def test_an_exception(self, receiver: Receiver, flask: Server) -> None:
        assert flask.get("/boom").status == 500
        span = receiver.wait(flask.describe, url__path="/boom", http__response__status_code=500)
        assert (span.status, span.attributes["error.type"]) == (ERROR, "RuntimeError")
        assert span.events["exception"]["exception.message"] == "boom"
        lines = [json.loads(line) for line in flask.log_lines() if line.startswith("{")]
        (line,) = [line for line in lines if "/boom" in line["message"] and line["level"] == "ERROR"]
        assert (line["trace_id"], line["span_id"]) == (span.trace, span.id)
        # A line of the server's own belongs to no request.
        assert all("trace_id" not in line for line in lines if line["level"] == "INFO" and "path" not in line)
        assert ids_in_the_access_log(flask, "/boom") == (span.trace, span.id)

    def test_http2(self, receiver: Receiver, flask: Server) -> None:
        httpx = pytest.importorskip("httpx")
        with httpx.Client(http1=False, http2=True) as client:
            assert client.get(f"{flask.url}/inner/second", headers={"traceparent": TRACEPARENT[13:]}).status_code == 200
        span = above(receiver, receiver.wait(flask.describe, name="second"))
        assert (span.attributes["network.protocol.version"], span.trace) == ("2", TRACE)
        assert span.attributes["server.port"] == flask.port


class TestFastAPI:
    def test_spans_of_the_application_are_children(self, receiver: Receiver, fastapi: Server) -> None:
        assert fastapi.get("/inner/async", TRACEPARENT).status == 200
        span = above(receiver, receiver.wait(fastapi.describe, name="async"))
        assert (span.trace, span.parent, span.resource["service.name"]) == (TRACE, PARENT, "fastapi")
        assert span.attributes["network.peer.address"] == "127.0.0.1"
        # Behind the response, in the same trace.
        assert receiver.wait(fastapi.describe, name="later").trace == TRACE

    def test_an_exception(self, receiver: Receiver, fastapi: Server) -> None:
        assert fastapi.get("/boom").status == 500
        wait_until(lambda: any(span.resource["service.name"] == "fastapi" for span in receiver.find(name="GET")
                               if span.attributes["url.path"] == "/boom" and span.scope == "gunicorn"))
        (span,) = [span for span in receiver.find(name="GET", url__path="/boom")
                   if span.scope == "gunicorn" and span.resource["service.name"] == "fastapi"]
        assert (span.status, span.attributes["error.type"]) == (ERROR, "RuntimeError")
        line = json.loads(fastapi.wait_for_log(r"^.*Exception in ASGI application: /boom.*$")[0])
        assert (line["trace_id"], line["span_id"]) == (span.trace, span.id)
        assert ids_in_the_access_log(fastapi, "/boom") == (span.trace, span.id)

    def test_a_websocket(self, receiver: Receiver, fastapi: Server) -> None:
        client = pytest.importorskip("websockets.sync.client")
        with client.connect(f"ws://127.0.0.1:{fastapi.port}/socket") as socket:
            assert socket.recv() == "hello"
        span = above(receiver, receiver.wait(fastapi.describe, name="talk"))
        assert (span.attributes["http.response.status_code"], span.attributes["url.scheme"]) == (101, "ws")


# Worker types, and the life of a worker.


@pytest.mark.parametrize(
    "kind",
    [
        "gevent",
        pytest.param("eventlet", marks=pytest.mark.slow), pytest.param("tornado", marks=pytest.mark.slow),
        pytest.param("sync", marks=pytest.mark.slow), pytest.param("gaiohttp", marks=pytest.mark.slow),
    ],
)
def test_worker_types(receiver: Receiver, serve: Serve, kind: str) -> None:
    """Spans come out while the worker serves, and the last ones at its end."""
    pytest.importorskip({"gaiohttp": "aiohttp", "sync": "flask"}.get(kind, kind))
    server = serve(TINY, "--otel-spans", "-k", kind, "-n", kind, env=receiver.environment())

    def paths() -> set[str]:
        return {span.attributes["url.path"] for span in receiver.find(name="GET")
                if span.resource["service.name"] == kind}

    assert server.get("/first").status == 200
    wait_until(lambda: "/first" in paths(), what=server.describe)
    assert server.get("/last").status == 200
    server.stop()
    assert "/last" in paths()


SLOW = """
import time
from opentelemetry import trace
tracer = trace.get_tracer("slow")

def app(environ, start_response):
    start_response("200 OK", [])
    def pieces():
        for _ in range(3):
            with tracer.start_as_current_span(environ["PATH_INFO"]):
                time.sleep(0.001)
                yield b"x"
    return pieces()
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gthread", "gevent", "eventlet"])
def test_requests_side_by_side_are_not_mixed_up(receiver: Receiver, serve: Serve, kind: str) -> None:
    if kind != "gthread":
        pytest.importorskip(kind)
    env = receiver.environment(OTEL_BSP_MAX_QUEUE_SIZE="10000")
    server = serve(SLOW, "--otel-spans", "-k", kind, "--threads", "8", "-n", f"slow-{kind}", env=env)
    with ThreadPoolExecutor(16) as clients:
        assert {answer.body for answer in clients.map(lambda number: server.get(f"/{number}"), range(100))} == {b"xxx"}
    server.stop()
    spans = [span for span in receiver.spans if span.resource["service.name"] == f"slow-{kind}"]
    paths = {span.id: span.attributes["url.path"] for span in spans if span.scope == "gunicorn"}
    assert sorted(paths.values()) == sorted(f"/{number}" for number in range(100))
    inner = [span for span in spans if span.scope == "slow"]
    assert len(inner) == 300
    assert all(paths[span.parent] == span.name for span in inner)


TORNADO = """
import tornado.web

class Hello(tornado.web.RequestHandler):
    def get(self):
        self.write("ok")

app = tornado.web.Application([("/", Hello)])
"""
AIOHTTP = """
from aiohttp import web

async def hello(request):
    return web.Response(text="ok")

app = web.Application()
app.router.add_get("/", hello)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "app", "whose"), [("tornado", TORNADO, "Tornado"), ("gaiohttp", AIOHTTP, "aiohttp")],
)
def test_who_has_no_spans_is_told_so(receiver: Receiver, serve: Serve, kind: str, app: str, whose: str) -> None:
    pytest.importorskip({"gaiohttp": "aiohttp"}.get(kind, kind))
    server = serve(app, "--otel-spans", "-k", kind, env=receiver.environment())
    assert server.get("/").body == b"ok"
    server.wait_for_log(rf"\[WARNING\] otel_spans: this application is served by {whose}'s own server")


def test_a_reload_loses_no_span_of_a_preloaded_application(receiver: Receiver, serve: Serve) -> None:
    env = receiver.environment(OTEL_BSP_SCHEDULE_DELAY="600000")
    server = serve(TINY, "--otel-spans", "--preload", "-n", "preloaded", env=env)
    assert server.get("/before").status == 200
    server.send_signal(signal.SIGHUP)
    span = receiver.wait(server.describe, url__path="/before")
    inner = [each for each in receiver.find(name="inner") if each.parent == span.id]
    assert len(inner) == 1
    # Nothing of it runs in the master.
    assert len(list(Path(f"/proc/{server.pid}/task").iterdir())) == 1


OWN = """
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
provider = TracerProvider(resource=Resource.create({"service.name": "own"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
""" + TINY


def test_a_provider_from_before_the_fork_stays_the_applications(receiver: Receiver, serve: Serve) -> None:
    server = serve(OWN, "--otel-spans", "--preload", "-n", "server", env=receiver.environment())
    assert server.get("/own").status == 200
    wait_until(lambda: any(each.resource["service.name"] == "own" for each in receiver.find(name="inner")))
    (inner,) = [each for each in receiver.find(name="inner") if each.resource["service.name"] == "own"]
    span = above(receiver, inner)
    assert (span.attributes["url.path"], span.resource["service.name"]) == ("/own", "server")
    server.wait_for_log(r"\[WARNING\] OpenTelemetry: there was a TracerProvider before this worker was forked\.")


def test_nobody_is_trusted_and_nothing_sampled(receiver: Receiver, serve: Serve) -> None:
    env = receiver.environment(OTEL_TRACES_SAMPLER="always_off", OTEL_SERVICE_NAME="silent")
    server = serve(TINY, "--otel-spans", "--otel-trust", "none", env=env)
    assert server.get("/", TRACEPARENT).status == 200
    server.stop()
    assert [span for span in receiver.spans if span.resource["service.name"] == "silent"] == []


@pytest.mark.slow
def test_a_receiver_that_is_away_costs_the_end_three_seconds(serve: Serve) -> None:
    server = serve(TINY, "--otel-spans", env={
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "100",
    })
    for _ in range(3):
        assert server.get().status == 200
    server.wait_for_log(r"\[WARNING\] Transient error .* encountered while exporting spans? batch")
    server.stop()
    assert server.log().count("[WARNING] OpenTelemetry: the last spans could not be exported within 3 s") == 1


MISSING = """
import sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Finder)
"""


def test_an_extra_that_is_missing(make_server: Serve, tmp_path: Path) -> None:
    (tmp_path / "gunicorn_start.py").write_text(MISSING + "from gunicorn.app.wsgiapp import run\nrun()\n")
    server = make_server(
        "def app(environ, start_response): pass", "--otel-spans",
        command=[sys.executable, str(tmp_path / "gunicorn_start.py")],
    )
    server.spawn()
    assert server.wait() == 1
    told = r"OpenTelemetry is missing: pip install gunicorn\[otel\]\n"
    line = rf"Error: otel_spans = True \(command line --otel-spans\): {told}"
    assert re.fullmatch(line, server.log())
