"""How a connection becomes one of HTTP/2: by ALPN inside TLS or by its preface (RFC 9113 section 3), or by an upgrade
(RFC 7540 section 3.2)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error

from gunicorn._record import Record
from gunicorn.http.errors import HTTP2NotServed, HTTPError, InvalidHTTPVersion, UnsupportedHTTPVersion
from gunicorn.http.fields import FieldTable
from gunicorn.http.request import Request
from gunicorn.wire.hpack import Static
from gunicorn.wire.http2_frames import FatalError, HTTP2Settings

from .http1 import Connection
from .http2 import Session
from .opener import NOT_ALLOWED, PREFACE_LINE, Entry

NOT_TRUSTED = "of a peer that is not in forwarded_allow_ips"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
# Of the settings in a field HTTP2-Settings, which is one of a GET request's many.
MOST_SETTINGS = 512


class HTTP2Options(Record):
    """Where HTTP/2 begins without TLS (for trusted peers alone), what clients are told, and how long one may be idle,
    in seconds."""

    prior_knowledge: bool = False
    upgrade: bool = False
    settings: HTTP2Settings = HTTP2Settings()
    keepalive: float = 60.0


class HTTP2Entry(Entry):
    """Makes sessions of the connections of one engine."""

    negotiates = True

    def __init__(self, options: HTTP2Options) -> None:
        self._options = options
        self._static: Static | None = None

    def negotiated(self, connection: Connection) -> None:
        self._session(connection).pump()

    def serves_preface(self, connection: Connection, error: HTTPError) -> HTTPError | None:
        protocol = connection.protocol
        trusted = protocol.trusted
        is_preface = isinstance(error, UnsupportedHTTPVersion) and protocol.begins_with(PREFACE_LINE)
        if not is_preface and not self._is_broken_preface(connection, error):
            return error
        if connection.is_secure():
            return HTTP2NotServed("HTTP/2 inside TLS, which was not agreed on by ALPN")
        if not self._options.prior_knowledge:
            return HTTP2NotServed(NOT_ALLOWED)
        if not trusted:
            return HTTP2NotServed(f"HTTP/2 without TLS, {NOT_TRUSTED}")
        self._session(connection).pump()
        connection.take_turn()
        return None

    def _is_broken_preface(self, connection: Connection, error: HTTPError) -> bool:
        """Whether what has come has nothing of HTTP/1, not even a version, where HTTP/2 may begin: it is told so there.
        """
        return (
            type(error) is InvalidHTTPVersion and self._options.prior_knowledge and not connection.is_secure()
            and connection.protocol.trusted and not connection.protocol.line_has(b"HTTP/")
        )

    def upgrades(self, connection: Connection, request: Request) -> bool:
        if not self._options.upgrade or not asks_for_http2(request):
            return False
        trusted = connection.protocol.trusted
        payload = settings_of_field(request.header("HTTP2-Settings") or "")
        if payload is None or connection.is_secure() or connection.stream is not None:
            return False
        if not trusted:
            if not connection.number:
                connection.engine.handler.tell(connection.peer, "HTTP/2", f"no upgrade, {NOT_TRUSTED}")
            return False
        connection.write(SWITCHING)
        request.upgrade = None
        request.version_major, request.version_minor = 2, 0
        request.expect_continue = False
        session = self._session(connection)
        try:
            session.protocol.apply(payload)
        except FatalError as error:
            session.protocol.fail(error.code, str(error))
        else:
            session.adopt(request)
        connection.take_turn()
        return True

    def _session(self, connection: Connection) -> Session:
        table, trusted = connection.protocol.table, connection.protocol.trusted
        session = Session(connection, self._static_of(table), trusted, self._options.settings, self._options.keepalive)
        connection.multiplex(session)
        return session

    def _static_of(self, table: FieldTable) -> Static:
        if self._static is None:
            self._static = Static(table)
        return self._static


def asks_for_http2(request: Request) -> bool:
    """Whether a request of HTTP/1.1 offers to go on in HTTP/2 (RFC 7540 section 3.2)."""
    offered = [word.strip() for word in (request.upgrade or "").split(",")]
    if "h2c" not in offered or request.version != (1, 1):
        return False
    options = {word.strip().lower() for word in ",".join(_values(request, "CONNECTION")).split(",")}
    return "http2-settings" in options and len(_values(request, "HTTP2-SETTINGS")) == 1


def _values(request: Request, name: str) -> list[str]:
    return [value for field, value in request.fields if field.name == name]


def settings_of_field(text: str) -> bytes | None:
    """The payload of a SETTINGS frame, as HTTP2-Settings has it (RFC 7540 section 3.2.1); None for what is none."""
    if len(text) > MOST_SETTINGS or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        return None
    try:
        payload = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Base64Error:
        return None
    return payload if len(payload) % 6 == 0 else None
