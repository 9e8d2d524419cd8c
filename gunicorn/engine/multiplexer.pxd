from .driver cimport Driver


cdef class Multiplexer(Driver):
    cpdef writable(self)
    cpdef send_delayed(self)
    cpdef expire(self)
    cpdef shorten(self, double latest)
    cpdef closed(self)
    cpdef abandon(self)
    cpdef list exchanges(self)
