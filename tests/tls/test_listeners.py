"""Several listeners with and without TLS, and certificates that change while the server runs."""

from __future__ import annotations

import shutil
import signal
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import Wire
from tests.tls.conftest import ENVIRON, Authority, Client, ports

Trusting = Callable[..., ssl.SSLContext]


def get(port: int, *lines: str) -> object:
    with Wire(("127.0.0.1", port)) as wire:
        wire.send("\r\n".join([*lines, "", ""]).encode())
        return wire.read_response(lines[0].split()[0])


def test_plain_and_tls_side_by_side(serve: Serve, pki: Authority, trusting: Trusting) -> None:
    folder = pki.folder
    server = serve(
        ENVIRON, "-b", "http://127.0.0.1:0",
        "-b", f"https://127.0.0.1:0?certfile={folder}/server.pem&keyfile={folder}/server.key",
        "-b", f"https://127.0.0.1:0?certfile={folder}/both.pem&ssl_minimum_version=TLSv1.3",
        bind=None,
    )
    (plain, port), (first, first_port), (second, second_port) = ports(server, 3)
    assert (plain, first, second) == ("http", "https", "https")
    assert b"HTTPS" not in get(port, "GET /environ HTTP/1.1", "Host: a").body  # type: ignore[attr-defined]
    with Client(first_port, trusting()) as client:
        assert b"HTTPS='on'" in client.get("/environ").body  # type: ignore[attr-defined]
    with Client(second_port, trusting(), "other.test") as client:
        assert client.tls.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        Client(second_port, trusting(version=ssl.TLSVersion.TLSv1_2), "other.test")


def test_http_stays_plain_beside_a_certificate(serve: Serve, pki: Authority, trusting: Trusting) -> None:
    server = serve(
        ENVIRON, "-b", "127.0.0.1:0", "-b", "http://127.0.0.1:0", "--certfile", str(pki.folder / "both.pem"), bind=None
    )
    (first, secure), (second, plain) = ports(server, 2)
    assert (first, second) == ("https", "http")
    assert get(plain, "GET / HTTP/1.1", "Host: a").status == 200  # type: ignore[attr-defined]
    with Client(secure, trusting(), "other.test") as client:
        assert client.get().status == 200  # type: ignore[attr-defined]


REDIRECTS = [
    (["GET /a%20b?c=d&e HTTP/1.1", "Host: example.org"], 308, "https://example.org/a%20b?c=d&e"),
    (["POST / HTTP/1.1", "Host: example.org:8080", "Content-Length: 3", "", "abc"], 308, "https://example.org/"),
    (["GET / HTTP/1.1", "Host: [::1]:80"], 308, "https://[::1]/"),
    (["GET / HTTP/1.1", "Host: [::1]"], 308, "https://[::1]/"),
    (["HEAD /x HTTP/1.1", "Host: a"], 308, "https://a/x"),
    (["OPTIONS * HTTP/1.1", "Host: a"], 308, "https://a/"),
    (["GET http://other.org/y HTTP/1.1", "Host: other.org"], 308, "https://other.org/y"),
    (["GET //evil.org/ HTTP/1.1", "Host: a"], 308, "https://a//evil.org/"),
    (["GET / HTTP/1.0"], 400, None),
]


def test_redirect(serve: Serve, pki: Authority) -> None:
    server = serve(
        ENVIRON, "-b", "http+redirect://127.0.0.1:0", "-b", "http://127.0.0.1:0?redirect=https:8443",
        "--access-logfile", "access.log", bind=None,
    )
    (_, port), (_, other_port) = ports(server, 2)
    for lines, status, location in REDIRECTS:
        response = get(port, *lines)
        assert (response.status, response.get("Location")) == (status, location), lines  # type: ignore[attr-defined]
        response = get(other_port, *lines)
        if location:
            host, slash, rest = location[8:].partition("/")
            assert response.get("Location") == f"https://{host}:8443{slash}{rest}"  # type: ignore[attr-defined]
    def lines() -> list[str]:
        return (server.folder / "access.log").read_text().splitlines()

    # Lines are gathered for a moment.
    wait_until(lambda: len(lines()) >= 2 * len(REDIRECTS))
    assert len(lines()) == 2 * len(REDIRECTS)
    assert '"GET /a%20b?c=d&e HTTP/1.1" 308 ' in lines()[0]
    # Only the one without a host is worth a warning.
    assert server.log().count("[WARNING]") == 2


