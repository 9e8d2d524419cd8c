cimport cython
from ._leaf cimport push, send, send_file, send_more, send_two
from .buffers cimport MOST_AT_ONCE, OutputBuffer
from .exchange cimport Exchange
from .state cimport EngineState


cdef bint _TELLS_OF_DATA


cdef class Transport(Exchange):
    cdef public bint active
    cdef public bint at_once
    cdef public double deadline
    cdef public bint delayed
    cdef readonly int fd
    cdef readonly OutputBuffer out
    cdef public bint waits_turn
    cdef public bint watched

    cdef begin_transport(self, int fd)
    cpdef on_event(self, int flags)
    cpdef process(self)
    cpdef take_turn(self)
    cpdef expire(self)
    cpdef shorten(self, double latest, double lingers)
    cpdef close(self)
    cpdef bint leave(self) except -1
    cpdef resume(self, parked)
    cpdef list exchanges(self)
    cpdef watch(self)
    cpdef send_delayed(self)
    @cython.locals(out=OutputBuffer)
    cpdef long long queued(self) except -1
    cpdef bint is_flushed(self) except -1
    cpdef bint must_wait(self) except -1
    cpdef bint is_secure(self) except -1
    cpdef bint is_greeted(self) except -1
    cpdef bint may_reconnect(self) except -1
    @cython.locals(sent=Py_ssize_t)
    cpdef write(self, data)
    cdef Py_ssize_t _send(self, data) except? -2
    @cython.locals(sent=Py_ssize_t)
    cpdef write_last(self, bytes data)
    @cython.locals(sent=Py_ssize_t)
    cpdef write_two(self, bytes head, body)
    @cython.locals(sent=Py_ssize_t, whole="long long")
    cpdef long long write_file(self, int fd, long long offset, long long count) except? -2
    cpdef long long read_file(self, int fd, long long offset, long long count) except? -2
    cdef _queue_file(self, int fd, long long offset, long long count, bint reads)
    cdef await_room(self, long long sent)
    cdef OutputBuffer _output(self)
    cpdef OutputBuffer make_output(self, Py_ssize_t bound, str directory)
    cdef _queue(self, data)
    cdef _flush_queued(self)
    cdef _gone(self)
    cpdef say_farewell(self)
