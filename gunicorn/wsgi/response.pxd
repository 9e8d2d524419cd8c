cimport cython
from gunicorn.engine._leaf cimport monotonic
from gunicorn.gateway.response cimport Response
from gunicorn.http.response cimport CHUNKED, LENGTH, NO_BODY


cdef class WSGIResponse(Response):
    cdef _write(self, data)
    @cython.locals(now=double)
    cdef _look_for_client(self)
    cdef send_result(self, result)
    @cython.locals(known="long long")
    cdef _send_list(self, result)
    @cython.locals(taken="long long")
    cdef bint _send_file(self, wrapper) except -1
    cdef _complete(self)
