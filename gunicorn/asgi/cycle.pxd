cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.http.response cimport LENGTH, NO_BODY
from gunicorn.gateway.response cimport Response
from gunicorn.http.response_head cimport Prefix
from .awaitables cimport Waiter
from .gateway_state cimport ASGIGatewayState
from .messages cimport as_dict


cdef int RECEIVE, SEND, DRAIN, PAUSE, OVER, UNINTERRUPTED
cdef bint EAGER
cdef object exception_of
cdef tuple DONE
cdef Py_ssize_t HELD_PIECE, MOST_HELD
cdef dict STATUS_LINES


@cython.freelist(32)
cdef class Wait:
    cdef readonly Cycle cycle
    cdef public int kind
    cdef public object message
    cdef readonly Waiter waiter

    @cython.locals(cycle=Cycle, kind=int, waiter=Waiter)
    cdef _step(self)


@cython.locals(wait=Wait)
cdef Wait make_wait(Cycle cycle, int kind, message)


cdef class Cycle(Response):
    cdef public bint concluded
    cdef public bint counted
    cdef public bint dismissed
    cdef public bint gone
    cdef public object grace
    cdef public Py_ssize_t held_size
    cdef public bint informed
    cdef public object loop
    cdef readonly ASGIGatewayState owner
    cdef public bint releases
    cdef public double started
    cdef public int streak
    cdef public object task
    cdef public list waiting

    cdef open(self, ASGIGatewayState owner)
    cdef must_be_made(self)
    cdef int act(self, message) except -1
    cdef bint must_yield(self) except -1
    cdef make_scope(self)
    cdef take(self, dict message)
    cdef next_message(self)
    cdef unanswered(self)
    cdef bint ends_in_order(self) except -1
    cdef body_is_wrong(self, error)
    cdef count(self)
    @cython.locals(prefix=Prefix)
    cdef int outcome(self) except -2
    cdef detach(self)
    @cython.locals(exchange=Exchange)
    cdef drained(self)
    cdef wait_with(self, Waiter waiter)
    cdef leave(self, Waiter waiter)
    @cython.locals(waiting=list, waiter=Waiter)
    cdef wake(self)
    cdef heard(self)
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
