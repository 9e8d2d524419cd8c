"""What a client, a proxy and an application can say, tried on every worker type and behind real proxies."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Serve
from tests.support.proxies import Proxy, start_haproxy, start_nginx
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Response
from tests.system.test_proxies import ECHO, Start, environ_of, fetch, proxy, upstream_of
from tests.workers.kinds import KINDS, everywhere

__all__ = ["proxy"]

NUL = b"PROXY TCP4 198.51.100.7\x00 203.0.113.9 4711 443\r\n"
CONNECT = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"
HOSTLESS = b"GET /up HTTP/1.1\r\n\r\n"

WSGI = '''
import json

class Raises:
    def __str__(self):
        raise RuntimeError("on purpose")

def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "CONNECT":
        start_response("200 OK", [("Content-Length", "4")])
        return [b"pong"]
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    body = json.dumps({"environ": seen}).encode()
    if environ["PATH_INFO"] == "/spoil":
        environ.update(HTTP_AUTHORIZATION=5, REMOTE_ADDR=Raises(), HTTP_REFERER=b"octets", HTTP_USER_AGENT="\\ud800")
    if environ["PATH_INFO"] == "/empty":
        environ.clear()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
'''
ASGI = '''
import json

async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["method"] == "CONNECT":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"pong"})
        return
    seen = {name.decode(): value.decode() for name, value in scope["headers"]}
    body = json.dumps({"path": scope["path"], "server": scope["server"], "headers": seen}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
'''
TORNADO = '''
import tornado.web

class Handler(tornado.web.RequestHandler):
    SUPPORTED_METHODS = tornado.web.RequestHandler.SUPPORTED_METHODS + ("CONNECT",)

    def get(self):
        self.write(f"{self.request.host} {self.request.protocol} {self.request.headers.get('X_A')}")

    def connect(self):
        self.write("no")

app = tornado.web.Application([(".*", Handler)])
'''
TORNADO_WSGI = '''
import json
import tornado.wsgi

def application(environ, start_response):
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    body = json.dumps({"environ": seen}).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]

app = tornado.wsgi.WSGIContainer(application)
'''


def ask(server: Server, data: bytes, method: str = "GET") -> Response:
    with server.connect() as wire:
        wire.send(data)
        return wire.read_response(method)


def test_every_worker_type_refuses_and_lives_on(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        pids = server.worker_pids()
        for _ in range(10):
            assert ask(server, NUL).status == 400
        assert ask(server, CONNECT).status == 501
        assert ask(server, CONNECT.replace(b":443 ", b":99999 ")).status == 400
        assert ask(server, HOSTLESS).status == 400
        server.wait_for_log("Invalid request from ip=127.0.0.1: .*set permit_missing_host")
        environ = environ_of(server.get("/x/y", "Script-Name: /x"))
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/x/y")
        environ = environ_of(server.get("/x/y", "Script-Name: /y", "SCRIPT_NAME: /x"))
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/x", "/y")
        assert server.get("/xy", "SCRIPT_NAME: /x").status == 500
        assert server.worker_pids() == pids

    everywhere(make_server, kinds, scenario, WSGI, "--proxy-protocol", "auto", "--permit-missing-proxy-header")


def test_every_worker_type_wants_the_proxy_header(make_server: Serve, kinds: list[str]) -> None:
    header = b"PROXY TCP4 198.51.100.7 203.0.113.9 4711 443\r\n"
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    def scenario(server: Server) -> None:
        with server.connect() as wire:
            wire.send(request)
            assert wire.read_response().status == 400
            wire.expect_eof()
        server.wait_for_log("PROXY header missing: .*set permit_missing_proxy_header")
        with server.connect() as wire:
            # It is said once, in front of all requests.
            wire.send(header + request)
            assert environ_of(wire.read_response())["REMOTE_ADDR"] == "198.51.100.7"
            wire.send(request)
            assert environ_of(wire.read_response())["REMOTE_ADDR"] == "198.51.100.7"

    everywhere(make_server, kinds, scenario, WSGI, "--proxy-protocol")


def test_every_worker_type_permits_what_it_is_told_to(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        environ = environ_of(ask(server, HOSTLESS))
        assert "HTTP_HOST" not in environ
        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", str(server.port))
        assert ask(server, HOSTLESS.replace(b"\r\n\r\n", b"\r\nHost: a\r\nHost: a\r\n\r\n")).status == 400
        is_tunnel(server)

    everywhere(make_server, kinds, scenario, WSGI, "--permit-missing-host", "--permit-connect")


def is_tunnel(server: Server) -> None:
    with server.connect() as wire:
        wire.send(CONNECT)
        response = wire.read_response("CONNECT")
        assert response.status == 200
        assert (response.get("content-length"), response.get("transfer-encoding")) == (None, None)
        assert wire.read_until_eof() == b"pong"


LOG = ("--access-logfile", "-")
#: A line of the gathered kind, and one that is made by itself.
GATHERED = "seen %(h)s %(u)s %(s)s %(f)s %(a)s %(q)s end"
SINGLE = "seen %(h)s %(u)s %(s)s %(f)s %(a)s %({none}e)s end"


def logs_what_cannot_be_printed(server: Server, last: str) -> None:
    pids = server.worker_pids()
    for _ in range(3):
        assert server.get("/spoil").status == server.get("/empty").status == 200
    server.wait_for_log(re.escape(rf"seen - - 200 octets \ud800 {last} end"), count=3)
    server.wait_for_log(r"seen - - 200 - - - end", count=3)
    assert server.worker_pids() == pids
    assert "Traceback" not in server.log()


def test_every_worker_type_logs_what_cannot_be_printed(make_server: Serve, kinds: list[str]) -> None:
    """Those that bring their own server gather nothing, and make each line by itself."""
    everywhere(
        make_server, kinds, lambda server: logs_what_cannot_be_printed(server, ""), WSGI, *LOG,
        "--access-logformat", GATHERED,
    )


@pytest.mark.parametrize("kind", ["sync", "asgi"])
def test_lines_that_are_made_by_themselves(kind: str, serve: Serve) -> None:
    server = serve(WSGI, *KINDS[kind], *LOG, "--access-logformat", SINGLE)
    logs_what_cannot_be_printed(server, "-")


def test_applications_of_asgi(serve: Serve) -> None:
    server = serve(ASGI, "-k", "asgi", "--permit-missing-host", "--permit-connect")
    seen = ask(server, HOSTLESS).json()
    assert seen == {"path": "/up", "server": ["127.0.0.1", server.port], "headers": {}}
    seen = server.get("/x", "Script-Name: /x", "X-A: b").json()
    assert seen["headers"].keys() == {"host", "connection", "x-a"}
    is_tunnel(server)


def test_applications_of_tornado(serve: Serve) -> None:
    """What Tornado's parser lets in, ours judges: one set of checks for all."""
    server = serve(TORNADO, "-k", "tornado")
    assert ask(server, CONNECT).status == 501
    assert ask(server, HOSTLESS).status == 400
    server.wait_for_log("Invalid request from ip=127.0.0.1: .*set permit_missing_host")
    for path, fields in (
        ("/a#b", ()), ('/a"b', ()), ("/", ("Origin: a", "Origin: a")), ("http://me@a/", ()),
        ("/", ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off")),
    ):
        assert server.get(path, *fields).status == 400, (path, fields)
    # No environ, so no name is another's.
    assert server.get("/a?b|c", "X_A: b", "X-Forwarded-Proto: https").body == b"test https b"
    assert ask(server, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").status == 405


def test_applications_of_tornado_that_are_told_to(serve: Serve) -> None:
    server = serve(TORNADO, "-k", "tornado", "--permit-missing-host", "--permit-connect", "--header-map", "refuse")
    assert ask(server, HOSTLESS).body == f"127.0.0.1:{server.port} http None".encode()
    assert ask(server, CONNECT).status == 200
    assert server.get("/", "X_A: b").status == 400


def test_environs_of_tornado(serve: Serve) -> None:
    server = serve(TORNADO_WSGI, "-k", "tornado")
    environ = environ_of(server.get("/x/y?z", "X_A: b", "X-A: c", "X-B: d", "X-B: e", "Script-Name: /x"))
    assert (environ["HTTP_X_A"], environ["HTTP_X_B"]) == ("c", "d,e")
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("", "/x/y", "z")
    assert "HTTP_SCRIPT_NAME" not in environ


PYWSGI = """
from gevent.pywsgi import WSGIHandler
from gunicorn.workers.ggevent import GeventPyWSGIWorker

class Handler(WSGIHandler):
    pass

class Worker(GeventPyWSGIWorker):
    wsgi_handler = Handler

worker_class = Worker
"""


def test_handlers_of_pywsgi(serve: Serve) -> None:
    """They read for themselves; names with an underscore gevent drops, and no field sets SCRIPT_NAME."""
    server = serve(WSGI, config=PYWSGI)
    environ = environ_of(server.get("/x/y", "X_A: b", "X-A: c", "Script-Name: /x", "SCRIPT_NAME: /x"))
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["HTTP_X_A"]) == ("", "/x/y", "c")
    assert ask(server, CONNECT).status == 501


def check_health(serve: Serve, proxy: Start, app: str, *args: str) -> tuple[Server, Proxy]:
    server = serve(app, *LOG, "--access-logformat", "%(m)s %(U)s %(s)s", *args)
    directives = "option httpchk\n    http-check send meth GET uri /health ver HTTP/1.1"
    return server, proxy(start_haproxy, upstream_of(server), "check inter 100 fall 1 rise 1", directives=directives)


@pytest.mark.parametrize("args", [("-k", "sync"), ("-k", "asgi"), ("-k", "tornado")], ids=lambda args: args[1])
def test_the_health_checks_of_haproxy(args: tuple[str, ...], serve: Serve, proxy: Start) -> None:
    app = {"asgi": ASGI, "tornado": TORNADO}.get(args[1], WSGI)
    server, front = check_health(serve, proxy, app, *args, "--permit-missing-host")
    server.wait_for_log("^GET /health 200$", count=3)
    assert fetch(front)[0].status == 200
    # HAProxy sends no Host, or this test would say nothing.
    strict, front = check_health(serve, proxy, app, *args)
    strict.wait_for_log("set permit_missing_host")
    wait_until(lambda: fetch(front)[0].status == 503, 10, "HAProxy to give it up")


def test_a_client_behind_nginx_does_not_choose_the_prefix(serve: Serve, proxy: Start) -> None:
    server = serve(ECHO)
    plain = proxy(start_nginx, upstream_of(server))
    for name in ("Script-Name", "SCRIPT_NAME", "Script_Name", "SCRIPT-NAME"):
        environ = environ_of(fetch(plain, f"{name}: /path")[0])
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/path"), name
        assert "HTTP_SCRIPT_NAME" not in environ
    mounting = proxy(start_nginx, upstream_of(server), "proxy_set_header SCRIPT_NAME /path;")
    for fields in ((), ("Script-Name: /",), ("SCRIPT_NAME: /",)):
        environ = environ_of(fetch(mounting, *fields)[0])
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/path", "")


def test_what_the_documentation_says_of_haproxy(serve: Serve, proxy: Start) -> None:
    """It passes on names with an underscore: they are believed unless it is told to remove them."""
    server = serve(ECHO)
    open_to_all = proxy(start_haproxy, upstream_of(server))
    assert environ_of(fetch(open_to_all, "SCRIPT_NAME: /path")[0])["SCRIPT_NAME"] == "/path"
    closed = proxy(start_haproxy, upstream_of(server), directives="http-request del-header SCRIPT_NAME")
    assert environ_of(fetch(closed, "SCRIPT_NAME: /path", "Script-Name: /path")[0])["SCRIPT_NAME"] == ""
    checks = "option httpchk\n    http-check send meth GET uri /health ver HTTP/1.1 hdr Host app.example"
    checked = proxy(start_haproxy, upstream_of(server), "check inter 100 fall 1 rise 1", directives=checks)
    wait_until(lambda: fetch(checked)[0].status == 200, 10, "the health check to succeed")
    assert "permit_missing_host" not in server.log()
