"""uwsgi: a packet of four octets (a modifier, the size of what follows, another modifier) and variables, each a name
and a value with two octets of length in front. All numbers are little-endian."""

from __future__ import annotations

from gunicorn.http.errors import InvalidVariables
from gunicorn.http.request import Request
from gunicorn.http.variables import VariableReader

from .looks import UWSGI
from .packet import PacketProtocol

HEADER = 4
# The first modifier: a request, and one whose path begins with SCRIPT_NAME.
PLAIN_REQUEST = 0
MOUNTED_REQUEST = 30


class Uwsgi(PacketProtocol):
    """The receiving side of a connection of uwsgi."""

    __slots__ = ()

    name = UWSGI

    def size_of(self, data: bytes) -> int:
        modifier = data[0]
        if modifier != PLAIN_REQUEST and modifier != MOUNTED_REQUEST:
            raise self.another(data)
        if len(data) < HEADER:
            return HEADER
        return HEADER + (data[1] | data[2] << 8)

    def read_packet(self, reader: VariableReader) -> Request:
        data = self.buffer
        end = HEADER + (data[1] | data[2] << 8)
        position = HEADER
        while position < end:
            name = position + 2
            if name > end:
                raise InvalidVariables("a name that goes beyond the packet")
            name_end = name + (data[position] | data[position + 1] << 8)
            value = name_end + 2
            if value > end:
                raise InvalidVariables("a name that goes beyond the packet")
            position = value + (data[name_end] | data[name_end + 1] << 8)
            if position > end:
                raise InvalidVariables("a value that goes beyond the packet")
            reader.take(data, name, name_end, value, position)
        self.position = end
        return reader.finish(data[0] == MOUNTED_REQUEST)
