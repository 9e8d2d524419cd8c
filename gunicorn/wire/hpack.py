"""Field sections as HTTP/2 sends them: HPACK (RFC 7541).

What is received is decoded with the dynamic table that its sender asks for. What is sent uses none: every field is a
literal whose octets can be remembered for good, whatever else is sent before it and by which thread. A response is some
seventy octets longer for that, and there is no order to keep, and no table for anybody to attack.
"""

from __future__ import annotations

from gunicorn.http.fields import FieldTable

from ._http2 import huffman
from .http2_fields import Field

#: The fields that both sides know (RFC 7541 appendix A); the first has index 1.
STATIC: tuple[tuple[bytes, bytes], ...] = (
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
)
# The index of a name, the lowest where it has several, and of a field.
_NAMES = {name: index for index, (name, _) in reversed(list(enumerate(STATIC, 1)))}
_FIELDS = {field: index for index, field in enumerate(STATIC, 1)}

#: Octets of the dynamic table as it is unless a SETTINGS frame says otherwise (RFC 9113 section 6.5.2).
TABLE_SIZE = 4096
# An integer that takes more octets than this says nothing that could be meant.
LONGEST_INTEGER = 4
# So many fields that have left the table may stand in front of those that are in it.
STALE = 16


class CompressionError(ValueError):
    """A block that breaks RFC 7541: what follows on this connection could not be read (RFC 9113 section 4.3)."""


class Static:
    """The static table, its fields judged by the rules of one process."""

    __slots__ = ("fields", "table")

    def __init__(self, table: FieldTable) -> None:
        self.table = table
        self.fields = [Field(name, value, table) for name, value in STATIC]


class Decoder:
    """The blocks of one direction of a connection, in their order."""

    __slots__ = ("bound", "capacity", "fields", "first", "position", "size", "static", "table", "total")

    def __init__(self, static: Static, bound: int = TABLE_SIZE) -> None:
        self.begin(static, bound)

    def begin(self, static: Static, bound: int) -> None:
        """What `__init__` does. `bound`: octets that the peer may have the table hold, as we have told it."""
        self.static: list[Field] = static.fields
        self.table = static.table
        self.bound = bound
        self.capacity = bound
        self.size = 0
        # The newest is the last; those before `first` have left the table.
        self.fields: list[Field] = []
        self.first = 0
        # Where the integer or string that was read last has ended.
        self.position = 0
        # The size of the section that was read last.
        self.total = 0

    def decode(self, data: bytes, start: int, end: int, most: int) -> list[Field]:
        """The fields of a whole block, `data[start:end]`, of which `total` is the size (RFC 9113 section 6.5.2); those
        behind the first `most` octets are left out. The list is the caller's. Raises `CompressionError`, and
        `ValueError` for bounds that are none."""
        if start < 0 or end < start or end > len(data):
            raise ValueError("not a part of the octets")
        found: list[Field] = []
        total = 0
        view = data
        position = start
        known, dynamic = len(self.static), self.fields
        # Where fields begin, behind the changes of the table's size as far as they were seen.
        fields = start
        while position < end:
            octet = view[position]
            if octet >= 128:
                # The whole field has an index; one octet tells it, but for tables of many fields.
                if octet == 255:
                    index = self._integer(data, position, end, 127)
                    position = self.position
                else:
                    index = octet - 128
                    position += 1
                # As `_known` finds it, without the call: most fields of most requests come here.
                place = len(dynamic) + known - index
                if index > known and place >= self.first:
                    field = dynamic[place]
                else:
                    field = self._known(index)
            elif octet >= 64:
                field = self._literal(data, position, end, 63)
                position = self.position
                self._add(field)
            elif octet >= 32:
                if position != fields:
                    raise CompressionError("a change of the table's size behind a field")
                self._resize(self._integer(data, position, end, 31))
                position = fields = self.position
                continue
            else:
                field = self._literal(data, position, end, 15)
                position = self.position
            total += field.size
            if total <= most:
                found.append(field)
        self.total = total
        return found

    def _known(self, index: int) -> Field:
        """The field of an index."""
        static = self.static
        if 0 < index <= len(static):
            return static[index - 1]
        place = len(self.fields) + len(static) - index
        if index == 0 or place < self.first:
            raise CompressionError(f"index {index} is in no table")
        return self.fields[place]

    def _literal(self, data: bytes, position: int, end: int, most: int) -> Field:
        """A field that is spelt out, its name perhaps by an index below `most`; `position` is then behind it."""
        index = self._integer(data, position, end, most)
        name = self._known(index).name if index else self._string(data, self.position, end)
        return Field(name, self._string(data, self.position, end), self.table)

    def _integer(self, data: bytes, position: int, end: int, most: int) -> int:
        """An integer with a prefix that holds numbers below `most` (RFC 7541 section 5.1)."""
        value = data[position] & most
        position += 1
        if value == most:
            shift = 0
            while True:
                if position >= end:
                    raise CompressionError("an integer that does not end")
                if shift >= 7 * LONGEST_INTEGER:
                    raise CompressionError("an integer of too many octets")
                octet = data[position]
                position += 1
                value += (octet & 127) << shift
                shift += 7
                if octet < 128:
                    break
        self.position = position
        return value

    def _string(self, data: bytes, position: int, end: int) -> bytes:
        """The octets of a string (RFC 7541 section 5.2)."""
        if position >= end:
            raise CompressionError("a field that does not end")
        coded = data[position] >= 128
        length = self._integer(data, position, end, 127)
        position = self.position
        if length > end - position:
            raise CompressionError("a string that does not end")
        self.position = position + length
        if not coded:
            return data[position:position + length]
        try:
            return huffman(data, position, position + length)
        except ValueError as error:
            raise CompressionError(str(error)) from None

    # The dynamic table (RFC 7541 section 4).

    def _add(self, field: Field) -> None:
        """A new field; one that is larger than the table empties it."""
        self._shrink(self.capacity - field.size)
        if field.size <= self.capacity:
            self.fields.append(field)
            self.size += field.size

    def _resize(self, capacity: int) -> None:
        if capacity > self.bound:
            raise CompressionError(f"a table of {capacity} octets, where {self.bound} are allowed")
        self.capacity = capacity
        self._shrink(capacity)

    def _shrink(self, most: int) -> None:
        """Let the oldest go until no more than `most` octets are left."""
        while self.size > most and self.first < len(self.fields):
            self.size -= self.fields[self.first].size
            self.first += 1
        if self.first == len(self.fields) or self.first >= STALE:
            del self.fields[:self.first]
            self.first = 0


# What is sent.


def packed_integer(value: int, most: int, mark: int) -> bytes:
    """An integer behind the bits of `mark`, with a prefix that holds numbers below `most` (RFC 7541 section 5.1)."""
    if value < most:
        return bytes((mark | value,))
    octets = [mark | most]
    value -= most
    while value >= 128:
        octets.append(value & 127 | 128)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def packed(name: bytes, value: bytes) -> bytes:
    """A field that enters no table: by its index where it is in the static one, else spelt out, without Huffman codes,
    which would spare a quarter of the octets and cost more than all the rest."""
    index = _FIELDS.get((name, value))
    if index is not None:
        return packed_integer(index, 127, 128)
    index = _NAMES.get(name, 0)
    spelt = b"" if index else packed_integer(len(name), 127, 0) + name
    return packed_integer(index, 15, 0) + spelt + packed_integer(len(value), 127, 0) + value
