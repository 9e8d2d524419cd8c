"""Connections of a server in front: uwsgi, SCGI and FastCGI. Requests, bodies and limits are those of any connection;
only the form of the answers is another one."""

from __future__ import annotations

from gunicorn.engine._leaf import is_leaving, send
from gunicorn.engine.buffers import MOST_AT_ONCE, FileSegment, OutputBuffer
from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.engine.listener import Listener
from gunicorn.engine.opener import Opener
from gunicorn.engine.state import EngineState
from gunicorn.engine.transport import Transport
from gunicorn.http._octets import joined
from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.peers import Peers
from gunicorn.http.response import LENGTH, NO_BODY, FieldLine
from gunicorn.http.response_head import Page, ResponseHead
from gunicorn.http.variables import VariableTable
from gunicorn.wire.cgi_response import cgi_octets_of, settle_for_cgi
from gunicorn.wire.fastcgi import MOST_CONTENT, STDOUT, FastCGI, end_of_answer, record_head
from gunicorn.wire.packet import AS_HTTP, NOT_AT_ALL, CGIProtocol
from gunicorn.wire.protocol import REPLY
from gunicorn.wire.scgi import Scgi
from gunicorn.wire.uwsgi import Uwsgi

from .http1 import Connection
from .http1_ending import READING, RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Octets, Peer

# Content up to this size is copied behind the head of its record; a larger one goes out as it is.
JOINED = 16384

# What has gone out of an answer of FastCGI: nothing; its begin; all of it, or what there will ever be.
NOTHING = 0
BEGUN = 1
ENDED = 2


class CGIConnection(Connection):
    """One request of uwsgi or SCGI. `has_status_line`: answers begin as those of HTTP do; `as_http`: the peer speaks
    that, and is told so in it."""

    __slots__ = ("as_http", "has_status_line")

    def begin_cgi(self, has_status_line: bool) -> None:
        """This part of what `__init__` would do."""
        self.has_status_line = has_status_line
        self.as_http = False

    def start(self, head: ResponseHead) -> None:
        if self.as_http:
            Connection.start(self, head)
            return
        settle_for_cgi(head)
        self.begun = head

    def head_octets(self, head: ResponseHead, content: bytes) -> bytes:
        if self.as_http:
            return Connection.head_octets(self, head, content)
        return cgi_octets_of(head, content, not self.has_status_line)

    def packed(self, octets: bytes) -> bytes:
        """A whole answer as it goes on the wire."""
        return octets

    def takes_trailers(self, head: ResponseHead) -> bool:
        return False

    def inform(self, status: int, fields: list[FieldLine]) -> None:
        """A server in front would take the interim response for the answer."""

    def send_continue(self) -> None:
        """The server in front has done that."""

    def cut(self, page: Page | None) -> None:
        octets = b""
        if page is not None:
            settle_for_cgi(page)
            octets = self.packed(self.head_octets(page, b"" if page.framing == NO_BODY else page.body))
        self.cut_octets(octets)

    def refuse(self, error: HTTPError) -> None:
        protocol = self.protocol
        if self.state == READING and not self.skipping and isinstance(protocol, CGIProtocol):
            if protocol.manner == NOT_AT_ALL:
                # For the log and the counters.
                self.engine.handler.refused(self, error)
                self.close()
                return
            self.as_http = protocol.manner == AS_HTTP
        Connection.refuse(self, error)


