cimport cython

from ._channel cimport Receiver
from ._octets cimport Frame
from .calls cimport Job
from .frames cimport LEAVING, WORN, FrameReader
from .sending cimport read_frames, send_answer


@cython.final
cdef class Serving:
    cdef object _apps
    cdef object _beat
    cdef long long _calls_left
    cdef set _cancelled
    cdef object _channel
    cdef object _control
    cdef FrameReader _control_reader
    cdef Receiver _control_receiver
    cdef object _frames
    cdef bint _is_last
    cdef dict _jobs
    cdef unsigned long long _last_seen
    cdef object _loop
    cdef FrameReader _reader
    cdef object _reading
    cdef Receiver _receiver
    cdef object _sending
    cdef bint _wishes_to_leave
    cdef readonly tuple wake

    cpdef send(self, int kind, unsigned long long number, bytes payload)
    @cython.locals(job=Job)
    cpdef work(self, str name)
    @cython.locals(job=Job, is_worn=bint)
    cdef Job _next_job(self)
