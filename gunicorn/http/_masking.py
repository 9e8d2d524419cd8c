"""Masked payloads of WebSocket frames (RFC 6455 section 5.3): the twin of the native loop, on one big exclusive or."""

from __future__ import annotations


def unmask(data: bytes, start: int, end: int, key: bytes, phase: int) -> bytes:
    """`data[start:end]` with the four octets of `key` taken off; `phase` octets of the payload came before."""
    count = end - start
    if phase & 3:
        key = key[phase & 3:] + key[:phase & 3]
    run = (key * (count + 3 >> 2))[:count]
    return (int.from_bytes(data[start:end], "little") ^ int.from_bytes(run, "little")).to_bytes(count, "little")
