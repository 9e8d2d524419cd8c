cdef class Handler:
    cpdef handle(self, exchange, request)
    cpdef bint unfinished(self) except -1
    cpdef idle(self)


cdef class Taker:
    cpdef receive(self, bytes data)
    cpdef bint full(self) except -1
    cpdef end(self)
