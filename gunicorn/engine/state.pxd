from ._leaf cimport Poller, monotonic
from .handler cimport Handler


cdef object _MONOTONIC
cdef double SLOW_SECONDS, SLOW_FOR_SECONDS, LONG_SECONDS


cdef class EngineState:
    cdef readonly Handler handler
    cdef public object clock
    cdef public object settings
    cdef readonly Poller poller
    cdef public bint threaded
    cdef public long thread
    cdef public object guard
    cdef public double now
    cdef public double slow_until
    cdef public double crowded_until
    cdef public Py_ssize_t running
    cdef public Py_ssize_t most_running
    cdef public bint fair
    cdef public Py_ssize_t count
    cdef public bint closing
    cdef public bint stopped
    cdef public object stray
    cdef public double keepalive
    cdef public double header_timeout
    cdef public double body_timeout
    cdef public double send_timeout
    cdef public double sweep_seconds
    cdef public bint stream_bodies
    cdef public object again

    cpdef double deadline_of(self, double seconds) except? -1
    cpdef double send_deadline(self) except? -1
    cpdef double tick(self) except? -1
    cpdef add_duration(self, double seconds)
    cpdef bint others_wait(self) except -1
    cpdef attend(self, connection)
    cpdef forget(self, connection, int fd)