class TestRenewal:
    @pytest.fixture
    def files(self, pki: Authority, tmp_path: Path) -> Path:
        folder = tmp_path / "certificates"
        folder.mkdir()
        self.install(pki, "server", folder)
        return folder

    @staticmethod
    def install(pki: Authority, name: str, folder: Path) -> None:
        for kind in ("key", "pem"):
            shutil.copy(pki.folder / f"{name}.{kind}", folder / f"new.{kind}")
            (folder / f"new.{kind}").rename(folder / f"live.{kind}")

    @staticmethod
    def start(serve: Serve, files: Path, *args: str) -> Server:
        paths = ["--certfile", str(files / "live.pem"), "--keyfile", str(files / "live.key")]
        return serve(ENVIRON, *paths, "--workers", "2", *args, workers=2)

    @staticmethod
    def shown(server: Server, trusting: Trusting) -> bytes:
        with Client(server, trusting(check=False), None) as client:
            certificate = client.tls.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate

    @staticmethod
    def certificate(pki: Authority, name: str) -> bytes:
        return ssl.PEM_cert_to_DER_cert((pki.folder / f"{name}.pem").read_text())

    def test_new_files_under_load(self, serve: Serve, pki: Authority, trusting: Trusting, files: Path) -> None:
        server = self.start(serve, files)
        port = server.port
        problems: list[BaseException] = []
        counts = [0, 0]
        done = threading.Event()

        def kept_alive() -> None:
            while not done.is_set():
                closing = False
                with Client(port, context) as client:
                    # A worker that was held up for a moment sends its clients to the other one.
                    while not (closing or done.is_set()):
                        response: Any = client.get()
                        assert response.status == 200
                        closing = response.get("Connection") == "close"
                        counts[0] += 1

        def anew() -> None:
            while not done.is_set():
                with Client(port, context) as client:
                    assert client.get().status == 200  # type: ignore[attr-defined]
                counts[1] += 1

        def guarded(load: Callable[[], None]) -> None:
            try:
                load()
            except BaseException as error:
                problems.append(error)

        context = trusting()
        threads = [threading.Thread(target=guarded, args=(load,)) for load in (kept_alive, kept_alive, anew)]
        for thread in threads:
            thread.start()
        try:
            for name in ("rsa", "server", "rsa"):
                self.install(pki, name, files)
                wanted = self.certificate(pki, name)
                # Several in a row: each of the workers has it.
                wait_until(lambda: all(self.shown(server, trusting) == wanted for _ in range(6)))  # noqa: B023
        finally:
            done.set()
            for thread in threads:
                thread.join(PATIENCE)
        assert problems == []
        assert min(counts) > 10
        assert len(server.worker_pids()) == 2
        assert "Certificates were read again" in server.log()

    def test_a_pair_that_does_not_fit_is_not_taken(
        self, serve: Serve, pki: Authority, trusting: Trusting, files: Path
    ) -> None:
        server = self.start(serve, files)
        shutil.copy(pki.folder / "rsa.pem", files / "live.pem")
        server.wait_for_log("The changed certificate was not loaded, .*: .*does not belong", count=2)
        assert self.shown(server, trusting) == self.certificate(pki, "server")
        (files / "live.key").unlink()
        server.wait_for_log("The changed certificate was not loaded, .*No such file", count=2)
        assert self.shown(server, trusting) == self.certificate(pki, "server")
        shutil.copy(pki.folder / "rsa.key", files / "live.key")
        wanted = self.certificate(pki, "rsa")
        wait_until(lambda: all(self.shown(server, trusting) == wanted for _ in range(6)))

    def test_sessions_outlive_a_new_certificate(
        self, serve: Serve, pki: Authority, trusting: Trusting, files: Path
    ) -> None:
        server = self.start(serve, files)
        context = trusting()
        with Client(server, context) as client:
            client.get()
            session = client.tls.session
        self.install(pki, "rsa", files)
        server.wait_for_log("Certificates were read again", count=2)
        with Client(server, context, session=session) as client:
            client.get()
            assert client.tls.session_reused

    def test_hup_takes_another_file_and_refuses_a_wrong_one(
        self, serve: Serve, pki: Authority, trusting: Trusting, files: Path
    ) -> None:
        config = f'certfile = "{pki.folder}/server.pem"\nkeyfile = "{pki.folder}/server.key"\n'
        server = serve(ENVIRON, config=config)
        path = server.folder / "gunicorn.conf.py"
        path.write_text(config.replace("server.", "rsa."))
        server.send_signal(signal.SIGHUP)
        wanted = self.certificate(pki, "rsa")
        wait_until(lambda: self.shown(server, trusting) == wanted)
        path.write_text(config.replace("server.pem", "garbage.pem"))
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("Reload refused.*garbage.pem.*expected a certificate as a PEM file")
        assert self.shown(server, trusting) == wanted


OWN = """
from gevent.pywsgi import WSGIServer
from gunicorn.workers.ggevent import GeventPyWSGIWorker

class Own(GeventPyWSGIWorker):
    server_class = WSGIServer
"""


def test_a_server_of_gevent_minds_the_binds(make_server: Serve, pki: Authority, trusting: Trusting) -> None:
    folder = pki.folder
    server = make_server(
        ENVIRON, "-k", "own.Own", "--sni-cert", f"other.test={folder}/both.pem",
        "-b", f"https://127.0.0.1:0?certfile={folder}/server.pem&keyfile={folder}/server.key",
        "-b", "http+redirect://127.0.0.1:0",
        bind="http://127.0.0.1:0",
    )
    (server.folder / "own.py").write_text(OWN)
    server.start()
    (_, plain), (_, secure), (_, redirect) = ports(server, 3)
    with Wire(("127.0.0.1", plain)) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().status == 200
    for name in ("localhost", "other.test"):
        with Client(secure, trusting(), name) as client:
            assert client.get().status == 200  # type: ignore[attr-defined]
    with Wire(("127.0.0.1", redirect)) as wire:
        wire.send(b"GET /a?b=c HTTP/1.1\r\nHost: here:80\r\n\r\n")
        response = wire.read_response()
        assert (response.status, response.get("location")) == (308, "https://here/a?b=c")


def test_a_guest_refuses_binds_that_it_would_not_mind(make_server: Serve, pki: Authority) -> None:
    """It would speak in the clear where TLS was asked for."""
    bind = f"https://127.0.0.1:0?certfile={pki.folder}/both.pem"
    server = make_server(ENVIRON, "-k", "uvicorn_worker.UvicornWorker", bind=bind).spawn()
    assert server.wait() == 1
    assert "worker_class = uvicorn_worker.UvicornWorker serves all addresses in the same way" in server.log()
