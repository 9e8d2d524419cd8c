cimport cython
from ._leaf cimport Poller, monotonic
from .handler cimport Handler
from .share cimport Share


cdef object _MONOTONIC


cdef class EngineState:
    cdef readonly Handler handler
    cdef public object clock
    cdef public object settings
    cdef readonly Poller poller
    cdef readonly Share share
    cdef public bint threaded
    cdef public long thread
    cdef public object guard
    cdef public double now
    cdef public Py_ssize_t running
    cdef public Py_ssize_t most_running
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
    cdef public bint delays
    cdef public bint holds
    cdef public object parking
    cdef public object again

    cpdef bint streams(self, request) except -1
    @cython.locals(running=Py_ssize_t)
    cdef refuse_beyond(self, request)
    cpdef double deadline_of(self, double seconds) except? -1
    cpdef double send_deadline(self) except? -1
    cpdef double tick(self) except? -1
    cpdef bint others_wait(self) except -1
    cpdef bint delay(self, connection) except -1
    cpdef send_delayed(self)
    cpdef attend(self, connection)
    cpdef forget(self, connection, int fd)
