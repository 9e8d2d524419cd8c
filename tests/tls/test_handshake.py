"""Versions, ciphers, names, client certificates, sessions: what is agreed on before the first request."""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import PATIENCE
from tests.tls.conftest import ENVIRON, Authority, Client

Trusting = Callable[..., ssl.SSLContext]
Start = Callable[..., Server]


def s_client(server: Server, *args: str, request: str = "") -> str:
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "localhost", *args],
        input=request.encode(), capture_output=True, timeout=PATIENCE,
    )
    return (done.stdout + done.stderr).decode("latin-1")


def environ(server: Server, context: ssl.SSLContext, name: str | None = "localhost") -> dict[str, str]:
    with Client(server, context, name) as client:
        body = client.get("/environ").body.decode()  # type: ignore[attr-defined]
    pairs = (line.partition("=") for line in body.splitlines())
    return {name: eval(value, {}) for name, _, value in pairs}


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_both_versions_and_what_the_application_sees(
    shared_server: Start, trusting: Trusting, version: ssl.TLSVersion, name: str
) -> None:
    seen = environ(shared_server(), trusting(version=version))
    assert seen["wsgi.url_scheme"] == "https"
    assert seen["HTTPS"] == "on"
    assert seen["SSL_PROTOCOL"] == name
    assert "GCM" in seen["SSL_CIPHER"] or "CHACHA" in seen["SSL_CIPHER"]
    assert seen["SSL_TLS_SNI"] == "localhost"
    assert seen["SSL_CLIENT_VERIFY"] == "NONE"
    assert "SSL_CLIENT_CERT" not in seen


