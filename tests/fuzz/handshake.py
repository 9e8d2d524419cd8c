"""A request that wants a WebSocket gets one, with what was agreed, or an HTTPError."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms
from tests.support.frames import handshake

SPECIMENS = [
    handshake(), handshake("/chat?x=1", "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol: c"),
    handshake("/", "Sec-WebSocket-Extensions: permessage-deflate"),
    handshake("/", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=10"),
    handshake("/",
    'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits="9"'),
    handshake("/", "Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate; client_no_context_takeover"),
    handshake("/", key="short"), handshake("/", version="8"), handshake("/", "Sec-WebSocket-Version: 13"),
    handshake("/", "Content-Length: 3") + b"abc",
]
WORDS = [b"permessage-deflate", b"; ", b"client_max_window_bits", b"server_max_window_bits=8", b"=", b'"', b",",
         b"websocket",
         b"Upgrade", b"Connection: Upgrade\r\n", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"==", b"15",
         b"16", b"07"]


def make(rooms: Rooms) -> Any:
    http1, events, fields = rooms("wire.http1"), rooms("wire.protocol"), rooms("http.fields")
    limits, errors = rooms("http.limits"), rooms("http.errors")
    opening = rooms("wire.websocket_handshake")
    table = fields.FieldTable(limits.Limits())
    http_error = errors.HTTPError

    def run(pieces: list[bytes], choice: int) -> object:
        protocol = http1.HTTP1(table)
        try:
            for piece in pieces:
                protocol.receive(piece)
                if protocol.next_event() == events.REQUEST:
                    break
            request = protocol.request
            if request is None or not opening.asks_for_websocket(request):
                return None
            answer = opening.check_handshake(request)
            deflate = opening.agree_on_deflate(request)
            assert deflate is None or (8 <= deflate.server_bits <= 15 and 8 <= deflate.client_bits <= 15)
            agreed = deflate and (deflate.answer, deflate.server_bits, deflate.client_bits, deflate.server_keeps)
            return answer, agreed, opening.offered_subprotocols(request)
        except http_error as error:
            return type(error).__name__, repr(error.detail)

    return run
