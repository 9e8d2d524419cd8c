cimport cython
from gunicorn.http.fields cimport HOST, ORDINARY, FieldName, FieldTable
from gunicorn.http.head cimport Head
from gunicorn.http.request cimport Request
from ._http2 cimport octets_of, pairs_of
from .http2_fields cimport AUTHORITY, COOKIE, MALFORMED, METHOD, OVERHEAD, PATH, PRIORITY, TE, URI_SCHEME, Field


@cython.final
cdef class HeadReader:
    cdef readonly Py_ssize_t cookie_at
    cdef readonly Py_ssize_t count
    cdef readonly list crumbs
    cdef readonly list dropped
    cdef readonly bint has_host
    cdef readonly bint connects
    cdef readonly Head head
    cdef readonly Py_ssize_t largest
    cdef readonly Py_ssize_t limit
    cdef readonly Py_ssize_t most
    cdef readonly bint others
    cdef readonly Py_ssize_t place
    cdef readonly str protocol
    cdef readonly Request request
    cdef readonly str scheme
    cdef readonly int seen
    cdef readonly FieldTable table

    @cython.locals(request=Request)
    cdef _begin(self)
    cpdef Request read(self, list fields, Py_ssize_t size, bint ended)
    @cython.locals(field=Field)
    cdef _look_at(self, list fields)
    @cython.locals(request=Request)
    cdef _give(self, list fields)
    cdef _drop(self)
    @cython.locals(kind=int)
    cdef bint _is_counted(self, Field field) except -1
    @cython.locals(pair=tuple, name=FieldName, value=str)
    cdef _steer(self, Field field)
    @cython.locals(request=Request, kind=int, text=str, mark=int)
    cdef _pseudo(self, Field field)
    cdef _second_host(self, str value)
    cdef bint _is_first_cookie(self, Field field) except -1
    @cython.locals(limit=Py_ssize_t, cookie=str)
    cdef _join_cookie(self, list fields, list crumbs)
    @cython.locals(request=Request, limit=Py_ssize_t)
    cdef Request _finish(self, bint ended)
    cdef _check_protocol(self, Request request, str protocol)
    cdef _check_target(self, Request request)
    cdef _fault_of_tunnel(self, Request request)


@cython.locals(trailers=list, field=Field, name=FieldName)
cpdef list trailers_of(list fields, Py_ssize_t size, FieldTable table, Py_ssize_t limit)
cdef _check_asterisk(Request request)
cpdef bint is_same_host(str authority, str host, str scheme) except -1
