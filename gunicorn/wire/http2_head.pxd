cimport cython
from gunicorn.http.fields cimport HOST, ORDINARY, FieldName, FieldTable
from gunicorn.http.head cimport Head
from gunicorn.http.request cimport Request
from .hpack cimport Section
from .http2_fields cimport AUTHORITY, COOKIE, MALFORMED, METHOD, OVERHEAD, PATH, PRIORITY, PROTOCOL, TE, URI_SCHEME, Field


cdef class HeadReader(Section):
    cdef readonly Py_ssize_t cookie_at
    cdef readonly Py_ssize_t count
    cdef readonly list crumbs
    cdef readonly object error
    cdef readonly bint has_host
    cdef readonly bint connects
    cdef readonly Head head
    cdef readonly Py_ssize_t limit
    cdef readonly list octets
    cdef readonly bint others
    cdef readonly str protocol
    cdef readonly Request request
    cdef readonly str scheme
    cdef readonly Py_ssize_t size
    cdef readonly FieldTable table

    @cython.locals(request=Request)
    cpdef begin(self)
    cpdef take(self, Field field)
    cdef _keep(self, Field field)
    @cython.locals(limit=Py_ssize_t)
    cdef _count(self, Field field)
    @cython.locals(kind=int, name=FieldName, value=str)
    cdef _special(self, Field field)
    @cython.locals(request=Request, kind=int, text=str)
    cdef _pseudo(self, Field field)
    cdef _second_host(self, str value)
    cdef _cookie(self, Field field)
    @cython.locals(request=Request, limit=Py_ssize_t)
    cpdef Request finish(self, bint ended)
    cdef _check_protocol(self, Request request, str protocol)
    cdef _join_cookie(self, Request request, list crumbs)
    cdef _check_target(self, Request request)


cdef class TrailerReader(Section):
    cdef readonly Py_ssize_t count
    cdef readonly object error
    cdef readonly list fields
    cdef readonly Py_ssize_t limit
    cdef readonly Py_ssize_t most
    cdef readonly Py_ssize_t size

    @cython.locals(name=FieldName, value=str)
    cpdef take(self, Field field)
    cpdef list finish(self)


cpdef bint is_same_host(str authority, str host, str scheme) except -1
