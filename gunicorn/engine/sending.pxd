cimport cython
from gunicorn.http._octets cimport joined
from gunicorn.http.response cimport CHUNKED, NO_BODY
from gunicorn.http.response_head cimport ResponseHead
from gunicorn.wire.http1_response cimport frame, head_of
from .outgoing cimport Outgoing


cdef Py_ssize_t JOINED


cdef class Sending(Outgoing):
    cdef public list parts

    cpdef start(self, ResponseHead head)
    @cython.locals(parts=list, framing=int)
    cpdef send(self, ResponseHead head, bytes data, bint last)
    @cython.locals(size=Py_ssize_t)
    cdef _send_chunk(self, list parts, bytes data, bint last)
    @cython.locals(parts=list)
    cpdef hold(self, ResponseHead head, bytes data)
    @cython.locals(parts=list)
    cpdef push(self)
    cpdef long long send_file(self, int fd, long long offset, long long count) except? -2
