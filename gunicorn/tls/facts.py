"""What a TLS handshake has settled, as plain values: gateways read it without knowing of ssl."""

from __future__ import annotations

from typing import Any, NamedTuple

# The short names of RFC 4514 section 3, and those in common use beside them.
SHORT_NAMES = {
    "commonName": "CN",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
    "surname": "SN",
    "givenName": "GN",
}


class Facts(NamedTuple):
    """What both sides have agreed on, and who the client is.

    `client` is what `SSLSocket.getpeercert` says of a verified certificate ({} without one), `client_chain` its
    chain as PEM, the client's own first. Certificates are PEM texts. The numbers are those on the wire.
    """

    version: str
    version_number: int
    cipher: str
    cipher_number: int
    bits: int
    resumed: bool
    server_name: str
    protocol: str
    server_certificate: str
    client: dict[str, Any]
    client_chain: tuple[str, ...]


def distinguished_name(name: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    """A name as `ssl` gives it, written as RFC 4514 has it: the most particular part first."""
    parts = [
        "+".join(f"{SHORT_NAMES.get(kind, kind)}={_escaped(value)}" for kind, value in relative)
        for relative in reversed(name)
    ]
    return ",".join(parts)


def _escaped(value: str) -> str:
    text = "".join("\\" + char if char in '"+,;<>\\' else char for char in value).replace("\0", "\\00")
    if text.endswith(" "):
        text = text[: len(text) - 1] + "\\ "
    # One that is a space alone has its backslash by now.
    if text.startswith(("#", " ")):
        text = "\\" + text
    return text
