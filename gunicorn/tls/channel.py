"""One connection's TLS: octets of the wire in, octets of HTTP out, and the other way round.

OpenSSL works on memory here, not on the socket: a read of the engine takes all records that have come with one system
call, and what a slow client does not take is queued like any other output. Nothing in this module waits.
"""

from __future__ import annotations

import ssl

from .facts import Facts
from .plain import PlainHTTP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Octets

# The most one record may carry (RFC 8446 section 5.1).
RECORD = 16384

# The numbers of the versions on the wire (RFC 8446 section 4.2.1), as the ASGI `tls` extension wants them.
VERSION_NUMBERS = {"SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

# An SSLError's reason when the client speaks HTTP without TLS.
_PLAIN_HTTP = frozenset({"HTTP_REQUEST", "HTTPS_PROXY_REQUEST"})


class Channel:
    """The TLS of one connection. `terminator` is the listener's; methods raise `ssl.SSLError`, an `OSError`."""

    __slots__ = (
        "_facts", "_get", "_put", "_seal", "_take", "established", "farewell_said", "finished", "incoming", "outgoing",
        "terminator", "tls",
    )

    def __init__(self, terminator: Any) -> None:
        self.terminator = terminator
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls: ssl.SSLObject = terminator.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self._put = self.incoming.write
        self._take = self.outgoing.read
        self._get = self.tls.read
        self._seal = self.tls.write
        # The handshake is done.
        self.established = False
        # The client has said that nothing more will come; whether we have said so.
        self.finished = False
        self.farewell_said = False
        self._facts: Facts | None = None

    def open(self, data: bytes) -> bytes:
        """Take octets of the wire; the content that they complete, which may be none.

        Raises `PlainHTTP` when the client does not speak TLS at all.
        """
        self._put(data)
        if not self.established and not self._handshake():
            return b""
        incoming = self.incoming
        if not incoming.pending:
            return b""
        piece: bytes = b""
        pieces: list[bytes] = []
        try:
            piece = self._get(RECORD)
            while piece and incoming.pending:
                pieces.append(piece)
                piece = b""
                piece = self._get(RECORD)
            self.finished = not piece
        except ssl.SSLWantReadError:
            # The last record is not whole, or it was one of TLS itself.
            pass
        except ssl.SSLZeroReturnError:
            self.finished = True
        if not pieces:
            return piece
        pieces.append(piece)
        return b"".join(pieces)

    def _handshake(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            if error.reason in _PLAIN_HTTP:
                raise PlainHTTP() from None
            raise
        self.established = True
        return True

    def seal(self, data: Any) -> bytes:
        """Encrypt content: the octets for the wire, with whatever TLS itself has to say before them."""
        self._seal(data)
        return self._take()

    def seal_two(self, head: bytes, data: Any) -> bytes:
        """Encrypt two runs of content."""
        self._seal(head)
        self._seal(data)
        return self._take()

    def seal_last(self, data: Octets) -> bytes:
        """Encrypt content that nothing follows but the end of our side, which is said behind it."""
        self._seal(data)
        # Which takes whatever waits; nothing does where the end was said before.
        return self.farewell() or self._take()

    def speaks(self) -> bool:
        """Whether TLS itself has something to say."""
        return self.outgoing.pending > 0

    def take(self) -> bytes:
        """What TLS itself has to say: a part of the handshake, an alert."""
        return self._take()

    def farewell(self) -> bytes:
        """The octets that end our side (RFC 8446 section 6.1); none when they were said, or nobody could read them."""
        if not self.established or self.farewell_said:
            return b""
        self.farewell_said = True
        try:
            self.tls.unwrap()
        except (OSError, ValueError):
            # Expected: the client's own farewell has not come yet, and is not waited for.
            pass
        return self._take()

    def protocol(self) -> str:
        """What ALPN has settled on (RFC 7301), empty without it."""
        return self.tls.selected_alpn_protocol() or ""

    # What applications are told.

    def facts(self) -> Facts:
        """What the handshake has settled; made at the first call."""
        if self._facts is None:
            self._facts = facts_of(self)
        return self._facts


def facts_of(channel: Channel) -> Facts:
    """Ask OpenSSL about an established channel."""
    tls = channel.tls
    name, _, bits = tls.cipher() or ("", "", 0)
    version = tls.version() or ""
    context = tls.context
    return Facts(
        version=version,
        version_number=VERSION_NUMBERS.get(version, 0),
        cipher=name,
        cipher_number=channel.terminator.cipher_number(name),
        bits=bits,
        resumed=bool(tls.session_reused),
        server_name=getattr(tls, "requested_name", None) or "",
        protocol=tls.selected_alpn_protocol() or "",
        server_certificate=channel.terminator.certificate_of(context),
        client=_client(tls),
        client_chain=_client_chain(tls),
    )


def _client(tls: ssl.SSLObject) -> dict[str, Any]:
    try:
        return dict(tls.getpeercert() or {})
    except ValueError:
        # The handshake is not done.
        return {}


def _client_chain(tls: ssl.SSLObject) -> tuple[str, ...]:
    own = tls.getpeercert(binary_form=True)
    if own is None:
        return ()
    # Python 3.13 has the whole chain; a resumed session (RFC 8446 section 2.2) has only the client's own certificate.
    chain = getattr(tls, "get_verified_chain", list)() or [own]
    return tuple(ssl.DER_cert_to_PEM_cert(certificate) for certificate in chain)
