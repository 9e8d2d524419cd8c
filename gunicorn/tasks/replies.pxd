cimport cython

from ._octets cimport Frame
from .frames cimport ITEM, FrameReader


cdef class Reply:
    cdef readonly long long age
    cdef readonly list inbox
    cdef readonly unsigned long long number

    cpdef begin(self, unsigned long long number, long long age)
    cpdef bint ring(self) except -1


@cython.final
cdef class Replies:
    cdef unsigned long long _last
    cdef FrameReader _reader
    cdef dict _replies
    cdef readonly long long age

    cpdef Py_ssize_t wanted(self) except -1
    cpdef unsigned long long next_number(self) except? 0
    cpdef add(self, Reply reply)
    @cython.locals(frames=list, frame=Frame, reply=Reply)
    cpdef bint receive(self, bytes octets, object messages) except -1
    @cython.locals(kind=int)
    cpdef object take(self, Reply reply)
    cpdef bint forget(self, Reply reply) except -1
    @cython.locals(other=Reply)
    cpdef wake_another(self, Reply reply)
    @cython.locals(reply=Reply)
    cpdef drop(self)
