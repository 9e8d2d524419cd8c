cimport cython
from .http1_body cimport BodyDecoder, body_of
from gunicorn.http.fields cimport FieldTable
from gunicorn.http.request cimport Request
from .http1_head cimport HeadParser
from .protocol cimport BODY, COMPLETE, DATA, END, HEAD, NEED_DATA, PROXY, REQUEST, Protocol


cdef class HTTP1(Protocol):
    cdef readonly HeadParser head
    cdef public bint proxy_allowed

    cpdef begin(self, FieldTable table, bint trusted, bint proxy_allowed)
    @cython.locals(end=Py_ssize_t, head=HeadParser, state=int)
    cpdef int next_event(self) except -1
    @cython.locals(request=Request)
    cdef int _begin(self) except -1
    cpdef bytes take_proxy_header(self, bytes data)
    cdef bint _take_proxy_header(self) except -1