class FastCGIConnection(CGIConnection):
    """Requests of FastCGI, one after the other: what is written goes in records of STDOUT."""

    __slots__ = ("answer_state", "cut_short", "ends", "records", "stays", "waits", "written")

    def begin_records(self, protocol: FastCGI) -> None:
        """This part of what `__init__` would do."""
        self.begin_cgi(False)
        self.records = protocol
        self.answer_state = NOTHING
        self.cut_short = False
        # The connection outlives the answer.
        self.stays = False
        # The end of the answer goes behind what is written next.
        self.ends = False
        # What is written next goes with what `finish` adds.
        self.waits = False
        # Octets of content so far.
        self.written = 0

    def take(self, event: int) -> None:
        if event != REPLY:
            Connection.take(self, event)
        elif self.state == READING:
            # Not while a request runs: its thread may be in the middle of a record.
            self._reply()

    def _reply(self) -> None:
        """The protocol itself says something. Who does not take even that is not served."""
        octets = self.records.reply
        if self.out is None:
            if send(self.fd, octets) != len(octets):
                raise ConnectionResetError("the server in front asks, and reads no answer")
        else:
            Transport.write(self, octets)
        if self.records.over:
            self.end()

    # The answer.

    def start(self, head: ResponseHead) -> None:
        CGIConnection.start(self, head)
        self.stays = self._may_stay()
        if self.stays:
            head.close = False
        self.answer_state = BEGUN
        self.ends = self.waits = False
        self.written = 0

    def _may_stay(self) -> bool:
        """Whether another request may follow. An error, or a word of the application, ends a connection of HTTP; here
        the web server could not be told, and would have sent its next request already."""
        request, engine = self.request, self.engine
        return (
            self.state == RUNNING and request is not None and not request.close and not request.forced_close
            and engine.keepalive != 0 and not engine.closing and not is_leaving()
        )

    def send(self, head: ResponseHead, data: bytes, last: bool) -> None:
        if head.framing != NO_BODY:
            self.written += len(data)
        if last and (head.framing != LENGTH or self.written == head.response_length):
            # Where the connection ends with it, the end of a request that runs is said by `finish`.
            self.ends = head.at_once or not head.close or self.state != RUNNING
            self.waits = not self.ends
        Connection.send(self, head, data, last)

    def packed(self, octets: bytes) -> bytes:
        if self.as_http:
            return octets
        number = self.records.id
        parts: list[bytes] = []
        for start in range(0, len(octets), MOST_CONTENT):
            piece = octets[start:start + MOST_CONTENT]
            parts.append(record_head(STDOUT, number, len(piece)))
            parts.append(piece)
        parts.append(end_of_answer(number))
        return joined(parts)

    def write(self, data: Octets) -> None:
        if self.as_http:
            Transport.write(self, data)
            return
        size = len(data)
        number = self.records.id
        if size > JOINED:
            view = memoryview(data)
            for start in range(0, size, MOST_CONTENT):
                piece = view[start:start + MOST_CONTENT]
                Transport.write_two(self, record_head(STDOUT, number, len(piece)), piece)
            if self.ends:
                self._write_end(False)
            return
        if self.waits and self.out is None:
            Transport.write_last(self, self._small(data))
        elif size or self.ends:
            Transport.write(self, self._small(data))

    def _small(self, data: Octets) -> bytes:
        """A record of this content, and the end of the answer, if it is that."""
        number = self.records.id
        parts = [record_head(STDOUT, number, len(data)), bytes(data)] if data else []
        if self.ends:
            self.ends = False
            self.answer_state = ENDED
            parts.append(end_of_answer(number))
        return joined(parts)

    def write_last(self, data: bytes) -> None:
        if self.as_http or self.out is not None or len(data) > JOINED:
            self.write(data)
        else:
            Transport.write_last(self, self._small(data))

    def write_two(self, head: bytes, body: Octets) -> None:
        ends, self.ends = self.ends, False
        self.write(head)
        self.ends = ends
        self.write(body)

    def write_file(self, fd: int, offset: int, count: int) -> int:
        # There are heads of records between: it is read instead.
        return self.read_file(fd, offset, count)

    def make_output(self, bound: int, directory: str | None) -> OutputBuffer:
        return RecordOutput(bound, directory, self.records)

    def _write_end(self, last: bool) -> None:
        """The end of the answer; `last`: and of the connection. Nothing but its end tells a web server that it is not
        kept: the two go together, in one segment with the content if that is small, or the next request would be on
        its way already."""
        self.ends = False
        self.answer_state = ENDED
        octets = end_of_answer(self.records.id)
        if last and self.out is None:
            Transport.write_last(self, octets)
        else:
            Transport.write(self, octets)

    def break_off(self, head: ResponseHead) -> None:
        # The connection ends without an end of the request: nobody takes that for a whole answer.
        self.cut_short = True

    def finish(self, keep: bool) -> None:
        keep = (keep or self.stays) and not self.cut_short
        if self.cut_short:
            pass
        elif self.state == RUNNING and self.answer_state == BEGUN and not self.broken:
            try:
                self.push()
                self._write_end(not keep)
            except ClientDisconnected:
                self.broken = True
        # The next request may begin inside the call.
        self.answer_state = NOTHING
        Connection.finish(self, keep)


class RecordOutput(OutputBuffer):
    """What waits for a peer of FastCGI: files go into records, a piece when its turn comes; all else is in such."""

    __slots__ = ("_records",)

    def __init__(self, bound: int, directory: str | None, records: FastCGI) -> None:
        super().__init__(bound, directory)
        self._records = records

    def flush(self, fd: int) -> int:
        """As that of the base class."""
        total = 0
        while self.segments and total < MOST_AT_ONCE:
            first = self.segments[0]
            if isinstance(first, FileSegment) and first.spill is None:
                data = self.take(MOST_CONTENT)
                record = record_head(STDOUT, self._records.id, len(data)) + data
                self.size += len(record)
                self.segments.appendleft(memoryview(record))
            sent = self._send_first(fd)
            if sent < 0:
                break
            total += sent
        if not self.segments:
            self.close()
        return total


class CGIOpener(Opener):
    """Makes the connections of one listener. `name`: `uwsgi`, `scgi` or `fastcgi`; `peers`: who may speak that.

    Whoever speaks it is believed in all that it says of its clients. Others are closed unanswered: what an answer would
    look like to them, nobody knows.
    """

    __slots__ = ("_name", "_next_complaint", "_peers", "_turned_away", "_variables")

    def __init__(self, name: str, peers: Peers) -> None:
        self._name = name
        self._peers = peers
        self._variables: VariableTable | None = None
        self._turned_away = 0
        self._next_complaint = 0.0

    def open(
        self, engine: EngineState, fd: int, peer: Peer, listener: Listener, table: FieldTable, trusted: bool,
        may_proxy: bool,
    ) -> Transport:
        if not self._peers.allows(peer):
            self._turn_away(engine, peer)
            raise ConnectionRefusedError(f"not in {self._name}_allow_ips")
        if self._variables is None:
            self._variables = VariableTable(table)
        connection: CGIConnection
        protocol: CGIProtocol
        if self._name == "fastcgi":
            records = FastCGI.__new__(FastCGI)
            in_records = FastCGIConnection.__new__(FastCGIConnection)
            in_records.begin_records(records)
            connection, protocol = in_records, records
        else:
            protocol = Uwsgi.__new__(Uwsgi) if self._name == "uwsgi" else Scgi.__new__(Scgi)
            connection = CGIConnection.__new__(CGIConnection)
            connection.begin_cgi(self._name == "uwsgi")
        protocol.begin(self._variables)
        connection.begin(engine, fd, peer, listener, protocol)
        connection.opener = self
        return connection

    def _turn_away(self, engine: EngineState, peer: Peer) -> None:
        """Tell of it once a second."""
        self._turned_away += 1
        if engine.now >= self._next_complaint:
            self._next_complaint = engine.now + 1.0
            what = f"closed, not in {self._name}_allow_ips ({self._turned_away} so far)"
            engine.handler.tell(peer, self._name, what)
