cimport cython
from gunicorn.http._octets cimport text
from gunicorn.http.fields cimport ORDINARY, FieldName, FieldTable
from gunicorn.http.request cimport Request
from .http1_head cimport HeadParser, check_part


cdef int SIZE, PAYLOAD, PAYLOAD_END, TRAILERS


cdef class BodyDecoder:
    cdef public bytes piece
    cdef public bint complete
    cdef public long long taken
    cpdef Py_ssize_t decode(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1


cdef class LengthBody(BodyDecoder):
    cdef public long long length
    @cython.locals(stop=Py_ssize_t)
    cpdef Py_ssize_t decode(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1


cdef class ChunkedBody(BodyDecoder):
    cdef public long long limit
    cdef public long long remaining
    cdef readonly Request request
    cdef public int state
    cdef readonly HeadParser trailer_parser
    @cython.locals(pieces=list, position=Py_ssize_t, following=Py_ssize_t, state=int)
    cpdef Py_ssize_t decode(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(stop=Py_ssize_t)
    cdef Py_ssize_t _size_line(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    cdef _begin_chunk(self, long long size)
    cdef Py_ssize_t _payload_end(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(position=Py_ssize_t, parser=HeadParser, field=FieldName, section=Request)
    cdef Py_ssize_t _trailers(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1


cdef str _shown(bytes data, Py_ssize_t start, Py_ssize_t end)
cpdef BodyDecoder body_of(Request request, FieldTable table, bint trusted)
