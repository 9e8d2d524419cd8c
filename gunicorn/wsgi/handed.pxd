from gunicorn.engine._leaf cimport references
from gunicorn.gateway.turn cimport Turn


cdef class Shared:
    cdef Turn _turn
    cdef object _view
    cdef object _hints
    cdef Py_ssize_t _count

    cdef begin(self, dict environ)
    cdef bint renew(self, long long number) except -1
