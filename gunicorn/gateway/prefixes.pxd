from gunicorn.http.response_head cimport Prefix


cdef class Prefixes:
    cdef public bytes server
    cdef public object wall_clock
    cdef public bytes date
    cdef public double expires
    cdef public bytes fields
    cdef public dict known
    cpdef refresh(self, double now)
    cpdef Prefix of(self, object status, double now)
