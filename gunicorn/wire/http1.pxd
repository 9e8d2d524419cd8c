cimport cython
from .http1_body cimport BodyDecoder, LengthBody, body_of
from gunicorn.http.fields cimport FieldTable
from gunicorn.http.request cimport Request
from .http1_head cimport HeadParser


cdef int NEED_DATA, REQUEST, DATA, END
cdef int PROXY, HEAD, BODY, COMPLETE


cdef class HTTP1:
    cdef readonly FieldTable table
    cdef readonly HeadParser head
    cdef public bytes buffer
    cdef public Py_ssize_t position
    cdef public bytes data
    cdef readonly Request request
    cdef readonly BodyDecoder body
    cdef public bint proxy_allowed
    cdef public dict proxy_info
    cdef public int state

    cpdef begin(self, FieldTable table, bint trusted, bint proxy_allowed)
    cpdef receive(self, bytes data)
    @cython.locals(end=Py_ssize_t, head=HeadParser, state=int)
    cpdef int next_event(self) except -1
    @cython.locals(request=Request)
    cdef int _begin(self) except -1
    @cython.locals(body=BodyDecoder, end=Py_ssize_t)
    cdef int _next_of_body(self) except -1
    cpdef bint awaits_proxy_header(self) except -1
    cpdef bytes take_proxy_header(self, bytes data)
    cdef bint _take_proxy_header(self) except -1
    cpdef resume(self, proxy_info)
    cpdef next_request(self)
    cpdef long long wanted(self) except -1
    cpdef long long outstanding(self) except -1
    cpdef took(self, long long count)
    cpdef bytes rest(self)
    cpdef bint is_pending(self)
    cpdef bint is_idle(self)
    cpdef bint has_unread_body(self)
