cimport cython


# No subclass can be called instead of it.
@cython.final
cdef class Preemption:
    cdef double _began
    cdef bint _known
    cdef double _ran
    cdef double _told
    cdef object _usage
    cdef long _waits
    cdef double _watched_until
    cdef readonly bint guesses

    cpdef turn(self, double now, bint matters)
    cdef void _begin(self, double now) noexcept
    @cython.locals(taken=double, mine=double)
    cpdef double of_call(self, double seconds, double now) except? -1
    cpdef double of_turn(self, double seconds, double now) except? -1
    @cython.locals(ran=double, waits=long)
    cdef double _taken(self, double now) except? -1
