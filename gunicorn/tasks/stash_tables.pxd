cimport cython


cdef Py_ssize_t _OVERHEAD, _OVERHEAD_OF_TIME, _SPARE_TIMES


@cython.final
cdef class StashTables:
    cdef public long long most
    cdef readonly long long octets
    cdef readonly long long entries
    cdef double _now
    cdef readonly dict _tables
    cdef readonly dict _ends
    cdef readonly list _order
    cdef long long _number

    @cython.locals(end=Py_ssize_t)
    cpdef bytes perform(self, bytes request, double now=*)
    cpdef object moment(self)
    cpdef expire(self, double now)
    cdef dict _table(self, str name)
    @cython.locals(is_new=bint, before="long long", cost="long long", table=dict)
    cdef _store(self, str name, object key, bytes value, object seconds)
    cdef _end_at(self, str name, object key, double moment)
    @cython.locals(table=dict)
    cdef bint _remove(self, str name, object key) except -1
    cdef Py_ssize_t _cost(self, str name, object key, bytes value) except -1


cdef Py_ssize_t _cost(object key, bytes value) except -1
