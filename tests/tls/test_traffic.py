"""HTTP inside TLS: bodies of every size, slow and silent clients, ends of connections."""

from __future__ import annotations

import os
import resource
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until
from tests.system.test_slow_clients import connections_of
from tests.tls.conftest import ENVIRON, Authority, Client, raw
from tests.workers.kinds import KINDS

Trusting = Callable[..., ssl.SSLContext]
Start = Callable[..., Server]
SIZE = 256 * 65536
WORKERS = pytest.mark.parametrize("worker", [[], ["--threads", "3"]], ids=["sync", "gthread"])
ALL = pytest.mark.parametrize("worker", KINDS.values(), ids=KINDS)


def of_two_names(worker: tuple[str, ...], pki: Authority) -> tuple[str, ...]:
    """Arguments of a server with a certificate for another name, too."""
    return (*worker, "--sni-cert", f"other.test={pki.folder}/both.pem")


@ALL
def test_kept_alive_and_pipelined(
    shared_server: Start, trusting: Trusting, pki: Authority, worker: tuple[str, ...]
) -> None:
    server = shared_server(*of_two_names(worker, pki))
    for name in ("localhost", "other.test"):
        # The handshake checks that the certificate is the one for this name.
        with Client(server, trusting(), name) as client:
            assert f"SSL_TLS_SNI='{name}'".encode() in client.get("/environ").body  # type: ignore[attr-defined]
    with Client(server, trusting()) as client:
        for _ in range(3):
            assert client.get().body == b"Hello, World!"  # type: ignore[attr-defined]
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        for _ in range(20):
            assert client.read_response().body == b"Hello, World!"


@ALL
@pytest.mark.parametrize("path", ["/big", "/stream", "/file"])
def test_large_responses(
    shared_server: Start, trusting: Trusting, pki: Authority, worker: tuple[str, ...], path: str
) -> None:
    server = shared_server(*of_two_names(worker, pki))
    content = os.urandom(1 << 20) * 5
    (server.folder / "big.bin").write_bytes(content)
    with Client(server, trusting()) as client:
        for _ in range(2):
            body = client.get(path).body  # type: ignore[attr-defined]
            assert body == (content if path == "/file" else b"x" * SIZE)


@WORKERS
@pytest.mark.parametrize("buffering", [[], ["--no-buffer-request-body"]], ids=["buffered", "streamed"])
def test_large_bodies_come_back(
    tls_server: Start, trusting: Trusting, worker: list[str], buffering: list[str]
) -> None:
    server = tls_server(*worker, *buffering)
    body = os.urandom(65536) * 64
    with Client(server, trusting()) as client:
        for _ in range(2):
            head = f"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            client.send(head + body)
            assert client.read_response().body == body


