"""TLS in memory: what is said of wrong files, which certificate is shown, what a handshake settles, renewal."""

from __future__ import annotations

import logging
import os
import re
import shutil
import ssl
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.config import Config
from gunicorn.errors import ConfigError
from gunicorn.sock import ssl_context
from gunicorn.tls.channel import Channel
from gunicorn.tls.entrance import prepare
from gunicorn.tls.plain import PlainHTTP
from gunicorn.tls.terminator import Options, Terminator
from gunicorn.wsgi.tls_variables import tls_variables
from tests.tls.conftest import Authority
from tests.wire.feeding import bytewise

Trusting = Callable[..., ssl.SSLContext]
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

WEAK = "a digest that is too weak"
#: (arguments, what is said); PKI stands for the folder of the certificates.
WRONG = {
    "no such certificate": (["--certfile", "nowhere.pem"], "certfile = 'nowhere.pem': No such file or directory"),
    "a folder": (["--certfile", "PKI"], "certfile = 'PKI': Is a directory"),
    "no such key": (
        ["--certfile", "PKI/server.pem", "--keyfile", "nowhere.key"],
        "keyfile = 'nowhere.key': No such file or directory"),
    "a key alone": (["--keyfile", "PKI/server.key"], "keyfile: there is a key but no certfile with its certificate"),
    "no certificate": (
        ["--certfile", "PKI/garbage.pem"], "certfile = 'PKI/garbage.pem': expected a certificate as a PEM file"),
    "an empty file": (
        ["--certfile", "PKI/empty.pem"], "certfile = 'PKI/empty.pem': expected a certificate as a PEM file"),
    "half a certificate": (
        ["--certfile", "PKI/half.pem"], "certfile = 'PKI/half.pem': expected a certificate as a PEM file"),
    "a certificate of other letters": (
        ["--certfile", "PKI/letters.pem", "--keyfile", "PKI/server.key"],
        r"certfile = 'PKI/letters.pem': expected a certificate as a PEM file|"
        r"keyfile = 'PKI/server.key': expected a private key as a PEM file \(.*\)"),
    "a key where the certificate should be": (
        ["--certfile", "PKI/server.key", "--keyfile", "PKI/server.key"],
        "certfile = 'PKI/server.key': expected a certificate as a PEM file"),
    "a certificate where the key should be": (
        ["--certfile", "PKI/server.pem", "--keyfile", "PKI/server.pem"],
        r"keyfile = 'PKI/server.pem': expected a private key as a PEM file \(.*\)"),
    "no key": (
        ["--certfile", "PKI/server.pem"],
        r"certfile = 'PKI/server.pem': expected a private key as a PEM file \(.*\)"),
    "a key that is too small": (
        ["--certfile", "PKI/small.pem", "--keyfile", "PKI/small.key"],
        r"certfile = 'PKI/small.pem': the key of the certificate is too small for OpenSSL's security level \(.*\)"),
    WEAK: (
        ["--certfile", "PKI/weak.pem", "--keyfile", "PKI/weak.key"],
        r"certfile = 'PKI/weak.pem': a certificate is signed with a digest that is too weak for .* \(CA_MD_TOO_WEAK\)"),
    "a key that does not fit": (
        ["--certfile", "PKI/server.pem", "--keyfile", "PKI/other.key"],
        "keyfile = 'PKI/other.key': the key does not belong to the certificate in 'PKI/server.pem'"),
    "a key of another kind": (
        ["--certfile", "PKI/server.pem", "--keyfile", "PKI/rsa.key"],
        "keyfile = 'PKI/rsa.key': the key does not belong to the certificate in 'PKI/server.pem'"),
    "a locked key": (
        ["--certfile", "PKI/server.pem", "--keyfile", "PKI/locked.key"],
        "keyfile = 'PKI/locked.key': the key is encrypted, set keyfile_password"),
    "a wrong password": (
        ["--certfile", "PKI/server.pem", "--keyfile", "PKI/locked.key", "--keyfile-password", "wrong"],
        "keyfile = 'PKI/locked.key': keyfile_password does not open the key"),
    "no such authorities": (
        ["--certfile", "PKI/both.pem", "--ca-certs", "nowhere.pem"],
        "ca_certs = 'nowhere.pem': No such file or directory"),
    "no authorities": (
        ["--certfile", "PKI/both.pem", "--ca-certs", "PKI/garbage.pem"],
        r"ca_certs = 'PKI/garbage.pem': expected certificates as a PEM file \(.*\)"),
    "no cipher": (
        ["--certfile", "PKI/both.pem", "--ciphers", "ROT13"],
        "ciphers = 'ROT13': OpenSSL knows none of these ciphers"),
    "an option of a bind": (
        ["-b", "https://127.0.0.1:0?certfile=gone.pem"],
        r"certfile = 'gone.pem' \(https://127.0.0.1:0\): No such file or directory"),
    "another option of a bind": (
        ["-b", "https://127.0.0.1:0?certfile=PKI/both.pem&cert_reqs=3"],
        r"cert_reqs = '3' \(https://127.0.0.1:0\): expected one of 0, 1, 2"),
    "a bind that has nothing": (
        ["-b", "https://127.0.0.1:0"], "certfile: TLS needs a certificate and its key: set certfile and keyfile"),
    "a certificate for a name": (
        ["--certfile", "PKI/both.pem", "--sni-cert", "a.test=gone.pem"],
        "certfile = 'gone.pem': No such file or directory"),
    "a key for a name": (
        ["--certfile", "PKI/both.pem", "--sni-cert", "a.test=PKI/server.pem,PKI/other.key"],
        "keyfile = 'PKI/other.key': the key does not belong to the certificate in 'PKI/server.pem'"),
}


