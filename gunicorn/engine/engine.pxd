cimport cython
from ._leaf cimport Poller, monotonic
from ._leaf cimport close as close_descriptor
from .exchange cimport Exchange
from .intake cimport Intake
from .transport cimport Transport


cdef double DELAY_SECONDS, PACE_SECONDS, QUIET_SECONDS


cdef class Engine(Intake):
    cdef readonly list delayed
    cdef double delayed_since
    cdef public int left
    cdef public double next_sweep
    cdef readonly tuple wakeup_fds

    cdef _read_wakeups(self)
    cdef _close_wakeup(self)
    cpdef int poll(self, double timeout) except -1
    @cython.locals(events=int)
    cpdef int wait(self, double timeout) except -1
    @cython.locals(poller=Poller, index=int, fd=int, began=double)
    cpdef int dispatch(self, int events) except -1
    @cython.locals(connections=list, connection=Transport)
    cdef _act_on(self, int fd, int flags)
    cdef _other_event(self, int fd)
    @cython.locals(connection=Transport)
    cdef _run_again(self)
    @cython.locals(attended=Exchange)
    cpdef attend(self, connection)
    cpdef bint others_wait(self) except -1
    cpdef bint delay(self, connection) except -1
    @cython.locals(waited=double, now=double)
    cdef _look_at_delayed(self)
    @cython.locals(delayed=list, connection=Transport)
    cpdef send_delayed(self)
    @cython.locals(connection=Transport, now=double, parks=bint)
    cpdef sweep(self)
    cdef _expire(self, Transport connection)
