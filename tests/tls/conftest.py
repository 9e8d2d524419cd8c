"""A small world of certificates, made once by the openssl command, and clients that use them."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.proxies import need
from tests.support.server import Server
from tests.support.wait import PATIENCE
from tests.support.wire import Wire

ENVIRON = """
import os

BLOCK = b"x" * 65536

def app(environ, start_response):
    path = environ["PATH_INFO"]
    fields = [("X-Pid", str(os.getpid()))]
    if path == "/environ":
        names = sorted(n for n in environ if n.startswith(("SSL_", "HTTPS", "wsgi.url_scheme", "REMOTE_", "SERVER_")))
        body = "".join(f"{n}={environ[n]!r}\\n" for n in names).encode()
    elif path == "/big":
        start_response("200 OK", [("Content-Length", str(len(BLOCK) * 256))])
        return [BLOCK * 256]
    elif path == "/stream":
        start_response("200 OK", [])
        return (BLOCK for _ in range(256))
    elif path == "/file":
        start_response("200 OK", [("Content-Length", str(os.stat("big.bin").st_size))])
        return environ["wsgi.file_wrapper"](open("big.bin", "rb"))
    elif path == "/echo":
        start_response("200 OK", [])
        return iter(lambda: environ["wsgi.input"].read(50000), b"")
    elif path == "/breaks":
        def broken():
            yield b"some"
            raise RuntimeError("on purpose")
        start_response("200 OK", [])
        return broken()
    elif path == "/socket":
        view = environ["gunicorn.socket"]
        body = repr((view.version(), view.getpeercert(), view.getsockname()[1] > 0)).encode()
    else:
        body = b"Hello, World!"
    start_response("200 OK", [*fields, ("Content-Length", str(len(body)))])
    return [body]
"""


def openssl(folder: Path, *args: str) -> str:
    done = subprocess.run([need("openssl"), *args], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Authority:
    """Issues certificates into a folder: ``NAME.pem`` and ``NAME.key``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        openssl(folder, *self._new("ca"), "-x509", "-days", "30", "-subj", "/O=Test/CN=Test CA", "-out", "ca.pem",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                "-addext", "subjectKeyIdentifier=hash")

    @staticmethod
    def _new(name: str, kind: str = "ec") -> list[str]:
        key = ["-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-pkeyopt", "rsa_keygen_bits:2048"]
        return ["req", "-newkey", kind, *key, "-nodes", "-keyout", f"{name}.key"]

    def issue(self, name: str, *names: str, subject: str | None = None, client: bool = False, kind: str = "ec") -> Path:
        """A certificate for the DNS names; returns the certificate's file."""
        folder = self.folder
        openssl(folder, *self._new(name, kind), "-utf8", "-subj", subject or f"/CN={names[0]}", "-out", f"{name}.csr")
        lines = [
            "basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature",
            f"extendedKeyUsage={'clientAuth' if client else 'serverAuth'}",
            "authorityKeyIdentifier=keyid", "subjectKeyIdentifier=hash",
        ]
        if names:
            lines.append("subjectAltName=" + ",".join(f"DNS:{n}" for n in names))
        (folder / f"{name}.ext").write_text("\n".join(lines))
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "30", "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        return folder / f"{name}.pem"


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("pki"))
    authority.issue("server", "localhost")
    authority.issue("rsa", "localhost", kind="rsa")
    authority.issue("other", "other.test")
    authority.issue("wild", "*.wild.test")
    authority.issue("client", subject="/C=DE/O=Makers, Inc/OU=One/OU=Two/CN=Zoë", client=True)
    folder = authority.folder
    openssl(folder, "pkey", "-in", "server.key", "-aes256", "-passout", "pass:sesame", "-out", "locked.key")
    (folder / "both.pem").write_text((folder / "other.pem").read_text() + (folder / "other.key").read_text())
    (folder / "garbage.pem").write_text("this is no certificate\n")
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "stranger.key", "-out", "stranger.pem", "-subj", "/CN=Stranger", "-days", "30")
    openssl(folder, "req", "-x509", "-newkey", "rsa", "-pkeyopt", "rsa_keygen_bits:1024", "-nodes", "-keyout",
            "small.key", "-out", "small.pem", "-subj", "/CN=Small", "-days", "30")
    openssl(folder, *authority._new("weak"), "-subj", "/CN=Weak", "-out", "weak.csr")
    openssl(folder, "x509", "-req", "-in", "weak.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-sha1", "-days", "30", "-out", "weak.pem")
    return authority


class Client(Wire):
    """A `Wire` inside TLS. Raises what the handshake raises."""

    def __init__(self, server: Server | int, context: ssl.SSLContext, name: str | None = "localhost",
                 session: ssl.SSLSession | None = None, timeout: float = PATIENCE) -> None:
        super().__init__(("127.0.0.1", server if isinstance(server, int) else server.port), timeout)
        plain = self.socket
        try:
            self.tls = context.wrap_socket(plain, server_hostname=name, session=session)
        except BaseException:
            plain.close()
            raise
        self.socket = self.tls

    def get(self, path: str = "/", *fields: str) -> object:
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *fields, "", ""]
        self.send("\r\n".join(lines).encode())
        return self.read_response()


@pytest.fixture
def trusting(pki: Authority) -> Callable[..., ssl.SSLContext]:
    """A factory of client contexts that trust the authority: ``trusting(cert="client", version=...)``."""

    def make(cert: str | None = None, version: ssl.TLSVersion | None = None, check: bool = True) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(pki.folder / "ca.pem"))
        context.check_hostname = check
        if cert is not None:
            context.load_cert_chain(pki.folder / f"{cert}.pem", pki.folder / f"{cert}.key")
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context

    return make


@pytest.fixture
def tls_server(serve: Serve, pki: Authority) -> Callable[..., Server]:
    """A factory of servers with the certificate for localhost."""

    def start(*args: str, app: str = ENVIRON, cert: str = "server", **options: object) -> Server:
        files = ["--certfile", str(pki.folder / f"{cert}.pem"), "--keyfile", str(pki.folder / f"{cert}.key")]
        return serve(app, *files, *args, **options)

    return start


@pytest.fixture(scope="module")
def shared_server(pki: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """As `tls_server`, for tests that leave the server as it was: one for all of a module that name these arguments."""
    running: dict[tuple[str, ...], Server] = {}

    def server(*args: str) -> Server:
        if args not in running:
            files = ["--certfile", str(pki.folder / "server.pem"), "--keyfile", str(pki.folder / "server.key")]
            running[args] = Server(tmp_path_factory.mktemp("shared"), ENVIRON, *files, *args)
            running[args].start()
        return running[args]

    yield server
    try:
        for each in running.values():
            assert each.stop() == 0
    finally:
        for each in running.values():
            each.kill()


def ports(server: Server, count: int) -> list[tuple[str, int]]:
    """(scheme, port) of the listeners, in the order of the binds."""
    import re

    line = server.wait_for_log(r"Listening at: (.*) \(\d+\)")[1]
    found = [(scheme, int(port)) for scheme, port in re.findall(r"(https?)://127\.0\.0\.1:(\d+)", line)]
    assert len(found) == count, line
    return found


def raw(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection.settimeout(PATIENCE)
    return connection
