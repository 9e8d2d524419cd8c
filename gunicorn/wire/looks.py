"""What the first octets on a connection look like, for the log: a port was taken for another one."""

from __future__ import annotations

import re

HTTP = "HTTP"
TLS = "TLS"
UWSGI = "uwsgi"
FASTCGI = "FastCGI"
SCGI = "SCGI"

# RFC 9112 section 3, RFC 8446 section 5.1; the others as their specifications have them. Those of uwsgi, which has
# nothing but a length, last.
_LOOKS = (
    (HTTP, re.compile(rb"[A-Z]{3,20}(?:[ ]|\Z)")),
    (TLS, re.compile(rb"\x16\x03[\x00-\x04]")),
    (FASTCGI, re.compile(rb"\x01[\x01-\x0b][\x00-\xff]{4}[\x00-\xff]\x00", re.DOTALL)),
    (SCGI, re.compile(rb"[1-9][0-9]{0,6}:CONTENT_LENGTH\x00")),
    (UWSGI, re.compile(rb"[\x00\x1e][\x00-\xff]{2}\x00[\x01-\x40]\x00[A-Z]", re.DOTALL)),
)


def looks_like(data: bytes) -> str:
    """The name of the protocol that a connection which begins so speaks; empty when it is none of these."""
    for name, pattern in _LOOKS:
        if pattern.match(data) is not None:
            return name
    return ""
