cimport cython
from .preemption cimport Preemption


cdef double SLOW_SECONDS, SURELY_SLOW_SECONDS, SLOW_FOR_SECONDS, LONG_SECONDS, IMPATIENT_SECONDS, HANDSHAKE_IMPATIENT_SECONDS
cdef double BRIEF_SECONDS, REMEMBERED_TIMES, WINDOW_SECONDS, PARKING_WAIT, ROUND_TRIPS, HANDSHAKE_SECONDS
cdef long LEAST_SLOW, MOST_CALLS


# No subclass can be called instead of it, which saves the question at each call.
@cython.final
cdef class Share:
    cdef bint _fair
    cdef int _accepts
    cdef long _calls
    cdef long _calls_before
    cdef double _impatient_until
    cdef double _long_until
    cdef double _parks_until
    cdef Preemption _preemption
    cdef double _quick_from
    cdef long _slow
    cdef long _slow_before
    cdef double _slow_until
    cdef double _wait
    cdef double _wait_before
    cdef double _window_until

    # Here the system is asked.
    cpdef turn(self, Py_ssize_t events, double now)
    cpdef ended(self, double seconds, double now)
    @cython.locals(slow=double)
    cdef _was_long(self, double seconds, double now)
    cpdef has_run(self, double seconds, double now)

    # Numbers are compared and nothing is called: there is nothing that could raise.
    cdef void _remember(self, double seconds, double now) noexcept
    cdef void _begin_window(self, double now) noexcept
    cdef bint _is_worth_parking(self) noexcept
    cpdef double waits(self) noexcept
    cpdef bint is_slow(self, double now) noexcept
    cpdef bint is_quick(self, double now) noexcept
    cpdef bint may_have_left(self, double now) noexcept
    cpdef bint parks(self, double now) noexcept
    cpdef double parks_until(self) noexcept
    cpdef void heard(self, double until) noexcept
    cpdef bint is_worth_closing(self, double round_trip) noexcept
    cpdef bint accepts_more(self, Py_ssize_t taken, double now) noexcept
    cpdef bint awaits_request(self, double now) noexcept
    cpdef void was_silent(self, double now, bint greeted=*) noexcept
