cimport cython


cdef double SLOW_SECONDS, SLOW_FOR_SECONDS, LONG_SECONDS, IMPATIENT_SECONDS


# No subclass can be called instead of it, which saves the question at each call.
@cython.final
cdef class Share:
    cdef bint _fair
    cdef int _accepts
    cdef double _impatient_until
    cdef double _lately_until
    cdef double _long_until
    cdef double _slow_until

    # Numbers are compared and nothing is called: there is nothing that could raise.
    cpdef void ended(self, double seconds, double now) noexcept
    cpdef bint is_slow(self, double now) noexcept
    cpdef bint was_slow(self, double now) noexcept
    cpdef bint may_have_left(self, double now) noexcept
    cpdef bint accepts_more(self, Py_ssize_t taken, double now) noexcept
    cpdef bint awaits_request(self, double now) noexcept
    cpdef void was_silent(self, double now) noexcept
