cimport cython
from gunicorn.engine._leaf cimport RECEIVE_SIZE, peek, receive, send, send_more
from gunicorn.engine.buffers cimport OutputBuffer
from gunicorn.tls.output cimport SealedOutput
from .http1 cimport Connection
from .http1_ending cimport READING, RUNNING


cdef Py_ssize_t SEALED_AHEAD, MORE, MOST_SEALED


cdef class SecureConnection(Connection):
    cdef public bint settled
    cdef public object tls

    @cython.locals(data=bytes)
    cdef bint _read(self) except -1
    @cython.locals(content=bytes)
    cdef _take_sealed(self, bytes data)
    cdef bytes _take_proxy_header(self, bytes data)
    cdef bytes _open(self, bytes data)
    @cython.locals(sent=Py_ssize_t, deadline=double, out=SealedOutput)
    cdef _send_sealed(self, bytes data)
    cdef bint _has_ended(self) except -1
    cdef bint _has_said_so(self) except -1
    cpdef write(self, data)
    @cython.locals(sent=Py_ssize_t, sealed=bytes)
    cpdef write_last(self, bytes data)
    cpdef write_two(self, bytes head, body)
    cpdef long long write_file(self, int fd, long long offset, long long count) except? -2
    cdef _seal(self, bytes head, data)
    @cython.locals(length=Py_ssize_t, position=Py_ssize_t, sent=Py_ssize_t, sealed=bytes)
    cdef _seal_and_send(self, bytes head, data)
    @cython.locals(out=SealedOutput)
    cdef _queue_sealed(self, bytes sealed, Py_ssize_t sent)
    cpdef OutputBuffer make_output(self, Py_ssize_t bound, str directory)
    cpdef bint is_secure(self) except -1
    cpdef bint is_greeted(self) except -1
    cpdef say_farewell(self)


@cython.locals(left=Py_ssize_t)
cdef _stretch(data, Py_ssize_t start)
