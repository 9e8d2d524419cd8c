cimport cython
from gunicorn.engine.connection cimport RUNNING, Connection


cdef class Turn:
    cdef readonly Connection connection
    cdef public long long number

    cdef begin(self, Connection connection)
    cpdef bint is_over(self) except -1


@cython.locals(turn=Turn)
cpdef Turn turn_of(Connection connection)
