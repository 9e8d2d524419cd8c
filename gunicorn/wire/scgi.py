"""SCGI: variables as a netstring of names and values, each with a NUL behind it."""

from __future__ import annotations

import re

from gunicorn.http.errors import InvalidVariables, LimitRequestHeaders
from gunicorn.http.request import Request
from gunicorn.http.variables import VariableReader

from .looks import SCGI
from .packet import PacketProtocol

# So many octets of variables, and so many digits at most say that.
MOST_OCTETS = 1 << 20
DIGITS = 7
_LENGTH = re.compile(rb"([1-9][0-9]{0,6}):").match
_LENGTH_SO_FAR = re.compile(rb"[1-9][0-9]{0,6}\Z").match


class Scgi(PacketProtocol):
    """The receiving side of a connection of SCGI."""

    __slots__ = ()

    name = SCGI

    def size_of(self, data: bytes) -> int:
        found = _LENGTH(data)
        if found is None:
            if len(data) > DIGITS or _LENGTH_SO_FAR(data) is None:
                raise self.another(data)
            return len(data) + 1
        length = int(found[1])
        if length > MOST_OCTETS:
            raise LimitRequestHeaders(f"{length} bytes of variables")
        return found.end() + length + 1

    def read_packet(self, reader: VariableReader) -> Request:
        data = self.buffer
        start = data.find(b":") + 1
        end = start + int(data[:start - 1])
        if data[end] != 44:
            raise InvalidVariables("no comma behind the variables")
        position = start
        while position < end:
            name_end = data.find(b"\0", position, end)
            value = name_end + 1
            value_end = data.find(b"\0", value, end) if name_end >= 0 else -1
            if value_end < 0:
                raise InvalidVariables("a name or a value without an end")
            reader.take(data, position, name_end, value, value_end)
            position = value_end + 1
        if not reader.has_length:
            raise InvalidVariables("no CONTENT_LENGTH")
        self.position = end + 1
        return reader.finish(False)
