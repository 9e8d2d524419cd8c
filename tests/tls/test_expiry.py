"""The end of a certificate, against OpenSSL's word."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.tls.expiry import _GENERALIZED_TIME, _UTC_TIME, _moment, end_of
from tests.conftest import Serve
from tests.master.scrape import face_of, samples, value
from tests.support.server import HELLO
from tests.tls.conftest import Authority, openssl


@pytest.mark.parametrize("name", ["server.pem", "rsa.pem", "both.pem", "stranger.pem"])
def test_the_end_is_what_openssl_says(name: str, pki: Authority) -> None:
    said = openssl(pki.folder, "x509", "-in", name, "-noout", "-enddate").strip().removeprefix("notAfter=")
    assert end_of((pki.folder / name).read_text()) == ssl.cert_time_to_seconds(said)


@pytest.mark.parametrize(("kind", "text", "moment"), [
    (_UTC_TIME, "700101000000Z", 0.0),
    (_UTC_TIME, "491231235959Z", 2524607999.0),
    (_UTC_TIME, "500101000000Z", -631152000.0),
    (_GENERALIZED_TIME, "20500101000000Z", 2524608000.0),
    (_GENERALIZED_TIME, "2050010100000Z", None),
    (_UTC_TIME, "7001010000Z", None),
    (0x30, "700101000000Z", None),
])
def test_moments(kind: int, text: str, moment: float | None) -> None:
    assert _moment(kind, text) == moment


@given(st.text(max_size=200), st.integers(0, 10_000))
def test_what_is_no_certificate_has_no_end(text: str, cut: int) -> None:
    assert end_of(text) is None
    assert end_of(f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n") is None


def test_a_certificate_that_is_cut_off_or_spoilt_ends_nothing(pki: Authority) -> None:
    text = (pki.folder / "server.pem").read_text()
    for at in range(0, len(text), 17):
        end_of(text[:at] + "-----END CERTIFICATE-----")
        end_of(text[:at] + "A" + text[at + 1:])


def test_the_end_is_told_to_who_watches(serve: Serve, pki: Authority) -> None:
    server = serve(HELLO, "--certfile", str(pki.folder / "server.pem"), "--keyfile", str(pki.folder / "server.key"),
                   "--metrics-bind", "127.0.0.1:0")
    found = samples(face_of(server))
    listener = server.url
    ends = end_of((pki.folder / "server.pem").read_text())
    assert value(found, "gunicorn_tls_certificate_expiry_timestamp_seconds", listener=listener) == ends
    assert value(found, "gunicorn_listen_queue", listener=listener) == 0
