"""A static file as an application would answer with it, for those who have no engine to send it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunicorn._types import Environ, StartResponse
    from gunicorn.gateway.static_site import Answer

__all__ = ["StaticApplication"]

# A file is read in pieces of this size.
PIECE = 65536


class StaticApplication:
    """Both the application and what it returns: its `close` lets go of the file."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __call__(self, environ: Environ, start_response: StartResponse) -> StaticApplication:
        answer = self._answer
        fields = [line.pair() for line in answer.lines]
        if answer.length:
            fields.append(("Content-Length", str(answer.length)))
        start_response(answer.status, fields)
        return self

    def __iter__(self) -> Iterator[bytes]:
        answer = self._answer
        for part in answer.parts:
            if isinstance(part, bytes):
                yield part
                continue
            # HEAD needs no file.
            offset, count = part if answer.fd >= 0 else (0, 0)
            # Less comes where the file has become shorter: the connection ends with it then.
            while count and (data := os.pread(answer.fd, min(count, PIECE), offset)):
                yield data
                offset += len(data)
                count -= len(data)

    def close(self) -> None:
        """The answer is sent, or given up."""
        fd, self._answer.fd = self._answer.fd, -1
        if fd >= 0:
            os.close(fd)
