cimport cython
from gunicorn.engine.transport cimport Transport
from gunicorn.http._octets cimport joined
from gunicorn.http.request cimport Request
from gunicorn.http.response cimport CHUNKED, NO_BODY
from gunicorn.http.response_head cimport ResponseHead
from gunicorn.wire.http1_response cimport frame, octets_of, settle


cdef Py_ssize_t JOINED


cdef class Answers(Transport):
    cdef readonly ResponseHead begun
    cdef readonly list held

    @cython.locals(request=Request)
    cpdef start(self, ResponseHead head)
    cdef bytes head_octets(self, ResponseHead head, bytes content)
    @cython.locals(framing=int, begun=ResponseHead)
    cpdef send(self, ResponseHead head, bytes data, bint last)
    @cython.locals(parts=list, chunked=bint)
    cdef _send_pieces(self, ResponseHead head, bytes data, bint last)
    @cython.locals(held=list)
    cpdef hold(self, ResponseHead head, bytes data)
    @cython.locals(begun=ResponseHead, held=list)
    cdef list _take_held(self)
    @cython.locals(held=list)
    cpdef push(self)
    cpdef long long send_file(self, int fd, long long offset, long long count) except? -2
