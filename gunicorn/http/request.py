"""A request message as it was parsed (RFC 9110 section 6)."""

from __future__ import annotations

from .fields import ORDINARY, FieldName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Peer, ProxyInfo


class Request:
    """One request. Strings are native strings of PEP 3333: one character an octet.

    `uri` is the request-target as sent, `path` and `query` its parts still percent-encoded, `fields` the header
    section in order, `content_length` the bytes of the body (-1: chunked, 0: none), `body` what the engine
    gathered (bytes, or a file). `headers` is the form hooks know: a list of (NAME, value).
    """

    __slots__ = (
        "_headers", "authority", "body", "chunked", "close", "content_length", "expect_continue", "fields",
        "forced_close", "forwarder_trusted", "host", "method", "octets", "path", "peer", "priority", "proxy_info",
        "query", "scheme", "script_name", "started", "starts", "takes_trailers", "trailers", "upgrade", "uri",
        "variables", "version_major", "version_minor",
        # Hooks hang attributes of their own on a request (a start time, an identity).
        "__dict__",
    )

    # Of its own where requests have ids (`request_id_header`). An annotation would make the compiled form warn.
    request_id = None  # type: str | None
    # Which one of its connection it is, for hooks: 1 is the first.
    req_number = 1  # type: int
    # Its ids in a trace and of its span, where it has such (`otel_spans`).
    span_ids = None  # type: tuple[str, str] | None

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """What `__init__` does; the parser calls it alone, on an object made by `__new__`."""
        self.method: str = ""
        self.uri: str = ""
        self.path: str = ""
        self.query: str = ""
        self.version_major: int = 1
        self.version_minor: int = 1
        self.fields: list[tuple[FieldName, str]] = []
        self.trailers: list[tuple[str, str]] | None = None
        self.content_length: int = 0
        self.chunked: bool = False
        self.close: bool = False
        self.forced_close: bool = False
        self.expect_continue: bool = False
        self.forwarder_trusted: bool = False
        self.host: str | None = None
        self.authority: str | None = None
        self.upgrade: str | None = None
        self.scheme: str | None = None
        # What a trusted proxy says by SCRIPT_NAME: empty, or a path without a slash at its end.
        self.script_name: str | None = None
        # The header section as (name in lower case, value), where it has come so and somebody wants it so.
        self.octets: list[tuple[bytes, bytes]] | None = None
        # How urgent the answer is to its client, as that has said it (RFC 9218).
        self.priority: str | None = None
        # How many fields there are in which a trusted proxy tells when it took the request on (`logs/queue_time.py`).
        self.starts: int = 0
        # The client of HTTP/2 has said that it uses trailer fields (RFC 9110 section 10.1.4).
        self.takes_trailers = False
        self.body: Any = None
        self.peer: Peer = None
        self.proxy_info: ProxyInfo | None = None
        # What a server in front says by a protocol that has variables, as environs have it: see `variables.py`.
        self.variables: dict[str, str] | None = None
        self.started: float = 0.0
        self._headers: list[tuple[str, str]] | None = None

    @property
    def version(self) -> tuple[int, int]:
        """(major, minor) of the HTTP version; hooks may set another one."""
        return (self.version_major, self.version_minor)

    @version.setter
    def version(self, value: tuple[int, int]) -> None:
        self.version_major, self.version_minor = value

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header section as (NAME in upper case, value); made when first asked for.

        Hooks may change the list, or set another one: see `adopt_headers`.
        """
        if self._headers is None:
            self._headers = [(field.name, value) for field, value in self.fields]
        return self._headers

    @headers.setter
    def headers(self, value: list[tuple[str, str]]) -> None:
        self._headers = list(value)

    def adopt_headers(self) -> None:
        """Have the application see the header section that hooks have made of `headers`."""
        headers = self.headers
        if headers == [(field.name, value) for field, value in self.fields]:
            return
        known = {field.name: field for field, _ in self.fields}
        self.fields = [(known.get(name.upper()) or _field(name), as_text(value)) for name, value in headers]
        if self.octets is not None:
            self.octets = [(field.lower, (value or "").encode("latin-1")) for field, value in self.fields]

    @property
    def fragment(self) -> str:
        """What stood behind `#` in the target; no part of any request-target, so it is kept from the application."""
        return self.uri.partition("#")[2]

    @property
    def peer_addr(self) -> Peer:
        """Socket address of the peer, or what it said by the PROXY protocol. What hooks set is theirs alone."""
        return self.peer

    @peer_addr.setter
    def peer_addr(self, value: Peer) -> None:
        self.peer = value

    @property
    def remote_addr(self) -> Peer:
        """The same as `peer_addr`, as older hooks call it."""
        return self.peer

    @remote_addr.setter
    def remote_addr(self, value: Peer) -> None:
        self.peer = value

    @property
    def proxy_protocol_info(self) -> ProxyInfo | None:
        """What the PROXY header said: proxy_protocol, client_addr, client_port, proxy_addr, proxy_port."""
        return self.proxy_info

    @proxy_protocol_info.setter
    def proxy_protocol_info(self, value: ProxyInfo | None) -> None:
        self.proxy_info = value

    @property
    def must_close(self) -> bool:
        """Whether somebody on this side has decided that the connection ends; hooks may do so."""
        return self.forced_close

    @must_close.setter
    def must_close(self, value: bool) -> None:
        self.forced_close = value

    def force_close(self) -> None:
        """Close the connection after this request, whatever the client asked for."""
        self.forced_close = True

    def should_close(self) -> bool:
        """Whether the connection ends with this request (RFC 9112 section 9.3)."""
        return self.forced_close or self.close

    def header(self, name: str, default: str | None = None) -> str | None:
        """Value of the first field called `name` (any case), or `default`."""
        wanted = name.upper()
        for field, value in self.fields:
            if field.name == wanted:
                return value
        return default


def _field(name: str) -> FieldName:
    """One that no client has sent."""
    return FieldName(name.encode("latin-1"), ORDINARY, "")


def as_text(value: object) -> str:
    """A field's value as environs have it, of what a hook has given it. None stays: it is not to become a name."""
    return value if value is None or isinstance(value, str) else str(value)  # type: ignore[return-value]
