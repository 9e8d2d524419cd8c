"""What the application answers (PEP 3333, "The start_response() Callable", "Handling the Content-Length Header")."""

from __future__ import annotations

from gunicorn.engine._leaf import monotonic
from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.gateway.response import Response
from gunicorn.http.response import CHUNKED, LENGTH, NO_BODY, plain_octets

from .filewrapper import FileWrapper, file_region

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Of a client to whom nothing is sent one hears nothing: after so many seconds of empty pieces, and again after as
# many, it is looked whether it has left.
SILENT_SECONDS = 3.0


class IncompleteResponse(Exception):
    """The application has said less than its Content-Length promised."""


class ResponseComplete(Exception):
    """`write` was called for content that has no place in the response: the client has all that it gets."""


class WSGIResponse(Response):
    """A response that `start_response` begins, and what the application returns, or gives to `write`, goes on with."""

    __slots__ = ()

    def start_response(self, status: Any, headers: Any, exc_info: Any = None) -> Any:
        """PEP 3333. Raises `HTTPError` (500) for what must not go on the wire, and AssertionError when called again
        without `exc_info`."""
        if exc_info is not None:
            try:
                if self.headers_sent:
                    _, error, traceback = exc_info
                    raise error.with_traceback(traceback)
            finally:
                exc_info = None
            self._restart()
        elif self.prefix is not None:
            raise AssertionError("start_response was called before, and now without exc_info")
        self._start(status, headers)
        return self

    def __call__(self, data: Any) -> None:
        """The `write` callable of PEP 3333: send content.

        Raises `ClientDisconnected`; `ResponseComplete` for content beyond the Content-Length, and for more content of a
        response that has none, as that to HEAD; and RuntimeError when the request is over: its connection may be
        another one's.
        """
        exchange = self.exchange
        if exchange.response is not self:
            if exchange.broken:
                raise ClientDisconnected()
            raise RuntimeError("write() was called after the end of its request")
        if self.complete and data:
            raise ResponseComplete("the client has the whole response")
        self._write(data)
        if not data:
            self._look_for_client()

    def _write(self, data: Any) -> None:
        if type(data) is not bytes:
            data = plain_octets(data)
        if not self.headers_sent:
            if data:
                self._begin(-1)
                self._send(data, False)
            elif self.prefix is None:
                raise AssertionError("the application sent content before it called start_response")
        elif data:
            self.silent_since = 0.0
            self._send(data, False)

    def _look_for_client(self) -> None:
        """An empty piece was given, which tells nothing to the client, nor of it. Raises `ClientDisconnected`."""
        now = monotonic()
        if not self.silent_since:
            self.silent_since = now
        elif now - self.silent_since >= SILENT_SECONDS:
            self.silent_since = now
            if self.exchange.has_left():
                raise ClientDisconnected()

    def send_result(self, result: Any) -> None:
        """Send what the application has returned, all of it. Raises `ClientDisconnected`, `IncompleteResponse`."""
        kind = type(result)
        if (kind is list or kind is tuple) and not self.headers_sent:
            self._send_list(result)
        elif kind is FileWrapper and self._send_file(result):
            pass
        else:
            for data in result:
                self._write(data)
                if self.complete:
                    # The first piece that cannot be sent is the last one asked for: there may be no end of them.
                    break
                if not data:
                    self._look_for_client()
        self._complete()

    def _send_list(self, result: Any) -> None:
        """All of the content is here: its length is known, and it goes out in one call."""
        if len(result) == 1:
            data = result[0]
        else:
            data = b"".join(result)
        if type(data) is not bytes:
            data = plain_octets(data)
        # An empty answer to HEAD says nothing about the length that GET would have.
        known = len(data)
        if known == 0 and self.request.method == "HEAD":
            known = -1
        self._begin(known)
        self.complete = True
        self.at_once = self.gateway.ends_at_once
        self._send(data, True)

    def _send_file(self, wrapper: FileWrapper) -> bool:
        """Let the kernel send a regular file; False when it, or the rest of it, has to be read."""
        if self.headers_sent or not self.gateway.use_sendfile or self.prefix is None:
            return False
        region = file_region(wrapper)
        if region is None:
            return False
        fd, offset, count = region
        self._begin(count)
        if self.framing == NO_BODY:
            self.exchange.push()
            return True
        if self.framing == LENGTH:
            count = min(count, self.response_length)
        taken = self.exchange.send_file(fd, offset, count)
        if taken < 0:
            return False
        # Less where the file has become shorter meanwhile; `_complete` sees that.
        self.sent += taken
        return True

    def _complete(self) -> None:
        """The application has no more to say."""
        if not self.headers_sent:
            self._begin(-1 if self.request.method == "HEAD" else 0)
            self.exchange.push()
        elif self.framing == CHUNKED:
            self.complete = True
            self.exchange.send(self, b"", True)
        if self.framing == LENGTH and self.sent < self.response_length:
            raise IncompleteResponse(f"{self.sent} of {self.response_length} bytes")
