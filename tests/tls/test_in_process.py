"""HTTP inside TLS with server and client in this process: every octet in its turn, and no more taken than is meant."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gunicorn.engine.share import Share
from gunicorn.tls.terminator import Terminator
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.system.wire.in_process import House
from tests.tls.conftest import Authority
from tests.tls.test_terminator import options_of

Trusting = Callable[..., ssl.SSLContext]
LARGE = os.urandom(1 << 20) * 4
V1 = b"PROXY TCP4 203.0.113.9 198.51.100.1 1 2\r\n"


def app(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if path == "/stream":
        start_response("200 OK", [])
        return (LARGE[place:place + 50_000] for place in range(0, len(LARGE), 50_000))
    if path == "/pieces":
        start_response("200 OK", [("Content-Length", str(len(LARGE)))])
        return [LARGE[:10], LARGE[10:]]
    if path == "/file":
        start_response("200 OK", [("Content-Length", str(os.path.getsize(environ["QUERY_STRING"])))])
        return environ["wsgi.file_wrapper"](open(environ["QUERY_STRING"], "rb"))
    body = {
        "/large": lambda: LARGE, "/echo": lambda: environ["wsgi.input"].read(),
        "/environ": lambda: f"{environ['wsgi.url_scheme']} {environ['REMOTE_ADDR']} {environ['SSL_PROTOCOL']}".encode(),
    }.get(path, lambda: b"hello")()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class Client(Wire):
    """Speaks TLS over memory, and gives the server a turn when it waits; `most`: octets it takes at once."""

    def __init__(self, house: House, context: ssl.SSLContext, before: bytes = b"", bytewise: bool = False) -> None:
        super().__init__(house.listener.getsockname())
        self.house = house
        self.bytewise = bytewise
        self.most = 65536
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.raw(before)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.raw(self.outgoing.read())
                self.receive(time.monotonic() + self.timeout)
        self.raw(self.outgoing.read())

    def raw(self, octets: bytes) -> None:
        """Octets for the wire, each of them in a turn of its own where that is asked for."""
        for start in range(0, len(octets), 1 if self.bytewise else len(octets) or 1):
            try:
                self.socket.sendall(octets[start:start + (1 if self.bytewise else len(octets))])
            except (BrokenPipeError, ConnectionResetError):
                self.reset = True
                return
            self.house.turn()

    def send(self, data: bytes) -> None:
        # Small enough for the kernel to take in, since nobody reads while this sends.
        for start in range(0, len(data), 10_000):
            self.tls.write(data[start:start + 10_000])
            self.raw(self.outgoing.read())

    def receive(self, end: float) -> bool:
        """Take in octets of the wire; False at the end of the stream."""
        self.socket.setblocking(False)
        try:
            while True:
                self.house.turn()
                try:
                    octets = self.socket.recv(self.most)
                except BlockingIOError:
                    assert time.monotonic() < end, f"nothing more came after {self.buffer[-99:]!r}"
                    continue
                self.incoming.write(octets)
                if not octets:
                    self.incoming.write_eof()
                return bool(octets)
        finally:
            self.socket.settimeout(self.timeout)

    def fill(self, end: float | None = None) -> bool:
        """More content; False when the end was said. Raises `SSLEOFError` where it was not."""
        end = time.monotonic() + self.timeout if end is None else end
        while not self.eof:
            try:
                data = self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.receive(end)
                continue
            except ssl.SSLZeroReturnError:
                data = b""
            self.buffer += data
            self.eof = not data
            return bool(data)
        return False


def ask(path: str, *fields: str, body: bytes = b"", method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *fields, "", "")).encode() + body


@pytest.fixture(scope="module")
def house(pki: Authority) -> Iterator[House]:
    made = House(app, terminator=Terminator(options_of(pki)))
    yield made
    made.close()


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_kept_alive_and_pipelined(house: House, trusting: Trusting, version: ssl.TLSVersion, bytewise: bool) -> None:
    with Client(house, trusting(version=version), bytewise=bytewise) as client:
        for _ in range(3):
            client.send(ask("/"))
            assert client.read_response().body == b"hello"
        client.send(ask("/") * 20)
        for _ in range(20):
            assert client.read_response().body == b"hello"
        client.send(ask("/echo", "Content-Length: 5", body=b"octet", method="POST"))
        assert client.read_response().body == b"octet"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_who_is_accepted_while_requests_are_slow_is_served_in_the_same_turn(
    pki: Authority, trusting: Trusting, version: ssl.TLSVersion
) -> None:
    """And not behind a slow request that is begun in the middle of its handshake."""
    context = trusting(version=version)

    def greet(house: House) -> ssl.SSLSocket:
        sock = socket.create_connection(house.listener.getsockname(), 10)
        sock.setblocking(False)
        tls = context.wrap_socket(sock, server_hostname="localhost", do_handshake_on_connect=False)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        tls.settimeout(10)
        return tls

    def go_on(tls: ssl.SSLSocket, answers: list[bytes]) -> None:
        with tls:
            tls.do_handshake()
            tls.sendall(ask("/"))
            answers.append(tls.recv(1000))

    def one_turn_serves() -> bool:
        """Unless the client is held up, which is waited for no longer than some milliseconds."""
        served: list[str] = []
        answers: list[bytes] = []

        def noting(environ: dict[str, Any], start_response: Any) -> Any:
            served.append(environ["PATH_INFO"])
            return app(environ, start_response)

        house = House(noting, terminator=Terminator(options_of(pki)), share=Share(fair=True))
        house.engine.share.ended(1.0, time.monotonic())
        client = threading.Thread(target=go_on, args=(greet(house), answers))
        client.start()
        try:
            house.turn()
            at_once = bool(served)
            while client.is_alive():
                house.turn()
            assert answers[0].endswith(b"hello")
            return at_once
        finally:
            client.join()
            house.close()

    wait_until(one_turn_serves)


@pytest.mark.parametrize("most", [3000, 65536])
@pytest.mark.parametrize("path", ["/large", "/stream", "/file"])
def test_large_responses(house: House, trusting: Trusting, tmp_path: Path, path: str, most: int) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    with Client(house, trusting()) as client:
        client.most = most
        client.send(ask(f"{path}?{tmp_path}/large") + ask("/"))
        assert client.read_response().body == LARGE
        assert client.read_response().body == b"hello"


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 100_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_come_back(house: House, trusting: Trusting, size: int, chunked: bool) -> None:
    body = LARGE[:size]
    with Client(house, trusting()) as client:
        for _ in range(2):
            if chunked:
                chunks = b"".join(
                    b"%x\r\n%s\r\n" % (len(part), part)
                    for part in (body[place:place + 9999] for place in range(0, size, 9999)))
                client.send(ask("/echo", "Transfer-Encoding: chunked", body=chunks + b"0\r\n\r\n", method="POST"))
            else:
                client.send(ask("/echo", f"Content-Length: {size}", body=body, method="POST"))
            assert client.read_response().body == body


@pytest.mark.parametrize(("path", "body"), [("/", b"hello"), ("/large", LARGE), ("/pieces", LARGE)])
def test_the_end_is_said(house: House, trusting: Trusting, path: str, body: bytes) -> None:
    with Client(house, trusting()) as client:
        client.send(ask(path, "Connection: close"))
        response = client.read_response()
        assert (response.body, response.get("connection")) == (body, "close")
        # Without the farewell this raises.
        client.expect_eof()


def test_a_client_that_says_farewell(house: House, trusting: Trusting) -> None:
    with Client(house, trusting()) as client:
        client.send(ask("/"))
        assert client.read_response().body == b"hello"
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.unwrap()
        client.raw(client.outgoing.read())
        client.expect_eof()


def plain(house: House, octets: bytes) -> bytes:
    """What comes back for octets that are no TLS."""
    with socket.create_connection(house.listener.getsockname()) as wire:
        wire.setblocking(False)
        wire.sendall(octets)
        answer, end = b"", time.monotonic() + 20
        while time.monotonic() < end:
            house.turn()
            try:
                data = wire.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                break
            if not data:
                break
            answer += data
        else:
            raise AssertionError("the connection is not ended")
    return answer


def test_http_without_tls_is_told_so(house: House) -> None:
    answer = plain(house, ask("/"))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"HTTP without TLS" in answer


@pytest.mark.parametrize(
    "octets", [b"\x16\x03\x01\xff\xff" + b"\xff" * 500, b"\x00\x01\x02 what is this\r\n", b"\xff" * 70])
def test_noise_is_closed(house: House, octets: bytes) -> None:
    # An alert at most.
    assert len(plain(house, octets)) < 20


def test_requests_under_asgi(pki: Authority, trusting: Trusting) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        said = f"{scope['scheme']} {scope['extensions']['tls']['tls_version']:#x} ".encode() + message["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said})

    house = House(application, asgi=True, terminator=Terminator(options_of(pki)))
    for bytewise in (False, True):
        with Client(house, trusting(), bytewise=bytewise) as client:
            for _ in range(2):
                client.send(ask("/", "Content-Length: 1", body=b"!", method="POST"))
                assert client.read_response().body == b"https 0x304 !"
    house.close()


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "octet by octet"])
def test_a_proxy_header_comes_before_the_handshake(pki: Authority, trusting: Trusting, bytewise: bool) -> None:
    house = House(app, ("--proxy-protocol", "v1"), terminator=Terminator(options_of(pki)))
    with Client(house, trusting(), V1, bytewise) as client:
        client.send(ask("/environ"))
        assert client.read_response().body == b"https 203.0.113.9 TLSv1.3"
    # One that is wrong is answered in the clear, before any handshake.
    assert plain(house, V1.replace(b"TCP4", b"UDP4")).startswith(b"HTTP/1.1 400 ")
    assert plain(house, b"\x16\x03\x01").startswith(b"HTTP/1.1 400 ")
    house.close()
