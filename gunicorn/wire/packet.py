"""What uwsgi and SCGI have in common: one request a connection, whose variables come in one packet of a length that is
said in front of it, and its content behind it."""

from __future__ import annotations

from gunicorn.http.errors import AnotherProtocol, HTTPError
from gunicorn.http.request import Request
from gunicorn.http.variables import VariableReader, VariableTable

from .http1_body import LengthBody
from .looks import HTTP, looks_like
from .protocol import BODY, COMPLETE, HEAD, NEED_DATA, REQUEST, Protocol

# How the peer can be answered: by a response as this protocol has it; by one of HTTP/1, which it speaks; not at all.
ITS_OWN = 0
AS_HTTP = 1
NOT_AT_ALL = 2

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(ITS_OWN=ITS_OWN, AS_HTTP=AS_HTTP, NOT_AT_ALL=NOT_AT_ALL)


class CGIProtocol(Protocol):
    """A protocol whose requests are made of the variables of CGI. `manner`: how its peer can be answered."""

    __slots__ = ("manner", "reader")

    #: What the log calls it.
    name = ""

    def __init__(self, variables: VariableTable) -> None:
        self.begin(variables)

    def begin(self, variables: VariableTable) -> None:
        """What `__init__` would do; whoever speaks to us is believed by now."""
        self.begin_protocol(variables.fields, True, HEAD)
        self.manner = ITS_OWN
        self.reader = VariableReader.__new__(VariableReader)
        self.reader.begin_reader(variables, True)

    def another(self, data: bytes) -> HTTPError:
        """What came first is nothing of this protocol."""
        looks = looks_like(data)
        self.manner = AS_HTTP if looks == HTTP else NOT_AT_ALL
        return AnotherProtocol(f"{looks or 'neither HTTP nor anything known'} on a port for {self.name}")

    def partial(self) -> Request | None:
        return self.reader.request


class PacketProtocol(CGIProtocol):
    """Gathers the packet. Subclasses know where it ends and what is in it."""

    __slots__ = ("gathered", "needed")

    def begin(self, variables: VariableTable) -> None:
        CGIProtocol.begin(self, variables)
        # What has come of a packet, where that is less than was needed.
        self.gathered: bytearray | None = None
        self.needed = 0

    def receive(self, data: bytes) -> None:
        if self.gathered is not None:
            self.gathered += data
        else:
            Protocol.receive(self, data)

    def next_event(self) -> int:
        state = self.state
        if state == BODY:
            return self.next_of_body()
        if state != HEAD or not self._is_whole():
            return NEED_DATA
        reader = self.reader
        reader.begin_request()
        request = self.read_packet(reader)
        # Nothing but the answer follows.
        request.close = True
        self.request = request
        if request.content_length:
            self.body = LengthBody(request.content_length)
            self.state = BODY
        else:
            self.state = COMPLETE
        return REQUEST

    def _is_whole(self) -> bool:
        """Whether all of the packet has come: it is in `buffer` then."""
        gathered = self.gathered
        if gathered is not None:
            if len(gathered) < self.needed:
                return False
            self.buffer = bytes(gathered)
            self.position = 0
            self.gathered = None
        data = self.buffer
        if not data:
            return False
        needed = self.size_of(data)
        if len(data) >= needed:
            return True
        self.needed = needed
        self.gathered = bytearray(data)
        self.buffer = b""
        return False

    def size_of(self, data: bytes) -> int:
        """Octets of the packet that begins with these, at least one; as long as that is not known, so many as are
        needed to know more. Raises `HTTPError`."""
        raise NotImplementedError

    def read_packet(self, reader: VariableReader) -> Request:
        """The request of the packet in `buffer`; sets `position` behind it. Raises `HTTPError`."""
        raise NotImplementedError

    def is_pending(self) -> bool:
        return self.gathered is not None or self.position < len(self.buffer)

    def is_idle(self) -> bool:
        return self.state == HEAD and not self.is_pending()
