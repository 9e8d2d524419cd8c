cimport cython

from ._channel cimport Receiver, send
from ._octets cimport Frame, framed, head
from .frames cimport PASSED, TAKES_PASSED, FrameReader


cdef int CALLER, PLACE, CONTROL
cdef Py_ssize_t PAUSE_AT, _SMALL


@cython.final
cdef class Line:
    cdef public object id
    cdef public int role
    cdef public int fd
    cdef public bint is_broken
    cdef public bint is_dry
    cdef public bint takes_passed
    cdef public long long unsent
    cdef object _out
    cdef FrameReader _reader
    cdef Receiver _receiver
    cdef object _sock

    @cython.locals(frames=list, frame=Frame, octets=bytes)
    cpdef list receive(self)
    @cython.locals(whole=bytes, begin=bytes)
    cpdef send(
        self, int kind, unsigned long long number, object payload=*, bytes target=*, int marks=*, double amount=*)
    @cython.locals(sent=Py_ssize_t)
    cdef bint _send_at_once(self, bytes octets) except -1
    cdef _keep(self, bytes begin, bytes octets, object passed)
    cpdef flush(self)