def takes_weak_digests(pki: Authority) -> bool:
    """Whether OpenSSL's security level here allows certificates that are signed with SHA-1."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pki.folder / "weak.pem", pki.folder / "weak.key")
    except ssl.SSLError:
        return False
    return True


@pytest.fixture(scope="module")
def broken(pki: Authority) -> str:
    """The folder of the certificates, with some that are none in it."""
    text = (pki.folder / "server.pem").read_text()
    (pki.folder / "empty.pem").write_text("")
    (pki.folder / "half.pem").write_text(text[:len(text) // 2])
    lines = text.splitlines()
    (pki.folder / "letters.pem").write_text("\n".join([lines[0], *[line[::-1] for line in lines[1:-1]], lines[-1]]))
    return str(pki.folder)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_line(pki: Authority, broken: str, case: str) -> None:
    if case == WEAK and takes_weak_digests(pki):
        pytest.skip("the OpenSSL of this machine takes such a certificate")
    arguments, line = WRONG[case]
    cfg = Config()
    parsed = vars(cfg.parser().parse_args([word.replace("PKI", broken) for word in arguments]))
    for name, value in parsed.items():
        if value is not None and name in cfg.settings:
            cfg.set(name, value)
    with pytest.raises(ConfigError) as caught:
        prepare(cfg)
    assert re.fullmatch(line.replace("PKI", re.escape(broken)), str(caught.value)), str(caught.value)
    assert "wrong" not in str(caught.value), "a password is not told"


def test_a_hook_that_fails_or_returns_something_else(pki: Authority) -> None:
    def fails(config: Any, default: Any) -> Any:
        raise LookupError("on purpose")

    with pytest.raises(ConfigError, match=r"ssl_context: the hook failed: LookupError: on purpose$"):
        Terminator(Options(), fails)

    def leaves(config: Any, default: Any) -> Any:
        sys.exit("enough")

    with pytest.raises(ConfigError, match=r"ssl_context: the hook called sys\.exit\('enough'\)$"):
        Terminator(Options(), leaves)
    with pytest.raises(ConfigError, match=r"ssl_context: the hook returned 5, expected an ssl\.SSLContext$"):
        Terminator(Options(), lambda config, default: 5)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("minimum", ["TLSv1.2", "TLSv1.3"])
def test_the_oldest_version_for_custom_workers(pki: Authority, minimum: str) -> None:
    cfg = Config()
    for name, value in {"certfile": pki.folder / "server.pem", "keyfile": pki.folder / "server.key"}.items():
        cfg.set(name, str(value))
    cfg.set("ssl_minimum_version", minimum)
    assert ssl_context(cfg).minimum_version == getattr(ssl.TLSVersion, minimum.replace(".", "_"))


# Two ends in memory.


def options_of(pki: Authority, name: str = "server", **changes: Any) -> Options:
    return Options(certfile=str(pki.folder / f"{name}.pem"), keyfile=str(pki.folder / f"{name}.key"), **changes)


class Client:
    """The other end of a `Channel`."""

    def __init__(self, context: ssl.SSLContext, name: str | None = "localhost", session: Any = None) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name, session=session)
        self.established = False
        self.received = 0

    def step(self, octets: bytes = b"") -> bytes:
        """Take in what came; what goes out."""
        self.received += len(octets)
        self.incoming.write(octets)
        if not self.established:
            try:
                self.tls.do_handshake()
                self.established = True
            except ssl.SSLWantReadError:
                pass
        return self.outgoing.read()

    def seal(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.outgoing.read()

    def open(self, octets: bytes) -> bytes:
        self.incoming.write(octets)
        found = b""
        try:
            while piece := self.tls.read(65536):
                found += piece
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return found


Cut = Callable[[bytes], Iterable[bytes]]


def whole(octets: bytes) -> list[bytes]:
    return [octets]


def shake_hands(channel: Channel, client: Client, cut: Cut = whole) -> None:
    """Both are established. Raises what either raises."""
    octets = client.step()
    for _ in range(9):
        for piece in cut(octets):
            assert channel.open(piece) == b""
        answer = channel.take()
        octets = client.step(answer)
        if channel.established and client.established and not octets:
            return
    raise AssertionError("they do not come together")


@pytest.mark.parametrize("cut", [whole, bytewise])
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_octets_through_a_channel(pki: Authority, trusting: Trusting, version: ssl.TLSVersion, cut: Cut) -> None:
    channel = Terminator(options_of(pki)).open()
    client = Client(trusting(version=version))
    shake_hands(channel, client, cut)
    for content in (b"x", b"GET / HTTP/1.1\r\n\r\n", os.urandom(16384), os.urandom(16385), os.urandom(40_000)):
        assert b"".join(channel.open(piece) for piece in cut(client.seal(content))) == content
        assert client.open(channel.seal(content)) == content
    assert client.open(channel.seal_two(b"head", b"body")) == b"headbody"
    # Records behind one another, and a part of the next one.
    sealed = client.seal(b"one") + client.seal(b"two") + (rest := client.seal(b"three"))[:7]
    assert channel.open(sealed) == b"onetwo"
    assert channel.open(rest[7:]) == b"three"
    assert not channel.finished


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_the_last_content_and_the_end_are_one_run(pki: Authority, trusting: Trusting, version: ssl.TLSVersion) -> None:
    channel, client = Terminator(options_of(pki)).open(), Client(trusting(version=version))
    shake_hands(channel, client)
    assert client.open(channel.seal_last(b"Hello")) == b"Hello"
    assert client.tls.read(1) == b""
    assert channel.farewell() == b""
    assert not channel.speaks()


def test_a_handshake_brings_one_ticket(pki: Authority, trusting: Trusting) -> None:
    """Each is some 250 octets, behind the handshake."""
    sizes: dict[int | None, int] = {}
    for tickets in (0, 1, None):
        terminator = Terminator(options_of(pki))
        if tickets is not None:
            terminator.context.num_tickets = tickets
        channel, client = terminator.open(), Client(trusting())
        shake_hands(channel, client)
        sizes[tickets] = client.received
    # A signature is some octets longer or shorter.
    assert abs(sizes[None] - sizes[1]) < 20 < sizes[1] - sizes[0]


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_both_say_farewell(pki: Authority, trusting: Trusting, version: ssl.TLSVersion) -> None:
    channel = Terminator(options_of(pki)).open()
    assert channel.farewell() == b"", "nobody could read it yet"
    client = Client(trusting(version=version))
    shake_hands(channel, client)
    last = client.seal(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    assert channel.open(last + client.outgoing.read()) == b"last"
    assert channel.finished
    said = channel.farewell()
    assert said
    assert channel.farewell() == b""
    assert client.open(said) == b""


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n"])
def test_http_without_tls_is_known(pki: Authority, octets: bytes) -> None:
    for cut in (whole, bytewise):
        channel = Terminator(options_of(pki)).open()
        with pytest.raises(PlainHTTP):
            for piece in cut(octets):
                channel.open(piece)


@pytest.mark.parametrize("octets", [b"\x00" * 20, b"\x16\x03\x01\xff\xff" + b"x" * 20, b"SSH-2.0-x\r\n", b"\xff" * 300])
def test_what_is_no_tls_at_all(pki: Authority, octets: bytes) -> None:
    for cut in (whole, bytewise):
        channel = Terminator(options_of(pki)).open()
        with pytest.raises(ssl.SSLError):
            for piece in cut(octets):
                channel.open(piece)
            raise ssl.SSLError("nothing was raised")
        assert not channel.established


def test_a_record_that_was_changed_on_its_way(pki: Authority, trusting: Trusting) -> None:
    channel = Terminator(options_of(pki)).open()
    client = Client(trusting())
    shake_hands(channel, client)
    sealed = bytearray(client.seal(b"content"))
    sealed[-1] ^= 1
    with pytest.raises(ssl.SSLError):
        channel.open(bytes(sealed))


def shown(terminator: Terminator, context: ssl.SSLContext, name: str | None) -> bytes:
    client = Client(context, name)
    shake_hands(terminator.open(), client)
    certificate = client.tls.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def der(pki: Authority, name: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert((pki.folder / f"{name}.pem").read_text())


@pytest.mark.parametrize(
    ("asked", "certificate"),
    [
        ("localhost", "server"), ("other.test", "other"), ("OTHER.TEST", "other"), ("a.wild.test", "wild"),
        ("A.Wild.Test", "wild"), ("a.b.wild.test", "server"), ("wild.test", "server"), ("another.test", "server"),
        (None, "server"),
    ],
)
def test_the_certificate_of_a_name(pki: Authority, trusting: Trusting, asked: str | None, certificate: str) -> None:
    names = {
        "Other.test": (str(pki.folder / "both.pem"), None),
        "*.wild.test": (str(pki.folder / "wild.pem"), str(pki.folder / "wild.key")),
    }
    terminator = Terminator(options_of(pki, names=names))
    context = trusting(check=False)
    assert shown(terminator, context, asked) == der(pki, certificate)


def facts_with(terminator: Terminator, context: ssl.SSLContext, session: Any = None) -> tuple[Any, Client]:
    channel, client = terminator.open(), Client(context, session=session)
    shake_hands(channel, client)
    # With TLS 1.3 the tickets come behind the handshake.
    client.open(channel.seal(b"x"))
    return channel.facts(), client


@pytest.mark.parametrize(("version", "name", "number"), [(TLS_1_2, "TLSv1.2", 0x0303), (TLS_1_3, "TLSv1.3", 0x0304)])
def test_what_a_handshake_settles(
    pki: Authority, trusting: Trusting, version: ssl.TLSVersion, name: str, number: int
) -> None:
    terminator = Terminator(options_of(pki, ca_certs=str(pki.folder / "ca.pem"), cert_reqs=1))
    facts, _ = facts_with(terminator, trusting(version=version))
    assert (facts.version, facts.version_number, facts.server_name, facts.resumed) == (name, number, "localhost", False)
    assert (facts.client, facts.client_chain) == ({}, ())
    assert facts.cipher_number > 0
    assert ssl.PEM_cert_to_DER_cert(facts.server_certificate) == der(pki, "server")
    told = tls_variables(facts)
    assert (told["HTTPS"], told["SSL_PROTOCOL"], told["SSL_CLIENT_VERIFY"]) == ("on", name, "NONE")
    assert (told["SSL_TLS_SNI"], told["SSL_SESSION_RESUMED"]) == ("localhost", "Initial")
    assert not any(variable.startswith("SSL_CLIENT_S_") for variable in told)
    facts, _ = facts_with(terminator, trusting("client", version))
    told = tls_variables(facts)
    assert told["SSL_CLIENT_VERIFY"] == "SUCCESS"
    assert told["SSL_CLIENT_S_DN"].encode("latin-1").decode() == "CN=Zoë,OU=Two,OU=One,O=Makers\\, Inc,C=DE"
    assert ssl.PEM_cert_to_DER_cert(told["SSL_CLIENT_CERT"]) == der(pki, "client")


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_session_goes_on(pki: Authority, trusting: Trusting, version: ssl.TLSVersion) -> None:
    terminator = Terminator(options_of(pki))
    context = trusting(version=version)
    facts, client = facts_with(terminator, context)
    again, _ = facts_with(terminator, context, client.tls.session)
    assert (facts.resumed, again.resumed) == (False, True)


@pytest.mark.parametrize(("certificate", "said"), [
    (None, "it sent none"), ("stranger", "self-signed certificate"),
])
def test_a_client_that_should_show_a_certificate(
    pki: Authority, trusting: Trusting, certificate: str | None, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    terminator = Terminator(options_of(pki, ca_certs=str(pki.folder / "ca.pem"), cert_reqs=2))
    terminator.log = logging.getLogger("terminator")
    with pytest.raises(ssl.SSLError) as caught:
        shake_hands(terminator.open(), Client(trusting(certificate)))
    with caplog.at_level(logging.INFO):
        terminator.report(("192.0.2.7", 1), caught.value)
        terminator.report("", ssl.SSLError("whatever else"))
    assert [record.message for record in caplog.records] == [
        f"TLS: the certificate of the client 192.0.2.7 was refused: {said}"]


# Renewal.


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, words: str, *args: object) -> None:
        self.lines.append("info: " + words % args)

    def warning(self, words: str, *args: object) -> None:
        self.lines.append("warning: " + words % args)


@pytest.fixture
def files(pki: Authority, tmp_path: Path) -> Callable[[str, str], None]:
    """Puts a certificate and a key in their places."""
    numbers = iter(range(1, 99))

    def put(certificate: str, key: str) -> None:
        for name, place in ((certificate, "now.pem"), (key, "now.key")):
            shutil.copyfile(pki.folder / name, tmp_path / place)
            # Another time, however coarse the clock of the file system.
            os.utime(tmp_path / place, (0, next(numbers)))

    return put


def test_new_files_are_taken_when_they_fit(
    pki: Authority, trusting: Trusting, tmp_path: Path, files: Callable[[str, str], None]
) -> None:
    files("server.pem", "server.key")
    terminator = Terminator(Options(certfile=str(tmp_path / "now.pem"), keyfile=str(tmp_path / "now.key")))
    terminator.log = Log()
    context = trusting(check=False)
    assert not terminator.renew()
    _, client = facts_with(terminator, context)
    # The certificate comes first, its key a moment later.
    files("other.pem", "server.key")
    assert not terminator.renew()
    assert not terminator.renew(), "it is told once"
    assert shown(terminator, context, "localhost") == der(pki, "server")
    files("other.pem", "other.key")
    assert terminator.renew(), terminator.log.lines
    assert not terminator.renew()
    assert shown(terminator, context, "localhost") == der(pki, "other")
    assert [line.partition(":")[0] for line in terminator.log.lines] == ["warning", "info"]
    assert "does not belong to the certificate" in terminator.log.lines[0]
    again, _ = facts_with(terminator, context, client.tls.session)
    assert again.resumed, "new files end nobody's session"
    os.unlink(tmp_path / "now.pem")
    assert not terminator.renew()
    assert shown(terminator, context, "localhost") == der(pki, "other")


def test_a_hook_is_asked_again(pki: Authority, trusting: Trusting, tmp_path: Path) -> None:
    made: list[str] = []
    path = tmp_path / "now.pem"
    path.write_text("anything")

    def hook(config: Any, default: Any) -> ssl.SSLContext:
        name = config.names[len(made)]
        made.append(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.folder / f"{name}.pem", pki.folder / f"{name}.key")
        return context

    terminator = Terminator(Options(certfile=str(path)), hook, SimpleNamespace(names=["server", "other"]))
    terminator.log = Log()
    context = trusting(check=False)
    assert shown(terminator, context, "localhost") == der(pki, "server")
    path.write_text("something else")
    assert terminator.renew()
    assert shown(terminator, context, "localhost") == der(pki, "other")
    path.write_text("and a third one, for which the hook has nothing")
    assert not terminator.renew()
    assert shown(terminator, context, "localhost") == der(pki, "other")
    assert made == ["server", "other"]
