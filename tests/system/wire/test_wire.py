"""Every specimen of the wire table against a real server, under WSGI and under ASGI: the octets decide.

Octet by octet and with a request behind they are sent in test_in_process.py, where each octet is certainly read by
itself; here that is done with what steers a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.support.wire import Response, Wire
from tests.system.wire import bodies, requests
from tests.system.wire.cases import CLOSE, KEEP, TAIL, VARIANTS, Case
from tests.workers.kinds import KINDS, PARAMS

APPLICATIONS = {
    "wsgi": (Path(__file__).with_name("echo.py").read_text(), ()),
    "asgi": (Path(__file__).with_name("asgi_echo.py").read_text(), ("--worker-class", "asgi")),
}
#: What an ASGI application has no word for, or names otherwise.
WSGI_ONLY = {
    "RAW_URI", "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "wsgi.input_terminated", "wsgi.multiprocess",
    "wsgi.multithread", "wsgi.run_once", "wsgi.version", "SERVER_SOFTWARE", "wsgi.early_hints",
}
TABLES = {
    "target": requests.TARGETS,
    "method": requests.METHODS,
    "version": requests.VERSIONS,
    "line-end": requests.LINE_ENDS,
    "field": requests.FIELDS,
    "host": requests.HOSTS,
    "limit": requests.LIMITS,
    "connection": requests.CONNECTION,
    "map": requests.HEADER_MAP,
    "scheme": requests.SCHEME,
    "environ": requests.BASIC_ENVIRON,
    "length": bodies.CONTENT_LENGTH,
    "coding": bodies.TRANSFER_ENCODING,
    "chunk": bodies.CHUNKS,
    "expect": bodies.EXPECT,
    "answer": bodies.ANSWERS,
    "proxy": bodies.PROXY,
}
CASES = [
    pytest.param(case, id=f"{table}:{case.name}")
    for table, cases in TABLES.items()
    for case in sorted(cases, key=lambda case: case.variant)
]
#: What decides where a request ends, and whether another one follows.
STEERING = [
    pytest.param(case, id=f"{table}:{case.name}") for table in ("connection", "length", "expect")
    for case in sorted(TABLES[table], key=lambda case: case.variant)
]
#: Variants that a worker on our own engine might spoil by itself. The others end in the parser that all of them make
#: in the same way; a real server has all of them under WSGI, the engine in this process under both interfaces.
OF_THE_ENGINE = ("default", "untrusted", "no-keepalive", "proxy-auto")
#: They bring a server, and a parser for each request, of their own.
GUESTS = ("gevent_pywsgi", "tornado")
Servers = Callable[[str], Server]


@pytest.fixture(scope="module", params=APPLICATIONS)
def interface(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def servers(interface: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers by variant, each started when the first specimen asks for it."""
    running: dict[str, Server] = {}
    application, arguments = APPLICATIONS[interface]

    def server(variant: str) -> Server:
        if variant not in running:
            folder = tmp_path_factory.mktemp(variant)
            running[variant] = Server(folder, application, *arguments, *VARIANTS[variant], expect_traceback=True)
            running[variant].start()
        return running[variant]

    yield server
    try:
        for each in running.values():
            assert each.stop() == 0
    finally:
        for each in running.values():
            each.kill()


def test_names_are_unique() -> None:
    for table, cases in TABLES.items():
        names = [case.name for case in cases]
        assert len(names) == len(set(names)), (table, sorted(name for name in names if names.count(name) > 1))


