cimport cython

from ._octets cimport Frame
from .frames cimport END, ERROR, ITEM, RESULT, STREAM, WINDOW, names_of
from .values cimport decode, encode


@cython.final
cdef class Job:
    cdef object _pending
    cdef object _room
    cdef readonly str action
    cdef readonly str app_path
    cdef public object error
    cdef readonly bint is_cancelled
    cdef readonly bint is_stream
    cdef readonly unsigned long long number
    cdef public object payload
    cdef readonly object request_id

    cpdef cancel(self)
    cpdef more(self, long long items)
    cpdef bint has_room(self) except -1
    cpdef object result_of(self, object pending)


cpdef object run(Job job, object apps, object loop, object tell)
cpdef tuple answer(Job job, object apps, object loop)
cdef object _result(Job job, object apps, object loop)
cdef tuple _arguments(Job job)
