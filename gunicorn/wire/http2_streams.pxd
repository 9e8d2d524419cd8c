cimport cython
from gunicorn.http.request cimport Request


cdef long long LEFT_OVER
cdef Py_ssize_t REMEMBERED
cdef int UNKNOWN, FINISHED, RESET_BY_PEER, RESET_BY_US


cdef class Stream:
    cdef public bint answered
    cdef public long long credit
    cdef public long long expected
    cdef readonly long long identifier
    cdef public long long left_over
    cdef public long long owed
    cdef public object owner
    cdef public bint receiving
    cdef public bint released
    cdef public bint sending
    cdef public bint tired
    cdef public long long window

    cdef begin(self, long long identifier, long long window, long long credit)


cdef class Ends:
    cdef readonly list entries
    cdef Py_ssize_t place

    @cython.locals(entries=list, entry="long long")
    cdef remember(self, long long identifier, int how)
    @cython.locals(entries=list, step=Py_ssize_t, entry="long long")
    cdef int of(self, long long identifier) except -1


cdef class Recipient:
    cpdef head(self, Stream stream, Request request)
    cpdef refused(self, Stream stream, Request request, error)
    cpdef malformed(self, Request request, error)
    cpdef content(self, Stream stream, bytes data)
    cpdef end(self, Stream stream, list trailers)
    cpdef reset(self, Stream stream, long long code)
    cpdef writable(self, Stream stream)
    cpdef prioritize(self, long long identifier, bytes value)
    cpdef pong(self, bytes octets)
