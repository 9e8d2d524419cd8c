"""Masked payloads of WebSocket frames (RFC 6455 section 5.3): the twin of the native loop, on one big exclusive or."""

from __future__ import annotations

import sys


def unmask(data: bytes, start: int, end: int, key: bytes, phase: int) -> bytes:
    """`data[start:end]` with the four octets of `key` taken off; `phase` octets of the payload came before.

    Raises `ValueError` for what is no part of the octets or no key.
    """
    if type(data) is not bytes or type(key) is not bytes:
        raise TypeError("bytes are needed")
    if not -sys.maxsize - 1 <= min(start, end, phase) <= max(start, end, phase) <= sys.maxsize:
        raise OverflowError("Python int too large to convert to C ssize_t")
    if not 0 <= start <= end <= len(data) or len(key) != 4:
        raise ValueError("not a part of the octets, or not a key")
    count = end - start
    if phase & 3:
        key = key[phase & 3:] + key[:phase & 3]
    run = (key * (count + 3 >> 2))[:count]
    return (int.from_bytes(data[start:end], "little") ^ int.from_bytes(run, "little")).to_bytes(count, "little")