@pytest.mark.parametrize("interface", ["wsgi"], indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_whole(case: Case, servers: Servers) -> None:
    send_whole(case, servers)


@pytest.mark.parametrize("interface", ["asgi"], indirect=True)
@pytest.mark.parametrize("case", [each for each in CASES if each.values[0].variant in OF_THE_ENGINE])  # type: ignore[union-attr]
def test_whole_under_asgi(case: Case, servers: Servers) -> None:
    send_whole(case, servers)


def send_whole(case: Case, servers: Servers) -> None:
    with servers(case.variant).connect() as wire:
        wire.send(case.data)
        check(case, wire.read_response(case.method))
        check_fate(case, wire)


@pytest.mark.parametrize("case", STEERING)
def test_byte_by_byte(case: Case, servers: Servers) -> None:
    with servers(case.variant).connect() as wire:
        wire.send_bytewise(case.data)
        check(case, wire.read_response(case.method))
        check_fate(case, wire)


@pytest.mark.parametrize("case", STEERING)
def test_with_a_request_behind(case: Case, servers: Servers) -> None:
    with servers(case.variant).connect() as wire:
        wire.send(case.data + TAIL)
        check(case, wire.read_response(case.method))
        if case.fate == KEEP:
            check_tail(wire)
        else:
            wire.expect_eof()


@pytest.mark.parametrize("kind", [each for each in PARAMS if each != "sync"])
def test_every_worker_type_reads_the_same(kind: str, tmp_path: Path) -> None:
    """The table once more, with the other ways to run a WSGI application; a server a variant, four at a time."""
    variants = VARIANTS if kind in GUESTS else OF_THE_ENGINE

    def of_variant(variant: str) -> list[str]:
        server = Server(tmp_path / variant, APPLICATIONS["wsgi"][0], *KINDS[kind], *VARIANTS[variant],
                        expect_traceback=True)
        try:
            server.start()
            wrong = [problem for each in CASES if (problem := problem_of(each.values[0], variant, server))]  # type: ignore[arg-type]
            assert server.stop() == 0
        finally:
            server.kill()
        return wrong

    with ThreadPoolExecutor(4) as pool:
        assert [problem for wrong in pool.map(of_variant, variants) for problem in wrong] == []


def problem_of(case: Case, variant: str, server: Server) -> str:
    """What is wrong with the answer to a specimen; empty when nothing is, or when it belongs to another variant."""
    if case.variant != variant:
        return ""
    case = case._replace(env={key: value for key, value in case.env.items() if key != "wsgi.multithread"})
    try:
        with server.connect() as wire:
            wire.send(case.data)
            check(case, wire.read_response(case.method))
            check_fate(case, wire)
    except AssertionError as error:
        return f"{case.name}: {error}"
    return ""


def check(case: Case, response: Response) -> None:
    assert response.status == case.status, (case, response)
    if not ("continue" in case.name and response.interim):
        assert tuple(each.status for each in response.interim) == case.interim
    for name, value in case.fields.items():
        assert response.get(name) == value, (name, response)
    if case.answer is not None:
        assert response.body == case.answer
    if case.status >= 400 and case.fate == CLOSE:
        assert response.get("Connection") == "close", response
    if case.env or case.absent or case.body is not None:
        check_seen(case, response)


def check_seen(case: Case, response: Response) -> None:
    seen = response.json()
    env = case.env if "wsgi.version" in seen["environ"] else told_by_asgi(case)
    assert {key: seen["environ"].get(key) for key in env} == env
    assert [key for key in case.absent if key in seen["environ"]] == []
    if case.body is not None:
        assert seen["body"].encode("latin-1") == case.body


def told_by_asgi(case: Case) -> dict[str, object]:
    """Fields as they came, a path of characters, and none of the variables a trusted proxy may set."""
    env = case.env
    told = {key: value for key, value in env.items() if key not in WSGI_ONLY}
    path = str(env.get("PATH_INFO", ""))
    if "SCRIPT_NAME" in env or path.encode("latin-1").decode(errors="replace").count("\N{REPLACEMENT CHARACTER}"):
        told.pop("PATH_INFO", None)
    if b"Transfer-Encoding: chunked" in case.data:
        # A WSGI application is told the length that was read, which is not known here.
        told.pop("CONTENT_LENGTH", None)
    return told


def check_fate(case: Case, wire: Wire) -> None:
    if case.fate == CLOSE:
        wire.expect_eof()
    else:
        wire.send(TAIL)
        check_tail(wire)


def check_tail(wire: Wire) -> None:
    tail = wire.read_response()
    assert tail.status == 200, tail
    assert tail.json()["environ"]["PATH_INFO"] == "/tail"
