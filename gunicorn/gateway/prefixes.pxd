cdef class Prefix:
    cdef readonly int code
    cdef readonly bytes octets


cdef class Prefixes:
    cdef public bytes server
    cdef public object wall_clock
    cdef public bytes date
    cdef public double expires
    cdef public bytes fields
    cdef public dict known
    cpdef refresh(self, double now)
    cpdef Prefix of(self, object status, double now)
