"""What can be passed to a task and back, as octets: None, bool, int, float, str, bytes, lists and dicts of them.

A tuple arrives as a list, and a key as text. Anything else is refused where it is sent: whoever passes an object of a
class, a set or a moment is told at once, and by its type. An octet says what follows, and a length counts octets or
entries; integers are of network order, so that both ends may be on different machines.
"""

from __future__ import annotations

import struct

from ._octets import decoded, encoded
from .errors import DirtyProtocolError
from .limits import SHORT, longest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Parts = list[bytes]

__all__ = ["MOST_ENTRIES", "decode", "encode"]

MOST_ENTRIES = 1 << 20
"""Entries of the largest list or dict."""

DEEPEST = 200
"""So many lists and dicts may stand in one another."""

_NONE, _FALSE, _TRUE, _INT, _BIG, _FLOAT, _STR, _BYTES, _LIST, _DICT = range(10)

_LENGTH = struct.Struct("!BI")
_WORD = struct.Struct("!Bq")
_DOUBLE = struct.Struct("!Bd")
_ONLY_LENGTH = struct.Struct("!I")
_ONLY_WORD = struct.Struct("!q")
_ONLY_DOUBLE = struct.Struct("!d")
_PLAIN = {None: bytes([_NONE]), False: bytes([_FALSE]), True: bytes([_TRUE])}


def encode(value: object) -> bytes:
    """The octets of `value`. Raises DirtyProtocolError for what cannot be passed, or is too large."""
    short = encoded(value)
    if short is not None:
        return short
    parts: Parts = []
    _put(value, parts, DEEPEST)
    octets = b"".join(parts)
    if len(octets) > SHORT and len(octets) > longest():
        raise DirtyProtocolError(f"Message of {len(octets)} octets is too large: {longest()} are the most")
    return octets


def _put(value: object, parts: Parts, depth: int) -> None:
    put = _PUTS.get(type(value))
    if put is None:
        put = next((_PUTS[kind] for kind in _DERIVED if isinstance(value, kind)), None)
        if put is None:
            raise DirtyProtocolError(f"Cannot send a value of type {type(value).__name__}")
    put(value, parts, depth)


def _put_plain(value: bool | None, parts: Parts, depth: int) -> None:
    parts.append(_PLAIN[value])


def _put_int(value: int, parts: Parts, depth: int) -> None:
    try:
        parts.append(_WORD.pack(_INT, value))
    except struct.error:
        octets = int(value).to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
        parts += (_LENGTH.pack(_BIG, len(octets)), octets)


def _put_float(value: float, parts: Parts, depth: int) -> None:
    parts.append(_DOUBLE.pack(_FLOAT, value))


def _put_str(value: str, parts: Parts, depth: int) -> None:
    octets = value.encode("utf-8", "surrogatepass")
    parts += (_LENGTH.pack(_STR, _bounded(len(octets), "String")), octets)


def _put_bytes(value: bytes, parts: Parts, depth: int) -> None:
    parts += (_LENGTH.pack(_BYTES, _bounded(len(value), "Bytes")), value)


def _put_list(value: list[object] | tuple[object, ...], parts: Parts, depth: int) -> None:
    _check_container(len(value), depth)
    parts.append(_LENGTH.pack(_LIST, len(value)))
    for entry in value:
        _put(entry, parts, depth - 1)


def _put_dict(value: dict[object, object], parts: Parts, depth: int) -> None:
    _check_container(len(value), depth)
    parts.append(_LENGTH.pack(_DICT, len(value)))
    for key, entry in value.items():
        octets = str(key).encode("utf-8", "surrogatepass")
        parts += (_ONLY_LENGTH.pack(_bounded(len(octets), "Key")), octets)
        _put(entry, parts, depth - 1)


def _bounded(length: int, what: str) -> int:
    if length > SHORT and length > longest():
        raise DirtyProtocolError(f"{what} of {length} octets is too long: {longest()} are the most")
    return length


def _check_container(length: int, depth: int) -> None:
    if length > MOST_ENTRIES:
        raise DirtyProtocolError(f"Cannot send {length} entries at once: {MOST_ENTRIES} are the most")
    if depth <= 0:
        raise DirtyProtocolError(f"Cannot send more than {DEEPEST} lists and dicts in one another")


_PUTS: dict[type, Callable[..., None]] = {
    type(None): _put_plain, bool: _put_plain, int: _put_int, float: _put_float, str: _put_str, bytes: _put_bytes,
    list: _put_list, tuple: _put_list, dict: _put_dict,
}
# What is derived from these goes as they do: members of an enumeration, named tuples.
_DERIVED = (int, float, str, bytes, list, tuple, dict)


def decode(octets: bytes, start: int = 0) -> object:
    """The value that `octets` are from `start` on. Raises DirtyProtocolError for anything that `encode` does not make.
    """
    value, end = decode_first(octets, start)
    if end != len(octets):
        raise DirtyProtocolError(f"{len(octets) - end} octets too many behind a value")
    return value


def decode_first(octets: bytes, start: int = 0) -> tuple[object, int]:
    """The value at `start`, and where it ends. Raises DirtyProtocolError."""
    try:
        return decoded(octets, start) or _take(octets, start, DEEPEST)
    except (struct.error, IndexError):
        raise DirtyProtocolError("A value has no end", octets[start:start + 100]) from None
    except UnicodeDecodeError:
        raise DirtyProtocolError("A text is no UTF-8", octets[start:start + 100]) from None


def _take(octets: bytes, at: int, depth: int) -> tuple[object, int]:
    kind = octets[at]
    at += 1
    if kind < len(_CONSTANTS):
        return _CONSTANTS[kind], at
    if kind == _INT:
        return _ONLY_WORD.unpack_from(octets, at)[0], at + 8
    if kind == _FLOAT:
        return _ONLY_DOUBLE.unpack_from(octets, at)[0], at + 8
    if kind > _DICT:
        raise DirtyProtocolError(f"No value begins with {kind}", octets[at - 1:at + 99])
    length = _ONLY_LENGTH.unpack_from(octets, at)[0]
    at += 4
    # An entry has an octet at the least: who claims more than there is has none of the memory for it.
    if length > len(octets) - at:
        raise IndexError
    if kind >= _LIST:
        _check_container(length, depth)
        return (_take_list if kind == _LIST else _take_dict)(octets, at, length, depth - 1)
    return _SIMPLE[kind](octets[at:at + length]), at + length


def _take_list(octets: bytes, at: int, length: int, depth: int) -> tuple[list[object], int]:
    found = []
    for _ in range(length):
        value, at = _take(octets, at, depth)
        found.append(value)
    return found, at


def _take_dict(octets: bytes, at: int, length: int, depth: int) -> tuple[dict[str, object], int]:
    found = {}
    for _ in range(length):
        size = _ONLY_LENGTH.unpack_from(octets, at)[0]
        at += 4
        if size > len(octets) - at:
            raise IndexError
        key = octets[at:at + size].decode("utf-8", "surrogatepass")
        found[key], at = _take(octets, at + size, depth)
    return found, at


def _big(octets: bytes) -> int:
    return int.from_bytes(octets, "big", signed=True)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogatepass")


_CONSTANTS = (None, False, True)
_SIMPLE: dict[int, Callable[[bytes], object]] = {_BIG: _big, _STR: _text, _BYTES: bytes}
