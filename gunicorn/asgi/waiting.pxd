cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.gateway.response cimport Response
from .awaitables cimport Waiter
from .gateway_state cimport ASGIGatewayState
from .messages cimport as_dict


cdef int RECEIVE, SEND, DRAIN, PAUSE, OVER, UNINTERRUPTED
cdef tuple DONE


@cython.freelist(32)
cdef class Wait:
    cdef readonly Waiting cycle
    cdef public int kind
    cdef public object message
    cdef readonly Waiter waiter

    @cython.locals(cycle=Waiting, kind=int, waiter=Waiter)
    cdef _step(self)


@cython.locals(wait=Wait)
cdef Wait make_wait(Waiting cycle, int kind, message)


cdef class Waiting(Response):
    cdef public bint concluded
    cdef public object loop
    cdef readonly ASGIGatewayState owner
    cdef public int streak
    cdef public list waiting

    cdef begin_waiting(self, ASGIGatewayState owner)
    cdef must_be_made(self)
    cdef int act(self, message) except -1
    cdef bint must_yield(self) except -1
    cdef take(self, dict message)
    cdef next_message(self)
    cpdef lost(self)
    @cython.locals(exchange=Exchange)
    cdef drained(self)
    cdef wait_with(self, Waiter waiter)
    cdef leave(self, Waiter waiter)
    @cython.locals(waiting=list, waiter=Waiter)
    cdef wake(self)
    cdef heard(self)