def test_records_of_one_byte(shared_server: Start, trusting: Trusting) -> None:
    with Client(shared_server(), trusting()) as client:
        client.send_bytewise(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
        assert client.read_response().body == b"hello"


def test_octets_of_the_wire_one_at_a_time(shared_server: Start, trusting: Trusting) -> None:
    server = shared_server()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with raw(server.port) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def drive(step: Callable[[], object]) -> object:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    trickle()
                    incoming.write(wire.recv(65536))

        def trickle() -> None:
            data = outgoing.read()
            for place in range(len(data)):
                wire.sendall(data[place:place + 1])

        drive(tls.do_handshake)
        tls.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while b"World!" not in answer:
            answer += drive(lambda: tls.read(65536))  # type: ignore[operator]
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_slow_reader_holds_nobody(tls_server: Start, trusting: Trusting) -> None:
    server = tls_server()
    with ExitStack() as stack:
        slow = [stack.enter_context(Client(server, trusting(), timeout=PATIENCE)) for _ in range(5)]
        for client in slow:
            client.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        quick = stack.enter_context(Client(server, trusting()))
        for _ in range(10):
            assert quick.get().body == b"Hello, World!"  # type: ignore[attr-defined]
        for client in slow:
            assert len(client.read_response().body) == SIZE


def test_silent_and_trickling_handshakes_hold_nobody(tls_server: Start, trusting: Trusting) -> None:
    # With the one nobody is let go while the test lasts; the other lets them go.
    server, strict = tls_server("--header-timeout", "600"), tls_server("--header-timeout", "2")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    outgoing = ssl.MemoryBIO()
    tls = trusting().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()

    def crowd(server: Server, stack: ExitStack) -> tuple[list[socket.socket], list[socket.socket]]:
        silent = [stack.enter_context(raw(server.port)) for _ in range(200)]
        halves = [stack.enter_context(raw(server.port)) for _ in range(50)]
        for half in halves:
            half.sendall(hello[:100])
        mute = [stack.enter_context(raw(server.port)) for _ in range(50)]
        for one in mute:
            # These hear the server's half of the handshake and never answer.
            one.sendall(hello)
        return silent + halves, mute

    with ExitStack() as stack:
        crowd(server, stack)
        context = trusting()
        for _ in range(20):
            with Client(server, context) as client:
                assert client.get().body == b"Hello, World!"  # type: ignore[attr-defined]
    with ExitStack() as stack:
        silent, mute = crowd(strict, stack)
        for one in silent:
            assert one.recv(1) == b""
        for one in mute:
            while one.recv(65536):
                pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


V1 = b"PROXY TCP4 198.51.100.7 203.0.113.9 4711 443\r\n"
V2 = b"\r\n\r\n\x00\r\nQUIT\n" + bytes([0x21, 0x11, 0, 12, 198, 51, 100, 7, 203, 0, 113, 9, 0x12, 0x67, 1, 187])


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
def test_the_proxy_header_comes_before_the_handshake(header: bytes, tls_server: Start, trusting: Trusting) -> None:
    server = tls_server("--proxy-protocol", "auto")
    outgoing, incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    # Alone, in pieces, and together with the first octets of TLS.
    for pieces in ([header, b""], [header[:5], header[5:]], [header[:-1], header[-1:] + hello[:1]], [header + hello]):
        with raw(server.port) as wire:
            for piece in pieces:
                wire.sendall(piece)
            wire.sendall(hello[max(0, sum(map(len, pieces)) - len(header)):])
            # The server's half of the handshake.
            assert wire.recv(3)[:2] == b"\x16\x03"
    with raw(server.port) as wire:
        wire.sendall(header)
        with trusting().wrap_socket(wire, server_hostname="localhost") as secure:
            secure.sendall(b"GET /environ HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: secure.recv(65536), b""))
    assert b"REMOTE_ADDR='198.51.100.7'\n" in answer
    assert b"REMOTE_PORT='4711'\n" in answer
    assert b"wsgi.url_scheme='https'" in answer


def test_tls_without_the_proxy_header(tls_server: Start, trusting: Trusting) -> None:
    server = tls_server("--proxy-protocol", "auto")
    with pytest.raises((ssl.SSLError, OSError)):
        Client(server, trusting())
    server.wait_for_log("PROXY header missing")
    with raw(server.port) as wire:
        wire.sendall(V1.replace(b"TCP4", b"UDP4"))
        assert b"".join(iter(lambda: wire.recv(65536), b"")).startswith(b"HTTP/1.1 400 ")
    both = tls_server("--proxy-protocol", "auto", "--permit-missing-proxy-header")
    with Client(both, trusting()) as client:
        assert b"REMOTE_ADDR='127.0.0.1'" in client.get("/environ").body  # type: ignore[attr-defined]


def test_plain_http_is_told_so(shared_server: Start) -> None:
    server = shared_server()
    with raw(server.port) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: plain.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"HTTP without TLS" in answer


def test_noise_is_closed(shared_server: Start) -> None:
    server = shared_server()
    with raw(server.port) as wire:
        wire.sendall(b"\x16\x03\x01\xff\xff" + b"\xff" * 500)
        wire.settimeout(PATIENCE)
        assert len(b"".join(iter(lambda: wire.recv(65536), b""))) < 20
    with raw(server.port) as wire:
        wire.sendall(b"\x00\x01\x02 what is this\r\n")
        assert len(b"".join(iter(lambda: wire.recv(65536), b""))) < 20


def test_the_end_is_said(shared_server: Start, trusting: Trusting) -> None:
    """Without the farewell Python's client would raise on a stream that ends."""
    context = trusting()
    with Client(shared_server(), context) as client:
        client.tls.suppress_ragged_eofs = False
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.read_response().body == b"Hello, World!"
        assert client.tls.recv(1) == b""


#: Where the answer is known to be followed by nothing but the end, when it is sent.
ENDS_AT_ONCE = ("sync", "gevent", "eventlet")


@pytest.mark.parametrize("kind", ENDS_AT_ONCE)
def test_an_answer_and_the_end_come_together(shared_server: Start, trusting: Trusting, kind: str) -> None:
    """A client that is woken by the answer has all of it: the content, TLS' farewell and the end of the stream."""
    with raw(shared_server(*KINDS[kind]).port) as wire:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting().wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.sendall(outgoing.read())
                incoming.write(wire.recv(65536))
        tls.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        wire.sendall(outgoing.read())
        incoming.write(wire.recv(65536))
        assert tls.read(65536).endswith(b"Hello, World!")
        assert tls.read(1) == b"", "the farewell is in the same segment"
        assert wire.recv(1) == b""


def test_an_idle_connection_ends_with_a_farewell(tls_server: Start, trusting: Trusting) -> None:
    with Client(tls_server("--keep-alive", "1"), trusting()) as client:
        client.tls.suppress_ragged_eofs = False
        client.get()
        assert client.tls.recv(1) == b""


def test_a_response_cut_short_is_no_whole_one(tls_server: Start, trusting: Trusting) -> None:
    server = tls_server(expect_traceback=True)
    with Client(server, trusting()) as client:
        client.tls.suppress_ragged_eofs = False
        client.send(b"GET /breaks HTTP/1.0\r\n\r\n")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            while client.tls.recv(65536):
                pass


def test_a_client_that_says_farewell_counts_as_gone(tls_server: Start, trusting: Trusting) -> None:
    app = """
    import time

    def app(environ, start_response):
        start_response("200 OK", [])
        yield b"begun"
        end = time.monotonic() + 60
        while time.monotonic() < end and not environ["gunicorn.client_disconnected"]():
            time.sleep(0.01)
        with open("seen", "w") as file:
            file.write("gone" if time.monotonic() < end else "there")
    """
    server = tls_server(app=app)
    with Client(server, trusting()) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.tls.recv(65536)
        assert not (server.folder / "seen").exists()
        # The farewell alone, the connection stays open.
        with pytest.raises((ssl.SSLWantReadError, TimeoutError, ssl.SSLError)):
            client.tls.settimeout(0.05)
            client.tls.unwrap()
        wait_until(lambda: (server.folder / "seen").exists() and (server.folder / "seen").read_text() == "gone")


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent", "asgi"])
def test_threads_that_ask_for_the_client_lose_none_of_its_octets(
    kind: str, tls_server: Start, trusting: Trusting
) -> None:
    """What such a thread reads of the next request, while it looks for the farewell of TLS, must reach the engine."""
    app = """
    import threading, time

    def ask(disconnected):
        while True:
            disconnected()
            # Under gevent a thread is a greenlet, which has to let others run.
            time.sleep(0)

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/keep":
            thread = threading.Thread(target=ask, args=(environ["gunicorn.client_disconnected"],), daemon=True)
            thread.start()
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    """
    server = tls_server("-k", kind, "--threads", "4", "--graceful-timeout", "1", app=app)
    with Client(server, trusting()) as client:
        for number in range(300):
            path, body = ("/keep" if number == 10 else "/"), b"x" * (number * 7)
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            client.send(head.encode() + body)
            assert client.read_response().body == body


def test_the_application_takes_the_socket_over(tls_server: Start, trusting: Trusting) -> None:
    app = """
    def app(environ, start_response):
        connection = environ["gunicorn.socket"]
        connection.sendall(b"HTTP/1.1 101 Switching\\r\\n\\r\\n")
        lines = connection.makefile("rwb")
        for line in iter(lines.readline, b"quit\\n"):
            lines.write(line.upper())
            lines.flush()
        return []
    """
    with Client(tls_server(app=app), trusting()) as client:
        # The first line comes in one record with the request.
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nfirst\n")
        client.read_response()
        client.send(b"second\nquit\n")
        assert client.read_until_eof() == b"FIRST\nSECOND\n"


def test_memory_of_a_connection_is_given_back(tls_server: Start, trusting: Trusting) -> None:
    server = tls_server("--worker-connections", "4000")

    def descriptors() -> int:
        return len(os.listdir(f"/proc/{server.worker_pids()[0]}/fd"))

    context = trusting()
    # A worker that has answered has all the descriptors it is going to have.
    with Client(server, context) as client:
        client.get()
    wait_until(lambda: connections_of(server) == 0, what="the first connection's end")
    before = descriptors()
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(Client(server, context)).get()
    wait_until(lambda: descriptors() == before, what="descriptors are given back")


def test_a_unix_socket(tls_server: Start, trusting: Trusting) -> None:
    server = tls_server(app=ENVIRON, bind="unix:tls.sock")
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(str(server.folder / "tls.sock"))
        with trusting().wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"Hello" in b"".join(iter(lambda: tls.recv(65536), b""))