def test_old_versions_are_refused(shared_server: Start) -> None:
    said = s_client(shared_server(), "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert "alert protocol version" in said or "no protocols available" in said, said


def test_minimum_version(tls_server: Start, trusting: Trusting) -> None:
    server = tls_server("--ssl-minimum-version", "tlsv1.3")
    with pytest.raises(ssl.SSLError):
        Client(server, trusting(version=ssl.TLSVersion.TLSv1_2))
    assert environ(server, trusting())["SSL_PROTOCOL"] == "TLSv1.3"


def test_ciphers(tls_server: Start, trusting: Trusting) -> None:
    server = tls_server("--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert environ(server, trusting(version=ssl.TLSVersion.TLSv1_2))["SSL_CIPHER"] == "ECDHE-ECDSA-AES128-GCM-SHA256"
    with pytest.raises(ssl.SSLError):
        other = trusting(version=ssl.TLSVersion.TLSv1_2)
        other.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
        Client(server, other)


def test_renegotiation_is_refused(shared_server: Start) -> None:
    said = s_client(shared_server(), "-tls1_2", request="R\n")
    assert "no renegotiation" in said.lower(), said


def test_http_1_1_is_agreed_on(shared_server: Start, trusting: Trusting) -> None:
    context = trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Client(shared_server(), context) as client:
        assert client.tls.selected_alpn_protocol() == "http/1.1"


class TestClientCertificates:
    def test_required_and_shown(self, shared_server: Start, pki: Authority, trusting: Trusting) -> None:
        server = shared_server("--ca-certs", str(pki.folder / "ca.pem"), "--cert-reqs", "2")
        seen = environ(server, trusting("client"))
        assert seen["SSL_CLIENT_VERIFY"] == "SUCCESS"
        assert seen["SSL_CLIENT_S_DN"] == "CN=ZoÃ«,OU=Two,OU=One,O=Makers\\, Inc,C=DE"
        assert seen["SSL_CLIENT_S_DN_CN"] == "ZoÃ«"
        assert seen["SSL_CLIENT_S_DN_OU"] == "One"
        assert seen["SSL_CLIENT_I_DN"] == "CN=Test CA,O=Test"
        assert ssl.PEM_cert_to_DER_cert(seen["SSL_CLIENT_CERT"]) == ssl.PEM_cert_to_DER_cert(
            (pki.folder / "client.pem").read_text()
        )
        serial = subprocess.run(
            ["openssl", "x509", "-in", pki.folder / "client.pem", "-noout", "-serial"], capture_output=True, text=True,
        ).stdout
        assert seen["SSL_CLIENT_M_SERIAL"] == serial.strip().partition("=")[2]

    def test_required_and_missing_or_strange(self, shared_server: Start, pki: Authority, trusting: Trusting) -> None:
        server = shared_server("--ca-certs", str(pki.folder / "ca.pem"), "--cert-reqs", "2")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for cert in (None, "stranger"):
                # With TLS 1.3 the client learns of it when it reads.
                with pytest.raises((ssl.SSLError, AssertionError, ConnectionError)):
                    environ(server, trusting(cert, version))
        line = r"\[INFO\] TLS: the certificate of the client 127.0.0.1 was refused: "
        server.wait_for_log(line + "it sent none$", count=2)
        server.wait_for_log(line + "self-signed certificate$", count=2)

    def test_optional(self, tls_server: Start, pki: Authority, trusting: Trusting) -> None:
        server = tls_server("--ca-certs", str(pki.folder / "ca.pem"), "--cert-reqs", "1")
        assert environ(server, trusting())["SSL_CLIENT_VERIFY"] == "NONE"
        assert environ(server, trusting("client"))["SSL_CLIENT_VERIFY"] == "SUCCESS"

    def test_gunicorn_socket_knows_it(self, shared_server: Start, pki: Authority, trusting: Trusting) -> None:
        server = shared_server("--ca-certs", str(pki.folder / "ca.pem"), "--cert-reqs", "2")
        with Client(server, trusting("client")) as client:
            version, certificate, has_port = eval(client.get("/socket").body)  # type: ignore[attr-defined]
        assert (version, has_port) == ("TLSv1.3", True)
        assert (("commonName", "Zoë"),) in certificate["subject"]


class TestNames:
    def check(self, server: Server, trusting: Trusting) -> None:
        for name in ("localhost", "other.test", "OTHER.test", "a.wild.test"):
            # The handshake checks that the certificate is the one for this name.
            assert environ(server, trusting(), name)["SSL_TLS_SNI"].lower() == name.lower()
        for unknown in ("wild.test", "a.b.wild.test", "elsewhere.test"):
            with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
                environ(server, trusting(), unknown)

    def test_flags(self, tls_server: Start, pki: Authority, trusting: Trusting) -> None:
        folder = pki.folder
        server = tls_server(
            "--sni-cert", f"other.test={folder}/both.pem",
            "--sni-cert", f"*.wild.test={folder}/wild.pem,{folder}/wild.key",
        )
        self.check(server, trusting)

    def test_configuration_file(self, tls_server: Start, pki: Authority, trusting: Trusting) -> None:
        folder = pki.folder
        config = f"""
sni_certs = {{
    "Other.test": "{folder}/both.pem",
    "*.wild.test": ("{folder}/wild.pem", "{folder}/wild.key"),
}}
"""
        self.check(tls_server(config=config), trusting)

    def test_gevent_and_a_hook_that_chooses(self, tls_server: Start, pki: Authority, trusting: Trusting) -> None:
        config = f"""
def ssl_context(config, default_ssl_context_factory):
    import ssl
    context, other = default_ssl_context_factory(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other.load_cert_chain("{pki.folder}/both.pem")
    def choose(tls, name, context):
        if name == "other.test":
            tls.context = other
    context.sni_callback = choose
    return context
"""
        server = tls_server("-k", "gevent", config=config)
        for name in ("localhost", "other.test"):
            assert environ(server, trusting(), name)["HTTPS"] == "on"


class TestASGI:
    APP = """
import json
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    body = json.dumps(scope["extensions"]["tls"]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""

    def test_the_extension(self, tls_server: Start, pki: Authority, trusting: Trusting) -> None:
        ca = str(pki.folder / "ca.pem")
        server = tls_server("-k", "asgi", "--ca-certs", ca, "--cert-reqs", "1", app=self.APP)
        with Client(server, trusting(version=ssl.TLSVersion.TLSv1_2)) as client:
            plain = client.get().json()  # type: ignore[attr-defined]
        assert plain["tls_version"] == 0x0303
        assert plain["client_cert_name"] is None
        assert plain["client_cert_chain"] == []
        with Client(server, trusting("client")) as client:
            known = client.get().json()  # type: ignore[attr-defined]
        assert known["tls_version"] == 0x0304
        assert known["cipher_suite"] in (0x1301, 0x1302, 0x1303)
        assert known["client_cert_name"] == "CN=Zoë,OU=Two,OU=One,O=Makers\\, Inc,C=DE"
        assert known["client_cert_error"] is None
        for got, name in ((known["server_cert"], "server"), (known["client_cert_chain"][0], "client")):
            expected = ssl.PEM_cert_to_DER_cert((pki.folder / f"{name}.pem").read_text())
            assert ssl.PEM_cert_to_DER_cert(got) == expected


class TestSessions:
    @pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
    def test_every_worker_resumes_them(self, tls_server: Start, tmp_path: Path, version: str) -> None:
        server = tls_server("--workers", "3", workers=3)
        request = "GET /environ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        session = str(tmp_path / "session")
        first = s_client(server, version, "-ign_eof", "-sess_out", session, request=request)
        assert "SSL_SESSION_RESUMED='Initial'" in first, first
        for _ in range(9):
            again = s_client(server, version, "-ign_eof", "-sess_in", session, "-sess_out", session, request=request)
            assert "Reused, TLSv1" in again, again
            assert "SSL_SESSION_RESUMED='Resumed'" in again

    def test_a_client_certificate_survives(self, shared_server: Start, pki: Authority, trusting: Trusting) -> None:
        server = shared_server("--ca-certs", str(pki.folder / "ca.pem"), "--cert-reqs", "2")
        context = trusting("client")
        with Client(server, context) as client:
            client.get()
            session = client.tls.session
        with Client(server, context, session=session) as client:
            body = client.get("/environ").body.decode()  # type: ignore[attr-defined]
            assert client.tls.session_reused
        assert "SSL_SESSION_RESUMED='Resumed'" in body
        assert "SSL_CLIENT_VERIFY='SUCCESS'" in body


class TestHook:
    def test_it_changes_the_default(self, tls_server: Start, trusting: Trusting) -> None:
        config = """
def ssl_context(config, default_ssl_context_factory):
    import ssl
    context = default_ssl_context_factory()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
"""
        server = tls_server(config=config)
        with pytest.raises(ssl.SSLError):
            Client(server, trusting(version=ssl.TLSVersion.TLSv1_2))
        assert environ(server, trusting())["SSL_PROTOCOL"] == "TLSv1.3"

    def test_it_makes_its_own(self, serve: Serve, pki: Authority, trusting: Trusting) -> None:
        config = f"""
certfile = "not there"
def ssl_context(config, default_ssl_context_factory):
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("{pki.folder}/server.pem", "{pki.folder}/server.key")
    return context
"""
        assert environ(serve(ENVIRON, config=config), trusting())["HTTPS"] == "on"


#: One of each way that a complaint takes to the command line; all that is said of files is in test_terminator.py.
LINES = {
    "no such certificate": (["--certfile", "nowhere.pem"], "certfile = 'nowhere.pem': No such file or directory"),
    "an option of a bind": (
        ["-b", "https://127.0.0.1:0?certfile=gone.pem"],
        r"certfile = 'gone.pem' \(https://127.0.0.1:0\): No such file or directory",
    ),
    "an unknown option": (["-b", "https://127.0.0.1:0?cert=x"], ".*'cert' is not an option of an address.*"),
    "a version": (
        ["--ssl-minimum-version", "SSLv3"],
        ".*ssl_minimum_version = 'SSLv3' .*expected one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3",
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_what_is_wrong_is_one_line(make_server: Serve, case: str) -> None:
    args, line = LINES[case]
    server = make_server(ENVIRON, *args)
    server.spawn()
    assert server.wait() == 1
    said = [text for text in server.log().splitlines() if " [INFO] " not in text]
    assert len(said) == 1, server.log()
    assert re.fullmatch("Error: " + line, said[0]), said[0]


def test_a_password_opens_a_locked_key_and_is_shown_nowhere(
    serve: Serve, pki: Authority, trusting: Trusting
) -> None:
    server = serve(
        ENVIRON, "--certfile", str(pki.folder / "server.pem"), "--keyfile", str(pki.folder / "locked.key"),
        "--log-level", "debug", env={"GUNICORN_KEYFILE_PASSWORD": "sesame"},
    )
    assert environ(server, trusting())["HTTPS"] == "on"
    assert "sesame" not in server.log()
    assert "keyfile_password: (hidden)" in server.log()
