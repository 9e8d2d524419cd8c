cimport cython
from gunicorn.engine._leaf cimport references
from gunicorn.engine.connection cimport RUNNING, Connection


cdef class Turn:
    cdef readonly Connection connection
    cdef long long number

    cdef begin(self, Connection connection)
    cpdef bint is_over(self) except -1


@cython.locals(turn=Turn)
cpdef Turn turn_of(Connection connection)


cdef class Shared:
    cdef Turn _turn
    cdef object _view
    cdef object _hints
    cdef Py_ssize_t _count

    cdef begin(self, dict environ)
    cdef bint renew(self, long long number) except -1
