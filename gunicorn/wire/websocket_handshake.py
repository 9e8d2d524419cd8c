"""The opening handshake of a WebSocket (RFC 6455 section 4.2) and what is agreed in it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from gunicorn.http.errors import HTTPError, InvalidHeader
from gunicorn.http.request import Request

from .websocket import WINDOW_BITS, Deflate

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_EXTENSION = re.compile(
    rf'[ \t]*({_TOKEN})((?:[ \t]*;[ \t]*{_TOKEN}(?:[ \t]*=[ \t]*(?:{_TOKEN}|"{_TOKEN}"))?)*)[ \t]*(?:,|\Z)'
)
_PARAMETER = re.compile(rf';[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*"?({_TOKEN})"?)?')
_BITS = frozenset(str(bits) for bits in range(8, 16))


class UpgradeRequired(HTTPError):
    """A version of the protocol that is not spoken here (RFC 6455 section 4.4)."""

    status = 426
    title = "Upgrade required"
    fields = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))


def asks_for_websocket(request: Request) -> bool:
    """Whether the request wants to leave HTTP for a WebSocket."""
    upgrade = request.upgrade
    if request.version_major == 2:
        # RFC 8441 section 5.
        return upgrade == "websocket" and request.method == "CONNECT"
    if upgrade is None or upgrade.lower() != "websocket" or request.method != "GET":
        return False
    if request.version_minor < 1:
        return False
    return "upgrade" in _words(request, "CONNECTION", lower=True)


def check_handshake(request: Request) -> bytes:
    """The value of Sec-WebSocket-Accept, empty where a stream of HTTP/2 has no place for it. Raises `UpgradeRequired`,
    and `InvalidHeader` for a wrong key or a body.

    A body would be taken for frames, or frames for a body: nobody in between could know where one ends.
    """
    if request.content_length:
        raise InvalidHeader("a WebSocket handshake with a body")
    # That both stand once is seen to by the parser, in every worker type.
    if request.header("SEC-WEBSOCKET-VERSION") != "13":
        raise UpgradeRequired("only version 13 of WebSocket is supported")
    if request.version_major == 2:
        return b""
    key = request.header("SEC-WEBSOCKET-KEY") or ""
    try:
        nonce = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        nonce = b""
    if len(nonce) != 16:
        raise InvalidHeader("Sec-WebSocket-Key")
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())


def offered_subprotocols(request: Request) -> list[str]:
    """What the client can speak above WebSocket, best first."""
    return _words(request, "SEC-WEBSOCKET-PROTOCOL")


def _words(request: Request, name: str, lower: bool = False) -> list[str]:
    text = ",".join(value for field, value in request.fields if field.name == name)
    words = [word.strip(" \t") for word in (text.lower() if lower else text).split(",")]
    return [word for word in words if word]


def agree_on_deflate(request: Request) -> Deflate | None:
    """The first offer of permessage-deflate that can be served (RFC 7692 section 7.1)."""
    text = ",".join(value for field, value in request.fields if field.name == "SEC-WEBSOCKET-EXTENSIONS")
    position = 0
    while position < len(text):
        match = _EXTENSION.match(text, position)
        if match is None:
            return None
        position = match.end()
        if match[1].lower() == "permessage-deflate":
            parameters = _PARAMETER.findall(match[2])
            agreed = _agree({name.lower(): value for name, value in parameters}, len(parameters))
            if agreed is not None:
                return agreed
    return None


def _agree(offer: dict[str, str], count: int) -> Deflate | None:
    """None for an offer that is not understood or cannot be kept: then there is no compression (section 5.1)."""
    if len(offer) != count:
        return None
    bits = offer.pop("server_max_window_bits", "15")
    # An empty value says: name any. zlib makes no raw stream with a window of 8 bits.
    client_bits = offer.pop("client_max_window_bits", None)
    server_forgets = offer.pop("server_no_context_takeover", None)
    client_forgets = offer.pop("client_no_context_takeover", None)
    if offer or server_forgets or client_forgets or bits not in _BITS or bits == "8":
        return None
    if client_bits and client_bits not in _BITS:
        return None
    most = None if client_bits is None else int(client_bits or 15)
    return _agreed(server_forgets is not None, client_forgets is not None, int(bits), most)


def _agreed(server_forgets: bool, client_forgets: bool, server_most: int, client_most: int | None) -> Deflate:
    """What is made of an offer. `server_most`, `client_most`: bits of the largest windows that are allowed; None: the
    client does not know that its own can be named."""
    answer = ["permessage-deflate"]
    if server_forgets:
        answer.append("server_no_context_takeover")
    if client_forgets:
        answer.append("client_no_context_takeover")
    server_window = min(server_most, WINDOW_BITS)
    answer.append(f"server_max_window_bits={server_window}")
    client_window = 15
    if client_most is not None:
        client_window = min(client_most, WINDOW_BITS)
        answer.append(f"client_max_window_bits={client_window}")
    # What zlib calls 8 bits are 9 when it compresses; a larger window than the client's does no harm here.
    return Deflate(not server_forgets, not client_forgets, server_window, max(client_window, 9), "; ".join(answer))
