"""What is measured, as a table: the application, the load, and which peers can take part."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import peers
from benchmarks.loads import SlowClients, WebSockets
from benchmarks.peers import Launch, Peer

BROWSER_FIELDS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0"
    " Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.8,de;q=0.6,fr;q=0.4",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Referer: https://www.example.com/articles/2026/a-fairly-long-path?with=query&and=more",
    "Cache-Control: max-age=0",
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Cookie: " + "; ".join(f"name{i}={'v' * 31}{i}" for i in range(10)),
)

UPLOAD_LUA = """
wrk.method = "POST"
wrk.body = string.rep("u", 1048576)
wrk.headers["Content-Type"] = "application/octet-stream"
"""


class Scenario(NamedTuple):
    name: str
    title: str
    #: The callable in apps/wsgi.py and apps/asgi.py, or a whole target.
    app: str = "hello"
    connections: int = 64
    fields: tuple[str, ...] = ()
    lua: str = ""
    #: Threads for every server that has them; without, and without a loop, there is no part in it.
    threads: int = 0
    #: Threads for worker types that are a pool of threads; the others take part as they are.
    pool: int = 0
    workers: int = 1
    #: Measured once more with one worker, which tells what a request costs more with several.
    beside_one: bool = False
    access_log: bool = False
    closing: bool = False
    #: Idle keep-alive connections held open beside the busy ones.
    idle: int = 0
    #: The protocols it exists for; "floor" where the fixed answer is comparable.
    protocols: tuple[str, ...] = ("floor", "wsgi", "asgi")
    #: "load": wrk; "start": exec to first answer and memory; "slow": wrk beside slow clients;
    #: "streams": h2load; "websocket": CPU a message; "sockets": memory of sockets that are only open
    kind: str = "load"
    #: Server and load on the same two cores, each free to roam.
    both_cores: bool = False
    tls: bool = False
    #: Requests under way on each connection of HTTP/2; 0: HTTP/1.1.
    streams: int = 0
    #: Octets of a body that each request of HTTP/2 has.
    upload: int = 0
    websockets: WebSockets | None = None
    slow: SlowClients | None = None
    #: nginx stands in front, on the core of the load, and speaks this: `http`, `uwsgi` or `fastcgi`.
    front: str = ""
    #: What is asked for; `/static/...` are files that servers answer with themselves.
    path: str = "/"

    def target(self, protocol: str) -> str:
        return self.app if ":" in self.app else f"{protocol}:{self.app}"

    def wrk_arguments(self, lua_path: str) -> list[str]:
        fields = [*self.fields, *(["Connection: close"] if self.closing else [])]
        return [part for field in fields for part in ("-H", field)] + (["-s", lua_path] if self.lua else [])

    def h2load_arguments(self, body: Path) -> list[str]:
        fields = [part for field in self.fields for part in ("-H", field)]
        if not self.upload:
            return fields
        body.write_bytes(b"u" * self.upload)
        return [*fields, "-d", str(body)]

    def needs(self) -> dict[str, bool]:
        """What a server must be able to do -> whether it is needed here."""
        return {
            peers.LOG: self.access_log,
            peers.THREAD: self.threads > 1,
            peers.FORK: self.workers > 1,
            peers.TLS: self.tls,
            peers.WEBSOCKET: self.websockets is not None,
            peers.HTTP2: self.streams > 0,
            peers.BY_HTTP: self.front == "http",
            peers.BY_UWSGI: self.front == "uwsgi",
            peers.BY_FASTCGI: self.front == "fastcgi",
            peers.FILES: self.is_static(),
        }

    def is_static(self) -> bool:
        return self.path.startswith("/static/")

    def quiet_connections(self) -> int:
        """Connections that a server must keep although they do little."""
        silent = self.websockets.connections if self.kind == "sockets" and self.websockets else 0
        return self.idle + silent + (self.slow.total if self.slow else 0)

    def launch(self, peer: Peer, port: int, access_log: str) -> Launch:
        return Launch(
            port,
            self.target(peer.protocol),
            self.workers,
            self.threads or (self.pool if peers.POOL in peer.can else 0),
            access_log if self.access_log else None,
            self.closing,
            self.quiet_connections(),
            self.tls,
            self.websockets is not None,
            self.streams > 0,
            self.front,
            self.is_static(),
        )


WSGI_ONLY = ("wsgi",)
ASGI_ONLY = ("asgi",)
APPS = ("wsgi", "asgi")
FILES = ("files", "wsgi", "asgi")

#: Where the load has the same two cores, the rates say little; the CPU of a request does.
TWO: Any = {"workers": 2, "beside_one": True, "both_cores": True}

SLOW_200 = SlowClients((("head", 100), ("read", 100)))
TRICKLERS_5000 = SlowClients((("trickle-head", 2500), ("trickle-body", 2500)))

SCENARIO_LIST = (
    Scenario("hello", "Hello, World!, 64 keep-alive connections"),
    Scenario("close", "hello with Connection: close", closing=True),
    Scenario("browser", "a browser's request: 12 fields, 400 bytes of cookie", fields=BROWSER_FIELDS),
    Scenario("fields10", "10 fields in the answer", "ten_fields", protocols=APPS),
    Scenario("flask", "Flask, a JSON answer", "flask_json:app", protocols=WSGI_ONLY),
    Scenario("rows", "Flask, 5,000 rows as JSON", "flask_rows:app", 16, protocols=WSGI_ONLY),
    Scenario("django", "Django, hello", "django_hello:app", protocols=WSGI_ONLY),
    Scenario("down1m", "1 MiB body down", "download", 16, protocols=APPS),
    Scenario("file10m", "wsgi.file_wrapper of 10 MiB", "send_file", 8, protocols=WSGI_ONLY),
    Scenario("static4k", "a file of 4 KiB, by the server itself", path="/static/4k.bin", protocols=FILES),
    Scenario("static10m", "a file of 10 MiB, by the server itself", connections=8, path="/static/10m.bin",
             protocols=FILES),
    Scenario("up1m", "1 MiB up, echoed", "upload", 16, lua=UPLOAD_LUA, protocols=APPS),
    Scenario("stream16", "16 chunks of 1 KiB, streamed", "stream", protocols=APPS),
    Scenario("accesslog", "hello with the access log on, to a file", access_log=True, protocols=APPS),
    Scenario("idle1k", "1,000 idle keep-alive connections beside 64 busy ones", idle=1000),
    Scenario("idle10k", "10,000 idle keep-alive connections beside 64 busy ones", idle=10000),
    Scenario("workers2", "2 workers on 2 cores", protocols=APPS, **TWO),
    Scenario("workers2-flask", "2 workers on 2 cores: Flask, a JSON answer", "flask_json:app", protocols=WSGI_ONLY,
             **TWO),
    Scenario("workers2-fastapi", "2 workers on 2 cores: FastAPI, a JSON answer", "fastapi_json:app",
             protocols=ASGI_ONLY, **TWO),
    Scenario("workers2-down1m", "2 workers on 2 cores: 1 MiB body down", "download", 16, protocols=APPS, **TWO),
    Scenario("workers2-up1m", "2 workers on 2 cores: 1 MiB up, echoed", "upload", 16, lua=UPLOAD_LUA, protocols=APPS,
             **TWO),
    Scenario("sleep32", "a 10 ms sleep, 32 threads, 32 connections", "sleep10ms", 32, threads=32,
             protocols=APPS),
    Scenario("sleep256", "a 10 ms sleep, 32 threads, 256 connections", "sleep10ms", 256, threads=32,
             protocols=APPS),
    Scenario("fair2", "2 workers, one request in ten sleeps 100 ms, keep-alive", "tenth_sleeps", 16,
             workers=2, both_cores=True, protocols=WSGI_ONLY),
    Scenario("fair2close", "the same with Connection: close", "tenth_sleeps", 16, workers=2, closing=True,
             both_cores=True, protocols=WSGI_ONLY),
    Scenario("fair4", "4 workers, one request in ten sleeps 100 ms, keep-alive", "tenth_sleeps", 16,
             workers=4, both_cores=True, protocols=WSGI_ONLY),
    Scenario("fair4close", "the same with Connection: close", "tenth_sleeps", 16, workers=4, closing=True,
             both_cores=True, protocols=WSGI_ONLY),
    Scenario("fastapi_json", "FastAPI, a JSON answer", "fastapi_json:app", protocols=ASGI_ONLY),
    Scenario("ws-echo64", "WebSocket: 64 bytes of text echoed, 64 sockets", "websocket_echo",
             protocols=ASGI_ONLY, kind="websocket", websockets=WebSockets("echo", 64, 64)),
    Scenario("ws-echo64k", "WebSocket: 64 KiB of binary echoed, 64 sockets", "websocket_echo",
             protocols=ASGI_ONLY, kind="websocket", websockets=WebSockets("echo", 64, 65536, "binary")),
    Scenario("ws-broadcast", "WebSocket: 64 bytes of text from one socket to all of 1,000", "websocket_broadcast",
             protocols=ASGI_ONLY, kind="websocket", websockets=WebSockets("broadcast", 1000, 64)),
    Scenario("ws-idle10k", "WebSocket: 10,000 open sockets, nothing sent", "websocket_echo",
             protocols=ASGI_ONLY, kind="sockets", websockets=WebSockets("idle", 10000)),
    Scenario("slow200", "hello for 16 normal clients beside 200 slow ones", "small_and_big", 16, pool=4,
             protocols=APPS, kind="slow", slow=SLOW_200),
    Scenario("tricklers5000", "hello for 16 normal clients beside 5,000 that send a byte every 4 s",
             "small_and_big", 16, pool=4, kind="slow", slow=TRICKLERS_5000),
    Scenario("tls", "hello over TLS, 64 keep-alive connections", protocols=APPS, tls=True),
    Scenario("tls-handshake", "hello over TLS with Connection: close", protocols=APPS, tls=True, closing=True),
    Scenario("h2", "HTTP/2 over TLS: hello, 8 connections with 10 streams each", connections=8, protocols=APPS,
             tls=True, kind="streams", streams=10),
    Scenario("h2-browser", "HTTP/2 over TLS: a browser's request, 8 connections with 10 streams each", connections=8,
             fields=BROWSER_FIELDS, protocols=APPS, tls=True, kind="streams", streams=10),
    Scenario("h2-single", "HTTP/2 over TLS: hello, 8 connections with one stream at a time", connections=8,
             protocols=APPS, tls=True, kind="streams", streams=1),
    Scenario("h2-down1m", "HTTP/2 over TLS: 1 MiB body down", "download", 4, protocols=APPS, tls=True, kind="streams",
             streams=4),
    Scenario("h2-up1m", "HTTP/2 over TLS: 1 MiB up, echoed", "upload", 4, protocols=APPS, tls=True, kind="streams",
             streams=4, upload=1048576),
    Scenario("nginx-http", "behind nginx, which keeps its connections: hello by HTTP", protocols=APPS, front="http"),
    Scenario("nginx-uwsgi", "behind nginx: hello by uwsgi, a connection for each", protocols=APPS, front="uwsgi"),
    Scenario("nginx-fastcgi", "behind nginx, which keeps its connections: hello by FastCGI", protocols=APPS,
             front="fastcgi"),
    Scenario("start", "exec to first answer; memory of master and one worker", kind="start"),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIO_LIST}

#: What is said of a peer that cannot do what a scenario needs.
LACKS = {
    peers.LOG: "has no access log",
    peers.THREAD: "has no threads",
    peers.FORK: "has no worker processes",
    peers.TLS: "is not started with TLS here",
    peers.WEBSOCKET: "has no WebSocket",
    peers.HTTP2: "has no HTTP/2",
    peers.BY_HTTP: "is not put behind nginx here",
    peers.BY_UWSGI: "has no uwsgi",
    peers.BY_FASTCGI: "has no FastCGI",
    peers.FILES: "serves no files",
}
#: What will do instead.
INSTEAD = {peers.THREAD: peers.LOOP}


def reason_against(scenario: Scenario, peer: Peer) -> str | None:
    """Why a peer is not in a scenario; None when it is, empty when there is nothing to say about it."""
    if peer.protocol not in scenario.protocols:
        return ""
    if peer.protocol == "floor":
        return None
    for need, needed in scenario.needs().items():
        if needed and not {need, INSTEAD.get(need)} & peer.can:
            return LACKS[need]
    return None
