"""TLS in the environ: `HTTPS` and the `SSL_*` variables, under the names that Apache's mod_ssl gave them."""

from __future__ import annotations

from gunicorn.tls.facts import SHORT_NAMES, Facts, distinguished_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def tls_variables(facts: Facts) -> dict[str, str]:
    """The variables of a connection; those of the client's certificate only where it has shown a valid one."""
    variables = {
        "wsgi.url_scheme": "https",
        "HTTPS": "on",
        "SSL_PROTOCOL": facts.version,
        "SSL_CIPHER": facts.cipher,
        "SSL_CIPHER_USEKEYSIZE": str(facts.bits),
        "SSL_SESSION_RESUMED": "Resumed" if facts.resumed else "Initial",
        "SSL_CLIENT_VERIFY": "SUCCESS" if facts.client else "NONE",
    }
    if facts.server_name:
        variables["SSL_TLS_SNI"] = facts.server_name
    if facts.client:
        variables.update(_client_variables(facts))
    return variables


def _client_variables(facts: Facts) -> dict[str, str]:
    client = facts.client
    variables = {
        "SSL_CLIENT_CERT": facts.client_chain[0] if facts.client_chain else "",
        "SSL_CLIENT_S_DN": _native(distinguished_name(client.get("subject", ()))),
        "SSL_CLIENT_I_DN": _native(distinguished_name(client.get("issuer", ()))),
        "SSL_CLIENT_M_SERIAL": str(client.get("serialNumber", "")),
        "SSL_CLIENT_V_START": str(client.get("notBefore", "")),
        "SSL_CLIENT_V_END": str(client.get("notAfter", "")),
    }
    for number, certificate in enumerate(facts.client_chain[1:]):
        variables[f"SSL_CLIENT_CERT_CHAIN_{number}"] = certificate
    for prefix, name in (("SSL_CLIENT_S_DN_", "subject"), ("SSL_CLIENT_I_DN_", "issuer")):
        for relative in client.get(name, ()):
            for kind, value in relative:
                # Of several values of a kind the first one counts.
                variables.setdefault(prefix + SHORT_NAMES.get(kind, kind), _native(value))
    for number, address in enumerate(_alternative(client, "email")):
        variables[f"SSL_CLIENT_SAN_Email_{number}"] = address
    for number, name in enumerate(_alternative(client, "DNS")):
        variables[f"SSL_CLIENT_SAN_DNS_{number}"] = name
    return variables


def _alternative(client: dict[str, Any], wanted: str) -> list[str]:
    return [_native(value) for kind, value in client.get("subjectAltName", ()) if kind == wanted]


def _native(text: str) -> str:
    """A native string of PEP 3333: the octets of UTF-8, one character each."""
    return str(text.encode("utf-8"), "latin-1")
