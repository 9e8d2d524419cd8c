cimport cython
from ..engine._board cimport Board
from ..engine._leaf cimport monotonic
from ..engine.buffers cimport BodyStream
from ..engine.connection cimport Connection
from ..engine.state cimport EngineState
from ..http.response cimport CHUNKED, LENGTH, NO_BODY, ORDINARY, FieldLine
from .cycle cimport Cycle
from .messages cimport kind_of, octets_of, status_of


cdef int START, CONTENT, TRAILERS


cdef class HTTPCycle(Cycle):
    cdef public bint body_done
    cdef public int expects
    cdef public BodyStream stream
    cdef public list trailers

    @cython.locals(cycle=object)
    cpdef open(self, owner)
    cpdef make_scope(self)
    @cython.locals(stream=BodyStream, connection=Connection, engine=EngineState)
    cpdef next_message(self)
    @cython.locals(connection=Connection)
    cdef ask_for_body(self)
    @cython.locals(more=bint)
    cpdef take(self, message)
    cdef settle_expectation(self)
    cpdef detach(self)
    @cython.locals(board=Board)
    cpdef count(self)
    cpdef body_is_wrong(self, error)
    cpdef take_other(self, kind, message)
    cdef content_complete(self)
    @cython.locals(fd=int, size="long long", count="long long", connection=Connection)
    cpdef send_path(self, path)
    @cython.locals(field=FieldLine)
    cpdef trailer_line(self, pair)
    cpdef unanswered(self)
