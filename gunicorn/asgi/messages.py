"""What is wrong with a message that an application sends, in words for its author; and what is the client's doing."""

from __future__ import annotations

from gunicorn.http.response import plain_octets, plain_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Message


class Misuse(RuntimeError):
    """The application broke the rules of ASGI; the text says which."""


class Disconnected(OSError):
    """Sent to a client that is gone (ASGI specification, HTTP, "Disconnected Client - send Exception")."""


def as_dict(message: object) -> dict[str, Any]:
    """A message of a class of its own as a plain dict. Raises `Misuse`."""
    if not isinstance(message, dict):
        raise Misuse(f"a message must be a dict, not {type(message).__name__}")
    return dict(message)


def kind_of(message: Message) -> str:
    """The type of a message. Raises `Misuse`."""
    kind = message.get("type")
    if not isinstance(kind, str):
        raise Misuse("a message needs a 'type', a str")
    return kind if type(kind) is str else plain_text(kind)


def octets_of(message: Message, key: str) -> bytes:
    """The bytes under `key`, empty by default. Raises `Misuse`."""
    value = message.get(key, b"")
    if type(value) is bytes:
        return value
    if isinstance(value, bytes):
        return plain_octets(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    raise Misuse(f"{key!r} of a {message['type']} message must be bytes, not {type(value).__name__}")


def status_of(message: Message) -> int:
    """The status of a start message. Raises `Misuse`."""
    status = message.get("status")
    if type(status) is not int:
        # http.HTTPStatus and its like.
        if not isinstance(status, int) or isinstance(status, bool):
            raise Misuse(f"'status' of a {message['type']} message must be an int, not {status!r:.40}")
        status = int.__int__(status)
    if not 200 <= status <= 999:
        raise Misuse(f"'status' of a {message['type']} message must be from 200 to 999, not {status}")
    return status


def text_of(value: object) -> str:
    """What is said in words, None for nothing."""
    if isinstance(value, str):
        return plain_text(value)
    return "" if value is None else plain_text(str(value))


def unexpected(kind: str, expected: str) -> Misuse:
    """A message that has its time, but not now."""
    return Misuse(f"unexpected message {kind!r}: expected {expected}")


def is_about_the_client(error: BaseException) -> bool:
    """Whether the reason, or a reason of the reason, is that a client has left; of a group: of each of its members.

    Reasons can go round in circles: `raise group.exceptions[0]` makes the group the context of its own member.
    """
    known: dict[int, bool] = {}
    path = [error]
    while path:
        looked = path.pop()
        reasons: Any = (looked.__cause__ or looked.__context__,)
        if isinstance(looked, BaseExceptionGroup):
            reasons = looked.exceptions
        if id(looked) in known or isinstance(looked, Disconnected):
            known[id(looked)] = isinstance(looked, Disconnected) or all(known.get(id(reason)) for reason in reasons)
        else:
            # As long as it is being looked into, and so for a reason of its own.
            known[id(looked)] = False
            path.append(looked)
            path += [reason for reason in reasons if reason is not None and id(reason) not in known]
    return known[id(error)]
