"""The sending half of HTTP/1: heads, content and chunks, as one sees them on the wire (RFC 9112 sections 6 and 7)."""

from __future__ import annotations

from gunicorn.http._octets import joined
from gunicorn.http.response import CHUNKED, NO_BODY, FieldLine
from gunicorn.http.response_head import Page, ResponseHead
from gunicorn.wire.http1_response import frame, head_of, inform

from .exchange import ClientDisconnected
from .outgoing import Outgoing

# Content up to this size is copied behind its head; a larger one goes out as it is.
JOINED = 16384


class Sending(Outgoing):
    """Answers requests of HTTP/1, one after the other. `parts` is what was begun and not yet sent."""

    __slots__ = ("parts",)

    def start(self, head: ResponseHead) -> None:
        self.parts: list[bytes] | None = head_of(head)

    def send(self, head: ResponseHead, data: bytes, last: bool) -> None:
        parts = self.parts
        if parts is None:
            parts = []
        else:
            self.parts = None
        framing = head.framing
        if framing == CHUNKED:
            self._send_chunk(parts, data, last)
            return
        if framing == NO_BODY:
            data = b""
        if len(data) > JOINED:
            if parts:
                self.write_two(joined(parts), data)
            else:
                self.write(data)
            return
        if parts:
            parts.append(data)
            data = joined(parts)
        elif not data:
            return
        if last and head.at_once and head.close:
            self.write_last(data)
        else:
            self.write(data)

    def _send_chunk(self, parts: list[bytes], data: bytes, last: bool) -> None:
        size = len(data)
        if size:
            parts.append(b"%x\r\n" % size)
        if size > JOINED:
            self.write_two(joined(parts), data)
            self.write(b"\r\n0\r\n\r\n" if last else b"\r\n")
            return
        if size:
            parts.append(data)
            parts.append(b"\r\n")
        if last:
            parts.append(b"0\r\n\r\n")
        if parts:
            self.write(joined(parts))

    def hold(self, head: ResponseHead, data: bytes) -> None:
        if self.broken:
            raise ClientDisconnected()
        parts = self.parts
        if parts is None:
            parts = self.parts = []
        if not data:
            return
        if head.framing == CHUNKED:
            parts.append(b"%x\r\n" % len(data))
            parts.append(data)
            parts.append(b"\r\n")
        else:
            parts.append(data)

    def push(self) -> None:
        parts, self.parts = self.parts, None
        if parts:
            self.write(joined(parts))

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
        # A client of HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
        if self.request is not None and self.request.version_minor:
            self.write(inform(status, fields))

    def cut(self, page: Page | None) -> None:
        octets = b""
        if page is not None:
            octets = b"".join(head_of(page))
            if page.framing != NO_BODY:
                octets += page.body
        self.cut_octets(octets)
