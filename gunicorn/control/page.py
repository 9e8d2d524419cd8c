"""The page that shows a server: one file, with nothing from anywhere else, and what a browser is told of it."""

from __future__ import annotations

import os
from binascii import hexlify

from .http_face import Reply

__all__ = ["FILE", "read", "reply"]

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.html")
_MARK = b"NONCE"

_FIELDS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def read() -> tuple[bytes, ...]:
    """The file, cut where the marks are: read once, at the start, since a master does not wait for a disk. Raises
    OSError."""
    with open(FILE, "rb") as file:
        return tuple(file.read().split(b'nonce="%s"' % _MARK))


def reply(pieces: tuple[bytes, ...]) -> Reply:
    """The page, in which what may run and what may style it are marked by a word that nobody could have foreseen."""
    nonce = hexlify(os.urandom(16))
    told = nonce.decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'nonce-{told}'; script-src 'nonce-{told}'; connect-src 'self'; "
        "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    fields = (("Content-Security-Policy", policy), *_FIELDS)
    return Reply(200, "text/html; charset=utf-8", (b'nonce="%s"' % nonce).join(pieces), fields)
