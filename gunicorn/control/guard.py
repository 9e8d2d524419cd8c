"""Who may look at a server by HTTP, and who may change it.

Three kinds of strangers are thought of. One at another machine needs the token for everything; so does what comes
through a proxy, which makes everybody a neighbour. A page of another site in a browser of this machine can send
requests, but cannot give the token, a type of content or a `Sec-Fetch-Site` of its choice. And a name that its owner
lets point here (DNS rebinding) is not the name of this server.
"""

from __future__ import annotations

import os
import re
import socket
import stat

from gunicorn._record import Record
from gunicorn._standard import standard_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import SocketAddress
    from gunicorn.http.request import Request

    from .conversation import Peer

__all__ = ["Guard", "Refusal", "read_token"]

LONGEST_TOKEN = 4096
# What can stand behind `Bearer` (RFC 6750 section 2.1).
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
_CREDENTIALS = re.compile(rb"bearer +(%s) *" % _TOKEN.pattern, re.IGNORECASE)
# With or without a port.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::[0-9]*)?")
_FROM_PROXIES = ("FORWARDED", "VIA", "X-REAL-IP", "X-CLIENT-IP", "TRUE-CLIENT-IP", "CF-CONNECTING-IP")
_NO_TOKEN = "Set control_token_file: without it nothing can be changed here, nor read from elsewhere"
_ASK = (("WWW-Authenticate", 'Bearer realm="gunicorn"'),)
_ASK_AGAIN = (("WWW-Authenticate", 'Bearer realm="gunicorn", error="invalid_token"'),)


class Refusal(Exception):
    """A request is not served: `status`, `text` for who sent it, and fields that the answer has."""

    def __init__(self, status: int, text: str, fields: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status, text)
        self.status, self.text, self.fields = status, text, fields


def read_token(path: str) -> bytes:
    """The token in a file that its owner alone can read. Raises ValueError, and OSError."""
    # Whatever it is, to open it must not make the server wait.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError("not a regular file")
        if facts.st_mode & 0o077:
            mode = stat.S_IMODE(facts.st_mode)
            raise ValueError(f"others than its owner have access (mode {mode:04o}): chmod 600 would be right")
        token = os.read(fd, LONGEST_TOKEN + 2).strip()
    finally:
        os.close(fd)
    if not token:
        raise ValueError("the file is empty: expected a token, such as `openssl rand -hex 32` prints")
    if len(token) > LONGEST_TOKEN or _TOKEN.fullmatch(token) is None:
        raise ValueError(f"not a token: expected one word of at most {LONGEST_TOKEN} of A-Z a-z 0-9 - . _ ~ + /")
    return token


class Guard(Record):
    """Of one listener: `host` of its setting (empty for a unix socket), its `address`, and the `token`, if there is
    one."""

    host: str
    address: SocketAddress
    token: bytes | None = None

    def check(self, request: Request, peer: Peer) -> None:
        """Who sends this, and what for. Raises Refusal."""
        self.check_host(request)
        if request.header("SEC-FETCH-SITE", "none") not in ("same-origin", "none"):
            raise Refusal(403, "This is not for pages of other sites")
        changes = request.method == "POST"
        if changes:
            self._check_origin(request)
        credentials = request.header("AUTHORIZATION")
        # Those that are given are right, also where none are needed.
        if changes or credentials is not None or not self.is_near(request, peer):
            self._check_credentials(credentials)
        if changes and _media_type(request.header("CONTENT-TYPE")) != "application/json":
            raise Refusal(415, "Send the fields Content-Type: application/json, and JSON")

    def check_host(self, request: Request) -> None:
        """That it is this server which is meant. Raises Refusal."""
        host = request.authority or request.host or ""
        found = _HOST.fullmatch(host)
        if found is None or not self._is_own(found[1].lower()):
            raise Refusal(421, "The host of the request is not the one of this server")

    def is_near(self, request: Request, peer: Peer) -> bool:
        """Whether it was sent on this machine, and not by a proxy for another one."""
        for field, _ in request.fields:
            if field.name in _FROM_PROXIES or field.name.startswith("X-FORWARDED-"):
                return False
        if not isinstance(self.address, tuple):
            return True
        return _is_loopback(_ip_of(self.address)) and _is_loopback(_ip_of(peer.address))

    def _is_own(self, host: str) -> bool:
        if host == "localhost" or (self.host and host == self.host.lower()):
            return True
        wanted, own = _ip(host.removeprefix("[").removesuffix("]")), _ip_of(self.address)
        if not wanted:
            return False
        # A socket for all addresses of the machine has each of them; and no address is a name that somebody lets point
        # here.
        return _is_loopback(wanted) or wanted == own or own in ("0.0.0.0", "::")

    def _check_origin(self, request: Request) -> None:
        origin = request.header("ORIGIN")
        host = (request.authority or request.host or "").lower()
        # Which scheme, a proxy with TLS in front knows alone.
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise Refusal(403, "This is not for pages of other sites")

    def _check_credentials(self, credentials: str | None) -> None:
        if self.token is None:
            raise Refusal(403, _NO_TOKEN)
        if credentials is None:
            raise Refusal(401, "Send the field Authorization: Bearer and the token of control_token_file", _ASK)
        with standard_first():
            from hmac import compare_digest

        found = _CREDENTIALS.fullmatch(credentials.encode("latin-1", "replace"))
        if found is None or not compare_digest(found[1], self.token):
            raise Refusal(401, "This is not the token of control_token_file", _ASK_AGAIN)


def _media_type(value: str | None) -> str:
    return (value or "").partition(";")[0].strip().lower()


def _is_loopback(ip: str) -> bool:
    return ip.startswith("127.") or ip == "::1"


def _ip_of(address: SocketAddress) -> str:
    return _ip(str(address[0])) if isinstance(address, tuple) else ""


def _ip(text: str) -> str:
    """An address of IP in one way of writing it; empty for what is none."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, text.partition("%")[0]))
    except (OSError, ValueError):
        return ""
