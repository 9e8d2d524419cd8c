"""When a certificate ends, read out of its own octets (RFC 5280 section 4.1): Python tells it of a peer's alone."""

from __future__ import annotations

from binascii import Error, a2b_base64
from datetime import UTC, datetime

__all__ = ["end_of"]

_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


def end_of(pem: str) -> float | None:
    """Seconds since the epoch at which the first certificate of a PEM text ends; None where there is none."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    body = pem.partition(begin)[2].partition(end)[0]
    try:
        return _end_of(a2b_base64(body))
    except (Error, IndexError, ValueError):
        return None


def _end_of(der: bytes) -> float | None:
    certificate = _content(der, 0, _SEQUENCE)
    to_be_signed = _content(certificate, 0, _SEQUENCE)
    position = 0
    if to_be_signed[0] == _VERSION:
        position = _behind(to_be_signed, position)
    # Serial number, signature algorithm, issuer.
    for _ in range(3):
        position = _behind(to_be_signed, position)
    validity = _content(to_be_signed, position, _SEQUENCE)
    place = _behind(validity, 0)
    kind, text = validity[place], _content(validity, place).decode("ascii")
    return _moment(kind, text)


def _moment(kind: int, text: str) -> float | None:
    """A time in Zulu, to the second, as the profile demands (sections 4.1.2.5.1 and 4.1.2.5.2)."""
    digits = text.removesuffix("Z")
    if kind == _UTC_TIME:
        digits = ("19" if int(digits[:2]) >= 50 else "20") + digits
    elif kind != _GENERALIZED_TIME:
        return None
    if len(digits) != 14 or not digits.isdigit():
        return None
    month, day, hour, minute, second = (int(digits[at:at + 2]) for at in range(4, 14, 2))
    return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC).timestamp()


# Distinguished encoding (X.690): a tag of one octet, a length, and so many octets of content.


def _content(octets: bytes, at: int, tag: int | None = None) -> bytes:
    """The content of the value that begins there."""
    if tag is not None and octets[at] != tag:
        raise ValueError(f"no value of the tag {tag:#x}")
    start, end = _extent(octets, at)
    return octets[start:end]


def _behind(octets: bytes, at: int) -> int:
    """Where the value ends that begins there."""
    return _extent(octets, at)[1]


def _extent(octets: bytes, at: int) -> tuple[int, int]:
    first = octets[at + 1]
    start = at + 2
    length = first
    if first & 0x80:
        start += first & 0x7F
        length = int.from_bytes(octets[at + 2:start], "big")
    if start + length > len(octets):
        raise ValueError("a value that is cut off")
    return start, start + length
