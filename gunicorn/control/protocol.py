"""The frames of the control protocol: four octets of length, big-endian, and so many octets of JSON, both ways.

A request is `{"id": ..., "command": "show workers", "args": [...]}`; an answer repeats the id and has `"status": "ok"`
and `data`, or `"status": "error"` and `error`. What is no such frame has no answer: a peer that does not speak this is
not understood any better by the next octets.
"""

from __future__ import annotations

from gunicorn._record import Record
from gunicorn._standard import standard_first

__all__ = ["LONGEST_FRAME", "Frames", "ProtocolError", "Request", "answer", "frame", "read_request", "refusal"]

LONGEST_FRAME = 65536
"""Octets that a request may have."""

_SIZE = 4


class ProtocolError(Exception):
    """The peer does not speak this protocol."""


class Request(Record):
    """`id` is any value of JSON; `command` is a line, `args` are words behind it."""

    id: object
    command: str
    args: tuple[str, ...]

    def words(self) -> list[str]:
        """All of it, split as a shell does. Raises ValueError, for quotes that stay open."""
        return [*split(self.command), *self.args]


class Frames:
    """Octets that come, as frames. `longest`: octets that one may have."""

    def __init__(self, longest: int = LONGEST_FRAME) -> None:
        self._longest = longest
        self._input = bytearray()

    def receive(self, data: bytes) -> None:
        """Octets have come."""
        self._input += data

    def next(self) -> bytes | None:
        """What is in the next frame; None when that is not complete. Raises ProtocolError for one that is too long."""
        if len(self._input) < _SIZE:
            return None
        end = _SIZE + int.from_bytes(self._input[:_SIZE])
        if end > _SIZE + self._longest:
            raise ProtocolError(f"a frame of {end - _SIZE} octets")
        if len(self._input) < end:
            return None
        payload = bytes(self._input[_SIZE:end])
        del self._input[:end]
        return payload


def frame(message: object) -> bytes:
    """A value of JSON as a frame."""
    with standard_first():
        import json

    payload = json.dumps(message).encode("ascii")
    return len(payload).to_bytes(_SIZE) + payload


def read_json(payload: bytes) -> dict[str, object]:
    """The object in a frame. Raises ProtocolError when it is none."""
    with standard_first():
        import json

    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a frame that is no JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("a frame that is no object")
    return message


def read_request(payload: bytes) -> Request:
    """What a frame asks for. Raises ProtocolError."""
    message = read_json(payload)
    command, args = message.get("command", ""), message.get("args")
    if not isinstance(command, str):
        raise ProtocolError("a command that is no text")
    words = [args] if isinstance(args, str) else args if isinstance(args, list) else []
    return Request(message.get("id", 0), command, tuple(map(str, words)))


def split(line: str) -> list[str]:
    """A line as words, as a shell reads it. Raises ValueError for quotes that stay open."""
    with standard_first():
        import shlex

    return shlex.split(line)


def answer(identity: object, data: object) -> bytes:
    """The frame of a good answer."""
    return frame({"id": identity, "status": "ok", "data": data})


def refusal(identity: object, error: str) -> bytes:
    """The frame of an answer that says why there is none."""
    return frame({"id": identity, "status": "error", "error": error})
