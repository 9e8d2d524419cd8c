cimport cython
from gunicorn.http._octets cimport path_end, query_end, text, token_end
from gunicorn.http.fields cimport FieldTable
from gunicorn.http.head cimport Head
from gunicorn.http.request cimport Request


cdef bytes HTTP11


cdef class RequestLineParser(Head):
    cdef public bint leading_line

    cdef begin_request_line(self, FieldTable table, bint trusted)
    cdef forget_line(self)
    @cython.locals(
        position=Py_ssize_t, method_end=Py_ssize_t, path_stop=Py_ssize_t, target_stop=Py_ssize_t, version=Py_ssize_t,
        following=Py_ssize_t, request=Request)
    cdef Py_ssize_t request_line(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(limit=Py_ssize_t)
    cdef int _heed_limit(self, Py_ssize_t length) except -1
    @cython.locals(target_start=Py_ssize_t)
    cdef int _name_resource(
        self, Request request, bytes data, Py_ssize_t start, Py_ssize_t method_end, Py_ssize_t path_stop,
        Py_ssize_t target_stop) except -1
    @cython.locals(is_followed=bint)
    cdef Py_ssize_t _behind_empty_line(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(stop=Py_ssize_t)
    cdef Py_ssize_t _short_version(
        self, bytes data, Py_ssize_t position, Py_ssize_t version, Py_ssize_t end) except -1
    @cython.locals(limit=Py_ssize_t)
    cdef Py_ssize_t _unfinished_line(self, Py_ssize_t position, Py_ssize_t end) except -1
    @cython.locals(octets=bytes)
    cdef _take_version(self, Request request, bytes data, Py_ssize_t start)


cdef Py_ssize_t _target_end(bytes data, Py_ssize_t path_stop, Py_ssize_t end) except -1
cdef bint _is_word(const unsigned char *data, Py_ssize_t start, Py_ssize_t stop) noexcept
