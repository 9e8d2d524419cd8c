cdef class Handler:
    cpdef handle(self, exchange, request)
    cpdef bint streams(self, request) except -1
    cpdef bint unfinished(self) except -1
    cpdef idle(self)
