"""Loops of HTTP/2: Huffman codes (RFC 7541 section 5.2), heads of frames, lists of fields; the twin of the native leaf.

Bounds that leave the octets are drawn in to them, as the native functions do.
"""

from __future__ import annotations

import sys

from .http2_fields import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.http.fields import FieldName

# The octets that have a code of so many bits. Within a length the codes are consecutive in the order of the octets, and
# each length goes on where the shorter one has stopped, so the lengths are all there is to know of the code.
_OCTETS = {
    5: b"012aceiost",
    6: b" %-./3456789=A_bdfghlmnpru",
    7: b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: b"&*,;XZ",
    10: b'!"()?',
    11: b"'+|",
    12: b"#>",
    13: b"\x00$@[]~",
    14: b"^}",
    15: b"<`{",
    19: b"\\\xc3\xd0",
    20: b"\x80\x82\x83\xa2\xb8\xc2\xe0\xe2",
    21: b"\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6",
    22: b"\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9",
    23: b"\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf"
        b"\xc5\xe7\xef",
    24: b"\x09\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed",
    25: b"\xc7\xcf\xea\xeb",
    26: b"\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff",
    27: b"\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe",
    28: b"\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
        b"\x7f\xdc\xf9",
    30: b"\n\r\x16",
}
# A reader that has seen n bits of a code is at a node of the tree; what four more bits lead to: the next node, and the
# octet that was complete on the way, if one was.
_ROOT = 0
_STEPS: list[tuple[int, bytes]] = []
# The nodes at which octets may end: the bits since the last complete code are fewer than eight, and all ones.
_ENDS: set[int] = set()


def _codes() -> dict[tuple[int, int], int]:
    """(number of bits, code): the octet it stands for. EOS has a code, which is in no string, and is not among them."""
    codes = {}
    code = longest = 0
    for length, octets in _OCTETS.items():
        code <<= length - longest
        longest = length
        for octet in octets:
            codes[length, code] = octet
            code += 1
    return codes


def _make_steps() -> None:
    codes = _codes()
    # A node is named by the bits that lead to it.
    nodes = {(0, 0): _ROOT}
    for length, code in codes:
        for bits in range(1, length):
            nodes.setdefault((bits, code >> (length - bits)), len(nodes))
    # The last of them leads to EOS besides.
    for node in list(nodes):
        for nibble in range(16):
            _STEPS.append(_step(codes, nodes, node, nibble))
    _ENDS.update(nodes[bits, (1 << bits) - 1] for bits in range(8))


def _step(
    codes: dict[tuple[int, int], int], nodes: dict[tuple[int, int], int], node: tuple[int, int], nibble: int,
) -> tuple[int, bytes]:
    length, code = node
    done = b""
    for shift in (3, 2, 1, 0):
        length, code = length + 1, code << 1 | (nibble >> shift & 1)
        octet = codes.get((length, code))
        if octet is not None:
            done += bytes((octet,))
            length = code = 0
        elif (length, code) not in nodes:
            return -1, b""
    return nodes[length, code], done


def huffman(data: bytes, start: int, end: int) -> bytes:
    """The octets that a part of `data` stands for.

    Raises `ValueError` when EOS is in it, and when it ends with anything but fewer than eight ones.
    """
    if type(data) is not bytes:
        raise TypeError(f"bytes are needed, not {type(data).__name__}")
    for bound in (start, end):
        if not -sys.maxsize - 1 <= bound <= sys.maxsize:
            raise OverflowError("Python int too large to convert to C ssize_t")
    start = max(start, 0)
    if not _STEPS:
        _make_steps()
    node, found = _ROOT, []
    for octet in data[start:max(start, end)]:
        node, one = _STEPS[node << 4 | octet >> 4]
        if node >= 0:
            node, other = _STEPS[node << 4 | octet & 15]
        if node < 0:
            raise ValueError("EOS in a string")
        if one:
            found.append(one)
        if other:
            found.append(other)
    if node not in _ENDS:
        raise ValueError("a string that ends in the middle of a code")
    return b"".join(found)


def frame_head(length: int, kind: int, flags: int, stream: int) -> bytes:
    """The nine octets in front of a frame's payload (RFC 9113 section 4.1); each number as far as its bits reach."""
    for number in (length, kind, flags, stream):
        if not -2 ** 63 <= number < 2 ** 63:
            raise OverflowError("Python int too large to convert to C long")
    return (
        (length & 0xFFFFFF).to_bytes(3, "big") + bytes((kind & 0xFF, flags & 0xFF))
        + (stream & 0x7FFFFFFF).to_bytes(4, "big")
    )


def _checked(fields: list[Field]) -> list[Field]:
    if type(fields) is not list:
        raise TypeError(f"a list is needed, not {type(fields).__name__}")
    if any(type(field) is not Field for field in fields):
        raise TypeError("a Field is needed")
    return fields


def pairs_of(fields: list[Field]) -> list[tuple[FieldName, str]]:
    """(name, value) of each `Field` that is more than a pseudo-header field."""
    return [field.pair for field in _checked(fields) if field.pair is not None]


def octets_of(fields: list[Field]) -> list[tuple[bytes, bytes]]:
    """The same as octets."""
    return [field.octets for field in _checked(fields) if field.octets is not None]
