cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.http.response cimport LENGTH, NO_BODY
from gunicorn.http.response_head cimport Prefix
from .gateway_state cimport ASGIGatewayState
from .waiting cimport Waiting


cdef bint EAGER
cdef object exception_of
cdef Py_ssize_t HELD_PIECE, MOST_HELD
cdef dict STATUS_LINES


cdef class Cycle(Waiting):
    cdef public bint counted
    cdef public bint dismissed
    cdef public bint gone
    cdef public object grace
    cdef public Py_ssize_t held_size
    cdef public bint informed
    cdef public bint releases
    cdef public double started
    cdef public object task

    cdef open(self, ASGIGatewayState owner)
    cdef make_scope(self)
    cdef unanswered(self)
    cdef bint ends_in_order(self) except -1
    cdef body_is_wrong(self, error)
    cdef count(self)
    @cython.locals(prefix=Prefix)
    cdef int outcome(self) except -2
    cdef detach(self)
    cpdef lost(self)
    cdef begin_response(self, dict message, status)
    @cython.locals(length="long long", framing=int, excess=bint)
    cdef content(self, bytes data, bint more)
    @cython.locals(cycle=object)
    cdef hold(self, bytes data)
    cpdef on_loop_turn(self)
    cdef release(self)
    @cython.locals(keep=bint)
    cdef conclude(self)
    @cython.locals(engine=object)
    cdef look_again(self)
    cdef end(self, task)
    cpdef refuse(self, error)
    @cython.locals(exchange=Exchange)
    cpdef give_up(self)
