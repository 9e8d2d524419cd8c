cimport cython
from ._leaf cimport Place, send, send_file


cdef Py_ssize_t READ_SIZE
cdef long long MOST_AT_ONCE


cdef class BodyStore:
    cdef public Py_ssize_t bound
    cdef public str directory
    cdef public long long size
    cdef public object file
    cdef Place reserved
    cdef public bint spilled
    cpdef reserve(self, long long length)
    cpdef write(self, bytes data)


cdef class Spill:
    cdef object _file
    cdef Py_ssize_t _users
    cdef readonly long long end
    cdef readonly int fd
    cpdef take(self)
    cpdef let_go(self)
    cpdef write(self, data)


cdef class FileSegment:
    cdef readonly int fd
    cdef public long long offset
    cdef public long long count
    cdef readonly bint reads
    cdef readonly Spill spill


@cython.locals(data=bytes, sent=Py_ssize_t)
cdef Py_ssize_t _send_from(int fd, FileSegment segment) except -2


cdef class OutputBuffer:
    cdef public Py_ssize_t bound
    cdef public str directory
    cdef public bint no_file
    cdef public object segments
    cdef public Py_ssize_t size
    cdef public long long spilled
    cdef public Spill spill
    cpdef bint full(self)
    @cython.locals(sent=Py_ssize_t)
    cpdef Py_ssize_t _send_first(self, int fd) except -2
    cpdef bytes take(self, Py_ssize_t most)


cdef class BodyStream:
    cdef public Py_ssize_t bound
    cdef public object pieces
    cdef public Py_ssize_t size
    cdef public bint complete
    cdef public bint failed
    cdef public object fault
    cdef public object on_change
