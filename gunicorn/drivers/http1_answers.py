"""The sending half of HTTP/1: heads, content and chunks, as one sees them on the wire (RFC 9112 sections 6 and 7)."""

from __future__ import annotations

from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.engine.transport import Transport
from gunicorn.http._octets import joined
from gunicorn.http.response import CHUNKED, NO_BODY, FieldLine
from gunicorn.http.response_head import Page, ResponseHead
from gunicorn.wire.http1_response import frame, inform, octets_of, settle

# Content up to this size is copied behind its head; a larger one goes out as it is.
JOINED = 16384


class Answers(Transport):
    """Answers requests of HTTP/1, one after the other. `begun` is the head that was not sent yet, `held` what is to go
    behind it, or behind what went before."""

    __slots__ = ("begun", "held")

    begun: ResponseHead | None
    held: list[bytes] | None

    def start(self, head: ResponseHead) -> None:
        request = self.request
        if request is not None and (request.close or (request.expect_continue and self.stream is not None)):
            # Of a client that waits to be asked for its body, and gets its answer without, that body may come or not.
            head.close = True
        settle(head)
        self.begun = head

    def head_octets(self, head: ResponseHead, content: bytes) -> bytes:
        """A head that was settled, as it goes on the wire, and the first of the content."""
        return octets_of(head, content)

    def send(self, head: ResponseHead, data: bytes, last: bool) -> None:
        framing = head.framing
        if framing == CHUNKED or self.held is not None:
            self._send_pieces(head, data, last)
            return
        if framing == NO_BODY:
            data = b""
        begun = self.begun
        if begun is not None:
            self.begun = None
            if len(data) > JOINED:
                self.write_two(self.head_octets(begun, b""), data)
                return
            data = self.head_octets(begun, data)
        elif not data:
            return
        if last and head.at_once and head.close:
            self.write_last(data)
        else:
            self.write(data)

    def _send_pieces(self, head: ResponseHead, data: bytes, last: bool) -> None:
        """As `send`, where a piece has something around it, or in front of it."""
        chunked = head.framing == CHUNKED
        if len(data) > JOINED:
            parts = self._take_held()
            if chunked:
                parts.append(b"%x\r\n" % len(data))
            self.write_two(joined(parts), data)
            if chunked:
                self.write(b"\r\n0\r\n\r\n" if last else b"\r\n")
            return
        self.hold(head, data)
        parts = self._take_held()
        if chunked and last:
            parts.append(b"0\r\n\r\n")
        if parts:
            self.write(joined(parts))

    def hold(self, head: ResponseHead, data: bytes) -> None:
        if self.broken:
            raise ClientDisconnected()
        held = self.held
        if held is None:
            held = self.held = []
        if not data:
            return
        if head.framing == CHUNKED:
            held.append(b"%x\r\n" % len(data))
            held.append(data)
            held.append(b"\r\n")
        else:
            held.append(data)

    def _take_held(self) -> list[bytes]:
        """All that is to be sent before anything else: it is the caller's now."""
        begun, self.begun = self.begun, None
        held, self.held = self.held, None
        if held is None:
            held = []
        if begun is not None:
            held.insert(0, self.head_octets(begun, b""))
        return held

    def push(self) -> None:
        held = self._take_held()
        if held:
            self.write(joined(held))

    def send_file(self, fd: int, offset: int, count: int) -> int:
        self.push()
        return self.write_file(fd, offset, count)

    def takes_trailers(self, head: ResponseHead) -> bool:
        request, prefix = head.request, head.prefix
        if prefix is None:
            return False
        return frame(request.method, request.version_minor, prefix.code, head.response_length) == CHUNKED

    def send_trailers(self, head: ResponseHead, fields: list[FieldLine]) -> None:
        self.push()
        if head.framing == CHUNKED:
            self.write(b"0\r\n" + b"".join([field.line for field in fields]) + b"\r\n")

    def inform(self, status: int, fields: list[FieldLine]) -> None:
        self.write(inform(status, fields))

    def cut(self, page: Page | None) -> None:
        octets = b""
        if page is not None:
            settle(page)
            octets = octets_of(page, b"" if page.framing == NO_BODY else page.body)
        self.cut_octets(octets)
