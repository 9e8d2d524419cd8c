cdef class Budget:
    cdef readonly double at
    cdef readonly double left
    cdef readonly double most
    cdef readonly double rate

    cpdef bint spend(self, double now) except -1
