cimport cython
from gunicorn.http.fields cimport FieldTable
from gunicorn.http.request cimport Request
from .http1_body cimport BodyDecoder, LengthBody


cdef int NEED_DATA, REQUEST, DATA, END, REPLY
cdef int PROXY, HEAD, BODY, COMPLETE


cdef class Protocol:
    cdef readonly FieldTable table
    cdef readonly bint trusted
    cdef public bytes buffer
    cdef public Py_ssize_t position
    cdef public bytes data
    cdef readonly Request request
    cdef readonly BodyDecoder body
    cdef public dict proxy_info
    cdef public int state

    cdef begin_protocol(self, FieldTable table, bint trusted, int state)
    cpdef receive(self, bytes data)
    cpdef int next_event(self) except -1
    @cython.locals(body=BodyDecoder, end=Py_ssize_t)
    cdef int next_of_body(self) except -1
    cpdef Request partial(self)
    cpdef bint awaits_proxy_header(self) except -1
    cpdef bytes take_proxy_header(self, bytes data)
    cpdef resume(self, proxy_info)
    cpdef next_request(self)
    cpdef long long wanted(self) except -1
    cpdef long long outstanding(self) except -1
    cpdef took(self, long long count)
    cpdef bytes rest(self)
    cpdef bint is_pending(self)
    cpdef bint is_idle(self)
    cpdef bint has_unread_body(self)
