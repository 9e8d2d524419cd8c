cimport cython
from ._leaf cimport send, send_file, send_last, send_two
from .buffers cimport OutputBuffer
from .exchange cimport Exchange
from .state cimport EngineState


cdef bint _TELLS_OF_DATA
cdef Py_ssize_t SEALED_AHEAD


cdef class Outgoing(Exchange):
    cdef public double deadline
    cdef readonly int fd
    cdef readonly OutputBuffer out
    cdef public object tls
    cdef public bint watched

    cdef begin_sending(self, int fd)
    cpdef watch(self)
    @cython.locals(out=OutputBuffer)
    cpdef long long queued(self) except -1
    cpdef bint is_flushed(self) except -1
    cpdef bint must_wait(self) except -1
    cpdef bint is_secure(self) except -1
    @cython.locals(sent=Py_ssize_t)
    cpdef write(self, data)
    @cython.locals(sent=Py_ssize_t)
    cpdef write_last(self, bytes data)
    @cython.locals(sent=Py_ssize_t)
    cpdef write_two(self, bytes head, body)
    @cython.locals(sent=Py_ssize_t, whole="long long")
    cpdef long long write_file(self, int fd, long long offset, long long count) except? -2
    cdef _write_secure(self, bytes head, data)
    @cython.locals(length=Py_ssize_t, position=Py_ssize_t, sent=Py_ssize_t, sealed=bytes)
    cdef _seal_and_send(self, bytes head, data)
    cdef OutputBuffer _output(self)
    cdef _queue(self, data)
    cdef _flush_queued(self)
    cdef _gone(self)
    cdef _say_farewell(self)
