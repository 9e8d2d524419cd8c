"""Names of certificates as text (RFC 4514)."""

from __future__ import annotations

from typing import Any

import pytest

from gunicorn.tls.facts import distinguished_name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ((), ""),
        (((("commonName", "a"),),), "CN=a"),
        (((("countryName", "DE"),), (("organizationName", "O"),), (("commonName", "a"),)), "CN=a,O=O,C=DE"),
        (((("commonName", "a"), ("userId", "b")),), "CN=a+UID=b"),
        (((("emailAddress", "a@b"),),), "emailAddress=a@b"),
        (((("commonName", 'a,b+c"d\\e<f>g;h'),),), 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h'),
        (((("commonName", "#a"),),), "CN=\\#a"), (((("commonName", "a#"),),), "CN=a#"),
        (((("commonName", " a "),),), "CN=\\ a\\ "), (((("commonName", " "),),), "CN=\\ "),
        (((("commonName", "  "),),), "CN=\\ \\ "), (((("commonName", "a\0b"),),), "CN=a\\00b"),
        (((("commonName", "\\ "),),), "CN=\\\\\\ "), (((("commonName", "#"),),), "CN=\\#"),
        (((("commonName", ""),),), "CN="), (((("commonName", "a=b"),),), "CN=a=b"),
        (((("commonName", "Zo\xeb"),),), "CN=Zo\xeb"),
    ],
)
def test_distinguished_names(name: Any, text: str) -> None:
    assert distinguished_name(name) == text
