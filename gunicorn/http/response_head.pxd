from .request cimport Request
from .response cimport UNTIL_CLOSE


cdef class Prefix:
    cdef readonly int code
    cdef readonly bytes octets
    cdef public bytes packed


cdef class ResponseHead:
    cdef public bint at_once
    cdef public bint close
    cdef public list fields
    cdef public int framing
    cdef public bytes length_line
    cdef readonly Prefix prefix
    cdef readonly Request request
    cdef public long long response_length
    cdef public bint upgrade

    cdef begin_head(self, Request request, bint close)


cdef class Page(ResponseHead):
    cdef readonly bytes body
