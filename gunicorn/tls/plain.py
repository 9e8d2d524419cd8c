"""What a client sends that does not speak TLS where it should."""

from __future__ import annotations


class PlainHTTP(Exception):
    """The client has sent an HTTP request where a TLS handshake was expected."""
