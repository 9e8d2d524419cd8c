"""The servers that are measured, each as a row: what it speaks and how it is started."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import environment
from benchmarks.environment import (
    APPS,
    BEFORE,
    CERTIFICATE,
    COMPILED,
    FLOOR,
    INCUMBENT,
    KEY,
    PEERS,
    ROOT,
    STATIC,
    python_of,
)
from benchmarks.front import static_nginx


class Launch(NamedTuple):
    """What a scenario wants of a server."""

    port: int
    app: str
    workers: int = 1
    #: 0: the peer's own default
    threads: int = 0
    access_log: str | None = None
    closing: bool = False
    #: Connections that do little but must be accepted and must stay open during the run.
    idle: int = 0
    tls: bool = False
    websocket: bool = False
    http2: bool = False
    #: What nginx in front speaks; empty where there is none.
    front: str = ""
    #: The files of STATIC are served below `/static`.
    static: bool = False


#: Seconds an idle connection is kept, and connections taken, where a scenario holds idle ones.
IDLE_SECONDS, MANY = "120", "20000"

#: What a server may be able to do; "pool" is a worker type that is a pool of threads, however few are asked for,
#: "loop" one that serves many requests in one thread, without `--threads`.
LOG, THREAD, POOL, LOOP, FORK, TLS, WEBSOCKET = "log", "thread", "pool", "loop", "fork", "tls", "websocket"
HTTP2 = "http2"
#: Answers with files itself.
FILES = "files"
#: What a server may speak with nginx.
BY_HTTP, BY_UWSGI, BY_FASTCGI = "by http", "by uwsgi", "by fastcgi"
PROCESSES = frozenset({LOG, FORK, TLS})
THREADS = PROCESSES | {THREAD}
POOLED = THREADS | {POOL}
GREENLETS = PROCESSES | {LOOP}
TASKS = GREENLETS | {WEBSOCKET}
FRONTS = frozenset({BY_HTTP, BY_UWSGI, BY_FASTCGI})

Command = list[str]


class Peer(NamedTuple):
    name: str
    protocol: str
    command: Callable[[Launch], Command]
    can: frozenset[str]
    env: dict[str, str] = {}
    #: The package of the environments it cannot do without.
    package: str = ""


def when(condition: object, *arguments: str) -> list[str]:
    return list(arguments) if condition else []


def tls_files(launch: Launch, certificate: str, key: str) -> list[str]:
    """The options of TLS, under the names a peer has for them."""
    return when(launch.tls, certificate, str(CERTIFICATE), key, str(KEY))


def gunicorn_options(launch: Launch) -> list[str]:
    return [
        *when(launch.front == "uwsgi", "--protocol", "uwsgi"), *when(launch.front, "--keep-alive", "60"),
        "--bind", f"127.0.0.1:{launch.port}", "--workers", str(launch.workers),
        "--threads", str(launch.threads or 1), "--log-level", "warning",
        *when(launch.idle, "--worker-connections", MANY, "--keep-alive", IDLE_SECONDS),
        *when(launch.access_log, "--access-logfile", launch.access_log or ""),
        *tls_files(launch, "--certfile", "--keyfile"),
        *when(launch.http2, "--http-protocols", "h2,h1"),
        *when(launch.static, "--static", f"/static={STATIC}"),
    ]


def ours(*extra: str) -> Callable[[Launch], Command]:
    def command(launch: Launch) -> Command:
        fastcgi = when(launch.front == "fastcgi", "--protocol", "fastcgi")
        return [str(python_of(PEERS)), "-m", "gunicorn", *gunicorn_options(launch), *fastcgi, *extra, launch.app]

    return command


def incumbent(*extra: str) -> Callable[[Launch], Command]:
    def command(launch: Launch) -> Command:
        program = [str(INCUMBENT / "bin" / "gunicorn"), "--no-control-socket"]
        return [*program, *gunicorn_options(launch), *extra, launch.app]

    return command


def floor(launch: Launch) -> Command:
    return [str(FLOOR), str(launch.port), *when(launch.closing, "close")]


def by_script(name: str, threads: int = 1) -> Callable[[Launch], Command]:
    def command(launch: Launch) -> Command:
        script = [str(python_of(PEERS)), str(APPS / "serve.py"), name, launch.app, str(launch.port)]
        return [*script, str(launch.threads or threads)]

    return command


def granian(interface: str) -> Callable[[Launch], Command]:
    def command(launch: Launch) -> Command:
        return [
            str(PEERS / "bin" / "granian"), "--interface", interface, "--host", "127.0.0.1",
            "--port", str(launch.port), "--workers", str(launch.workers), "--runtime-threads", "1",
            "--ws" if launch.websocket else "--no-ws", "--log-level", "error",
            *when(launch.idle, "--backlog", MANY, "--backpressure", MANY),
            *when(interface == "wsgi", "--blocking-threads", str(launch.threads or 1)),
            *when(launch.access_log, "--access-log"),
            *when(launch.static, "--static-path-mount", str(STATIC)),
            *tls_files(launch, "--ssl-certificate", "--ssl-keyfile"), launch.app,
        ]

    return command


def nginx(launch: Launch) -> Command:
    return static_nginx(environment.BENCH / "nginx", launch.port, STATIC)


def whitenoise(launch: Launch) -> Command:
    """The middleware, on our server."""
    return ours()(launch._replace(app="static_whitenoise:app", static=False))


def uvicorn(launch: Launch) -> Command:
    return [
        str(PEERS / "bin" / "uvicorn"), "--host", "127.0.0.1", "--port", str(launch.port), "--loop", "uvloop",
        "--http", "httptools", "--workers", str(launch.workers), "--ws", "websockets-sansio",
        *when(launch.idle, "--timeout-keep-alive", IDLE_SECONDS),
        *(["--log-level", "info"] if launch.access_log else ["--no-access-log", "--log-level", "warning"]),
        *tls_files(launch, "--ssl-certfile", "--ssl-keyfile"), launch.app,
    ]


def hypercorn(launch: Launch) -> Command:
    return [
        str(PEERS / "bin" / "hypercorn"), "--bind", f"127.0.0.1:{launch.port}", "--worker-class", "uvloop",
        "--workers", str(launch.workers), "--log-level", "WARNING",
        *when(launch.idle, "--keep-alive", IDLE_SECONDS),
        *when(launch.access_log, "--access-logfile", launch.access_log or ""),
        *tls_files(launch, "--certfile", "--keyfile"), launch.app,
    ]


def socketify(launch: Launch) -> Command:
    return [
        str(python_of(PEERS)), "-m", "socketify", launch.app, "--interface", "asgi", "--host", "127.0.0.1",
        "--port", str(launch.port), "--workers", str(launch.workers),
        "--ws", "auto" if launch.websocket else "none",
        *tls_files(launch, "--ssl-certfile", "--ssl-keyfile"),
    ]


def waitress(launch: Launch) -> Command:
    return [
        str(PEERS / "bin" / "waitress-serve"), f"--listen=127.0.0.1:{launch.port}",
        f"--threads={launch.threads or 4}", *when(launch.idle, f"--connection-limit={MANY}"), launch.app,
    ]


def uwsgi(launch: Launch) -> Command:
    module, _, name = launch.app.partition(":")
    socket = {"uwsgi": "--uwsgi-socket", "fastcgi": "--fastcgi-socket"}.get(launch.front, "--http11-socket")
    return [
        str(PEERS / "bin" / "uwsgi"), socket, f"127.0.0.1:{launch.port}", "--listen", "128",
        "--module", module, "--callable", name, "--need-app", "--master", "--die-on-term",
        "--processes", str(launch.workers), *when(launch.threads > 1, "--threads", str(launch.threads)),
        *(["--logto", launch.access_log] if launch.access_log else ["--disable-logging"]),
    ]


COMPILED_TREE = {"PYTHONPATH": str(COMPILED)}
BEFORE_TREE = {"PYTHONPATH": str(BEFORE)}
PURE_TREE = {"PYTHONPATH": str(ROOT), "GUNICORN_PURE": "1"}


def our(suffix: str, protocol: str, can: frozenset[str], *extra: str, package: str = "") -> Peer:
    return Peer(f"us{suffix}", protocol, ours(*extra), can | {HTTP2, FILES} | FRONTS, COMPILED_TREE, package)


def old(suffix: str, protocol: str, can: frozenset[str], *extra: str, package: str = "incumbent") -> Peer:
    """The incumbent, with its C parser where the worker type can have it."""
    return Peer(
        f"incumbent{suffix}", protocol, incumbent(*extra, "--http-parser", "fast"), can | {BY_HTTP, BY_UWSGI},
        package=package,
    )


NOTHING: frozenset[str] = frozenset()

PEER_LIST = (
    Peer("floor", "floor", floor, NOTHING),
    our("", "wsgi", THREADS),
    Peer("us-pure", "wsgi", ours(), THREADS | {HTTP2, FILES}, PURE_TREE),
    our("-gthread", "wsgi", POOLED, "--worker-class", "gthread"),
    Peer("fastwsgi", "wsgi", by_script("fastwsgi"), NOTHING, package="fastwsgi"),
    Peer("bjoern", "wsgi", by_script("bjoern"), NOTHING, package="bjoern"),
    Peer("granian", "wsgi", granian("wsgi"), POOLED | {HTTP2, FILES}, package="granian"),
    Peer("uwsgi", "wsgi", uwsgi, THREADS - {TLS} | FRONTS, package="uwsgi"),
    Peer("cheroot", "wsgi", by_script("cheroot", 10), frozenset({THREAD, POOL}), package="cheroot"),
    Peer("waitress", "wsgi", waitress, frozenset({THREAD, POOL}), package="waitress"),
    old("", "wsgi", POOLED | {HTTP2}, "--worker-class", "gthread"),
    old("-sync", "wsgi", PROCESSES, "--worker-class", "sync"),
    our("-gevent", "wsgi", GREENLETS, "--worker-class", "gevent", package="gevent"),
    our("-eventlet", "wsgi", GREENLETS, "--worker-class", "eventlet", package="eventlet"),
    our("-tornado", "wsgi", GREENLETS, "--worker-class", "tornado", package="tornado"),
    old("-gevent", "wsgi", GREENLETS, "--worker-class", "gevent", package="incumbent's gevent"),
    old("-tornado", "wsgi", GREENLETS, "--worker-class", "tornado", package="incumbent's tornado"),
    our("-asgi", "asgi", TASKS, "--worker-class", "asgi", "--asgi-loop", "asyncio"),
    our("-uvloop", "asgi", TASKS, "--worker-class", "asgi", "--asgi-loop", "uvloop"),
    Peer("granian-asgi", "asgi", granian("asgi"), TASKS | {HTTP2}, package="granian"),
    Peer("socketify", "asgi", socketify, TASKS - {LOG}, package="socketify"),
    Peer("uvicorn", "asgi", uvicorn, TASKS, package="uvicorn"),
    Peer("hypercorn", "asgi", hypercorn, TASKS | {HTTP2}, package="hypercorn"),
    old("-asgi", "asgi", TASKS | {HTTP2}, "--worker-class", "asgi", "--asgi-loop", "uvloop",
        package="incumbent's uvloop"),
    # Of files alone.
    Peer("nginx", "files", nginx, frozenset({FILES})),
    Peer("whitenoise", "files", whitenoise, frozenset({FILES}), COMPILED_TREE, package="whitenoise"),
    # The revision that `--before` names; in no group.
    Peer("before", "wsgi", ours(), THREADS, BEFORE_TREE),
    Peer("before-asgi", "asgi", ours("--worker-class", "asgi", "--asgi-loop", "asyncio"), TASKS, BEFORE_TREE),
)
BY_NAME = {peer.name: peer for peer in PEER_LIST}

#: Worker types that are beside the point of a comparison of servers, so "wsgi" leaves them out.
FURTHER_WORKERS = ("us-gevent", "us-eventlet", "us-tornado", "incumbent-gevent", "incumbent-tornado")
BEFORE_NAMES = ("before", "before-asgi")
GROUPS: dict[str, tuple[str, ...]] = {
    "all": tuple(name for name in BY_NAME if name not in BEFORE_NAMES),
    "wsgi": tuple(
        peer.name
        for peer in PEER_LIST
        if peer.protocol in ("floor", "wsgi") and peer.name not in (*FURTHER_WORKERS, *BEFORE_NAMES)
    ),
    "asgi": tuple(
        peer.name for peer in PEER_LIST if peer.protocol in ("floor", "asgi") and peer.name not in BEFORE_NAMES
    ),
    "files": ("nginx", "us", "us-gthread", "us-asgi", "granian", "whitenoise"),
    "workers": ("floor", "us", "us-gthread", "incumbent-sync", "incumbent", *FURTHER_WORKERS),
}


def chosen(text: str) -> list[Peer]:
    """Peers by the names of peers and groups, comma separated; raises KeyError for an unknown one."""
    names = ["floor"]
    for name in text.split(","):
        names += [each for each in GROUPS.get(name, (name,)) if each not in names]
    return [BY_NAME[name] for name in names]


def environment_of(peer: Peer) -> dict[str, str]:
    """The process environment of a peer: nothing of ours leaks into it but what its row says."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("GUNICORN_", "PYTHON"))}
    inherited["BENCH_FILE"] = str(environment.FILE)
    return inherited | peer.env
