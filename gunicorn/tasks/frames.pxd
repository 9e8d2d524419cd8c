cimport cython

from ._octets cimport Frame, frames


cdef int CALL, RESULT, ERROR, ITEM, END, MORE, CANCEL, STASH, READY, WORN, LEAVING, LEAVE
cdef int STREAM, WINDOW, PASSED, TAKES_PASSED
cdef Py_ssize_t _AT_ONCE, _MOST_AT_ONCE


@cython.final
cdef class FrameReader:
    cdef bytearray _buffer
    cdef Py_ssize_t _missing
    cdef object _passed
    cdef readonly Py_ssize_t wanted

    @cython.locals(found=list, at=Py_ssize_t, missing=Py_ssize_t, frame=Frame)
    cpdef list feed(self, bytes octets, object passed=*)
    cpdef forget(self)
    cdef _misses(self, Py_ssize_t missing)


@cython.locals(app_path=bytes, rest=bytes, action=bytes, request_id=bytes)
cpdef tuple names_of(bytes target)
cpdef bytes target_of(str app_path, str action, object request_id=*)
