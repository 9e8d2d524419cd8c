cimport cython
from gunicorn.engine.exchange cimport Exchange


cdef class Turn:
    cdef readonly Exchange exchange
    cdef public long long number

    cdef begin(self, Exchange exchange)
    cpdef bint is_over(self) except -1


@cython.locals(turn=Turn)
cpdef Turn turn_of(Exchange exchange)
