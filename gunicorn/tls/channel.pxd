cimport cython


cdef int RECORD


cdef class Channel:
    cdef public object _facts
    cdef public object _get
    cdef public object _put
    cdef public object _seal
    cdef public object _take
    cdef public bint established
    cdef public bint farewell_said
    cdef public bint finished
    cdef public object incoming
    cdef public object outgoing
    cdef public object terminator
    cdef public object tls

    @cython.locals(piece=bytes, pieces=list)
    cpdef bytes open(self, bytes data)
    cdef bint _handshake(self) except -1
    cpdef bytes seal(self, data)
    cpdef bytes seal_two(self, bytes head, data)
    cpdef bytes seal_last(self, data)
    cpdef bint speaks(self) except -1
    cpdef bytes take(self)
    cpdef bytes farewell(self)
