cimport cython
from gunicorn.instrument._board cimport Board
from gunicorn.engine._leaf cimport monotonic
from gunicorn.engine.buffers cimport BodyStream
from gunicorn.engine.exchange cimport Exchange
from gunicorn.http.response_head cimport Prefix
from gunicorn.http.response cimport LENGTH, NO_BODY, ORDINARY, FieldLine
from .cycle cimport Cycle
from .gateway_state cimport ASGIGatewayState
from .messages cimport kind_of, octets_of, status_of


cdef int START, CONTENT, TRAILERS
cdef dict EXPECTED


cdef class HTTPCycle(Cycle):
    cdef public bint body_done
    cdef public int expects
    cdef readonly BodyStream stream
    cdef public double last_call
    cdef public list trailers

    @cython.locals(cycle=object)
    cdef open(self, ASGIGatewayState owner)
    cdef make_scope(self)
    cdef next_message(self)
    @cython.locals(stream=BodyStream)
    cdef next_part(self)
    @cython.locals(exchange=Exchange)
    cdef ask_for_body(self)
    cdef take(self, dict message)
    cdef untimely(self, str kind)
    cdef take_start(self, dict message)
    @cython.locals(more=bint)
    cdef take_content(self, dict message)
    cdef take_late(self, str kind, dict message)
    cdef discard(self, str kind, message)
    cdef detach(self)
    @cython.locals(board=Board)
    cdef count(self)
    cdef body_is_wrong(self, error)
    cdef take_other(self, str kind, dict message)
    cdef content_complete(self)
    @cython.locals(fd=int)
    cdef send_path(self, path)
    @cython.locals(count="long long", taken="long long", exchange=Exchange)
    cdef send_file(self, int fd, long long size)
    cdef bint sends_trailers(self) except -1
    @cython.locals(field=FieldLine)
    cdef announce_trailers(self, headers)
    @cython.locals(field=FieldLine)
    cdef FieldLine trailer(self, pair)
    cdef unanswered(self)
    cdef bint ends_in_order(self) except -1
    cdef bint is_deaf(self) except -1
