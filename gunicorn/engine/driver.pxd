cdef class Driver:
    cpdef receive(self, bytes data)
    cpdef bint full(self) except -1
    cpdef ended(self)
