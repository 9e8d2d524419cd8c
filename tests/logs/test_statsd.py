"""Metrics, compared with what a StatsD server receives."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gunicorn.config import Config
from gunicorn.instrument.statsd import Statsd
from tests.conftest import Serve
from tests.logs.test_access_format import ENVIRON, REQUEST, RESPONSE, TOOK, config
from tests.support.wait import PATIENCE


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)
        yield server


Make = Callable[..., Statsd]


@pytest.fixture
def logger() -> Iterator[Make]:
    """A factory of loggers."""
    made: list[Statsd] = []

    def make(host: Any, prefix: str = "", tags: str = "") -> Statsd:
        made.append(Statsd(config(statsd_host=host, statsd_prefix=prefix, dogstatsd_tags=tags)))
        return made[-1]

    yield make
    for each in made:
        if each.sock is not None:
            each.sock.close()


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (lambda log: log.gauge("g", 1.5), b"g:1.5|g"),
        (lambda log: log.increment("c", 2), b"c:2|c|@1.0"),
        (lambda log: log.increment("c", 2, 0.5), b"c:2|c|@0.5"),
        (lambda log: log.decrement("c", 2), b"c:-2|c|@1.0"),
        (lambda log: log.timer("t", 3), b"t:3|ms"),
        (lambda log: log.histogram("h", 3), b"h:3|h"),
        (lambda log: log.warning("x"), b"gunicorn.log.warning:1|c|@1.0"),
        (lambda log: log.error("x"), b"gunicorn.log.error:1|c|@1.0"),
        (lambda log: log.critical("x"), b"gunicorn.log.critical:1|c|@1.0"),
        (lambda log: log.exception("x"), b"gunicorn.log.exception:1|c|@1.0"),
        (lambda log: log.info("", extra={"metric": "m", "value": 0, "mtype": "gauge"}), b"m:0|g"),
        (lambda log: log.debug("x", extra={"metric": "m", "value": 4, "mtype": "counter"}), b"m:4|c|@1.0"),
        (lambda log: log.info("x", extra={"metric": "m", "value": 4, "mtype": "histogram"}), b"m:4|h"),
        (lambda log: log.log("info", "x", extra={"metric": "m", "value": 4, "mtype": "timer"}), b"m:4|ms"),
    ],
)
def test_each_kind(logger: Make, udp: socket.socket, call: Callable[[Statsd], None], sent: bytes) -> None:
    call(logger(udp.getsockname()))
    assert udp.recv(1000) == sent


def test_prefix_and_tags(logger: Make, udp: socket.socket) -> None:
    logger(udp.getsockname(), "my.app.", "a:b,c").gauge("g", 1)
    assert udp.recv(1000) == b"my.app.g:1|g|#a:b,c"


def test_a_request(logger: Make, udp: socket.socket) -> None:
    logger(udp.getsockname()).access(RESPONSE, REQUEST, ENVIRON, TOOK)
    assert [udp.recv(1000) for _ in range(3)] == [
        b"gunicorn.request.duration:2034.567|ms",
        b"gunicorn.requests:1|c|@1.0",
        b"gunicorn.request.status.201:1|c|@1.0",
    ]


def test_a_response_without_a_status(logger: Make, udp: socket.socket) -> None:
    """As the access line, it makes do with what a response of somebody else's has."""
    logger(udp.getsockname()).access(object(), REQUEST, ENVIRON, TOOK)
    received = [udp.recv(200) for _ in range(3)]
    assert received[2] == b"gunicorn.request.status.unknown:1|c|@1.0"


def test_ipv6(logger: Make) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.bind(("::1", 0))
        server.settimeout(PATIENCE)
        logger(("::1", server.getsockname()[1])).gauge("g", 1)
        assert server.recv(1000) == b"g:1|g"


def test_unix(logger: Make, tmp_path: Path) -> None:
    path = str(tmp_path / "statsd")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.settimeout(PATIENCE)
        logger(path).gauge("g", 1)
        assert server.recv(1000) == b"g:1|g"


def test_nobody_listens(
    logger: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "statsd"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        log = logger(str(path))
    path.unlink()
    for _ in range(3):
        log.gauge("g", 1)
    assert "Traceback" not in capfd.readouterr().err
    logger(str(tmp_path / "never")).increment("c", 1)


def test_a_server_reports_itself(serve: Serve, udp: socket.socket) -> None:
    host = f"127.0.0.1:{udp.getsockname()[1]}"
    server = serve(
        'def app(e, s):\n    s("200 OK", [("Content-Length", "0")])\n    return []\n',
        "--statsd-host", host, "--statsd-prefix", "p", "--enable-backlog-metric",
    )
    seen: set[bytes] = set()

    def until(prefix: bytes) -> None:
        while not any(datagram.startswith(prefix) for datagram in seen):
            seen.add(udp.recv(1000))

    until(b"p.gunicorn.workers:1|g")
    until(b"p.gunicorn.backlog:0|h")
    server.get()
    until(b"p.gunicorn.request.status.200:1|c")
    server.stop()


def test_without_a_host_it_is_the_log_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """Programs and subclasses make one from a plain configuration."""
    log = Statsd(Config())
    log.increment("anything", 1)
    log.warning("words", extra={"metric": "m", "value": 1, "mtype": "gauge"})
    assert log.sock is None
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("[WARNING] words")
