"""From a configuration to what listeners do: who needs TLS, who redirects, and what is said of a guest's own server."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.config import Config
from gunicorn.engine.listener import Listener
from gunicorn.errors import ConfigError
from gunicorn.gateway.wiring import admission_of, forwarded_of, limits_of, response_fields, settings_of
from gunicorn.http.peers import Peers
from gunicorn.tls import entrance
from gunicorn.tls.entrance import prepare


def configured(*arguments: str, **settings: Any) -> Config:
    cfg = Config()
    for name, value in vars(cfg.parser().parse_args(list(arguments))).items():
        if value is not None and name in cfg.settings:
            cfg.set(name, value)
    for name, value in settings.items():
        cfg.set(name, value)
    return cfg


def test_without_tls_nothing_is_made() -> None:
    cfg = configured("-b", "127.0.0.1:0", "-b", "http://127.0.0.1:0")
    prepare(cfg)
    assert cfg.terminators == {}


class Made:
    """A terminator that needs no files."""

    def __init__(self, options: Any, hook: Any, cfg: Any) -> None:
        self.options = options
        self.log: Any = None


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    from gunicorn.tls import terminator

    monkeypatch.setattr(terminator, "Terminator", Made)


BINDS = {
    "all of them": (
        ["--certfile", "c", "--keyfile", "k", "-b", "127.0.0.1:0", "-b", "127.0.0.1:0"],
        [("c", "k", 0), ("c", "k", 0)]),
    "one of them": (
        ["-b", "https://127.0.0.1:0?certfile=c&keyfile=k", "-b", "127.0.0.1:0"], [("c", "k", 0), None]),
    "one is plain all the same": (
        ["--certfile", "c", "--keyfile", "k", "-b", "https://127.0.0.1:0", "-b", "http://127.0.0.1:0"],
        [("c", "k", 0), None]),
    "a key of its own": (
        ["--certfile", "c", "--keyfile", "k", "-b", "https://127.0.0.1:0?keyfile=own"], [("c", "own", 0)]),
    "a certificate of its own, with its key": (
        ["--certfile", "c", "--keyfile", "k", "-b", "https://127.0.0.1:0?certfile=both"], [("both", None, 0)]),
}


@pytest.mark.parametrize("case", BINDS)
def test_which_listener_speaks_tls(made: None, case: str) -> None:
    arguments, expected = BINDS[case]
    cfg = configured(*arguments)
    prepare(cfg)
    sockets = [
        # What the master makes of a bind: a socket that knows what it was made from.
        SimpleNamespace(sock=socket.create_server(("127.0.0.1", 0)), setting=bind.address) for bind in cfg.binds
    ]
    listeners = [Listener(each) for each in sockets]
    log = SimpleNamespace()
    entrance.attach(listeners, sockets, cfg, log)
    found: list[Any] = []
    for listener in listeners:
        terminator = listener.terminator
        if terminator is not None:
            assert terminator.log is log
            terminator = (terminator.options.certfile, terminator.options.keyfile, listener.redirect)
        found.append(terminator)
    for each in sockets:
        each.sock.close()
    assert found == expected


def test_listeners_of_the_same_files_share_them(made: None) -> None:
    cfg = configured("-b", "https://127.0.0.1:0?certfile=a", "-b", "https://127.0.0.1:0?certfile=a",
                     "-b", "https://127.0.0.1:0?certfile=b")
    prepare(cfg)
    assert len(cfg.terminators) == 2


@pytest.mark.parametrize(
    ("arguments", "is_refused"),
    [
        (["-b", "127.0.0.1:0"], False), (["--certfile", "c", "-b", "127.0.0.1:0"], False),
        (["--certfile", "c", "-b", "https://127.0.0.1:0"], False), (["-b", "http://127.0.0.1:0"], False),
        (["--certfile", "c", "-b", "http://127.0.0.1:0"], True), (["-b", "https://127.0.0.1:0?certfile=c"], True),
        (["-b", "127.0.0.1:0", "-b", "https://127.0.0.1:0"], True), (["-b", "http+redirect://127.0.0.1:0"], True),
        (["--certfile", "c", "-b", "https://127.0.0.1:0?keyfile=k"], True),
    ],
)
def test_a_server_that_knows_no_binds(made: None, arguments: list[str], is_refused: bool) -> None:
    """What was meant for TLS must not be served in the clear."""
    cfg = configured(*arguments, worker_class="gevent_pywsgi")
    if is_refused:
        with pytest.raises(ConfigError, match="worker_class = gevent_pywsgi"):
            entrance.check_guest(cfg)
    else:
        entrance.check_guest(cfg)


@pytest.mark.parametrize(
    ("lines", "octets"),
    [
        ([], b""), (["X-A: b"], b"X-A: b\r\n"), (["X-A:b", "Y:  c d "], b"X-A: b\r\nY: c d\r\n"),
        (["X: a:b"], b"X: a:b\r\n"), (["X: \xe9"], b"X: \xe9\r\n"),
    ],
)
def test_response_fields(lines: list[str], octets: bytes) -> None:
    assert response_fields(SimpleNamespace(response_headers=lines)) == octets


def test_what_is_off_is_nothing() -> None:
    assert forwarded_of(configured()) is None
    assert admission_of(configured()) is None
    assert forwarded_of(configured("--forwarded-for", "x-forwarded-for")) is not None
    assert admission_of(configured("--limit-request-queue-time", "1")) is not None


def test_every_limit_and_setting_is_taken_over() -> None:
    cfg = configured(
        "--limit-request-line", "101", "--limit-request-fields", "102", "--limit-request-field_size", "103",
        "--header-map", "refuse", "--forwarder-headers", "A_B,C", "--proxy-protocol", "v2",
        "--permit-obsolete-folding", "--strip-header-spaces", "--permit-unconventional-http-method",
        "--permit-unconventional-http-version", "--casefold-http-method", "--permit-missing-host",
        "--permit-missing-proxy-header", "--keep-alive", "7", "--worker-connections", "55")
    limits, settings = limits_of(cfg), settings_of(cfg)
    assert (limits.request_line, limits.fields, limits.field_size) == (101, 102, 103)
    assert (limits.header_map, limits.forwarder_headers, limits.proxy_protocol) == ("refuse", {"A_B", "C"}, "v2")
    assert limits.permit_obsolete_folding
    assert limits.strip_header_spaces
    assert limits.permit_unconventional_http_method
    assert limits.permit_unconventional_http_version
    assert limits.casefold_http_method
    assert limits.permit_missing_host
    assert limits.permit_missing_proxy_header
    assert not limits.permit_connect
    assert (settings.keepalive, settings.max_connections) == (7.0, 55)
    assert limits_of(configured()).proxy_protocol == "off"


PEERS = [
    ([], ("192.0.2.1", 1), False), (["*"], ("192.0.2.1", 1), True), (["192.0.2.1"], ("192.0.2.1", 1), True),
    (["192.0.2.1"], ("192.0.2.10", 1), False), (["192.0.2.0/24"], ("192.0.2.99", 1), True),
    (["192.0.2.0/24"], ("192.0.3.1", 1), False), (["192.0.2.1/24"], ("192.0.2.99", 1), True),
    (["::1"], ("::1", 1, 0, 0), True), (["2001:db8::/32"], ("2001:db8:1::1", 1, 0, 0), True),
    (["2001:db8::/32"], ("2001:db9::1", 1, 0, 0), False), (["192.0.2.1"], ("::ffff:192.0.2.1", 1, 0, 0), True),
    (["192.0.2.0/24"], ("::ffff:192.0.2.9", 1, 0, 0), True), (["fe80::1"], ("fe80::1%lo", 1, 0, 1), True),
    (["0:0:0:0:0:0:0:1"], ("::1", 1, 0, 0), True), (["192.0.2.1"], ("no address", 1), False),
    # A unix socket's peer has no address; who may connect is for the file's mode to say.
    ([], "", True), ([], b"", True), ([], None, True), (["192.0.2.1"], "/run/a", True),
]


@pytest.mark.parametrize(("allowed", "peer", "expected"), PEERS)
def test_peers(allowed: list[str], peer: Any, expected: bool) -> None:
    peers = Peers(allowed)
    assert peers.allows(peer) == expected
    assert peers.allows(peer) == expected
