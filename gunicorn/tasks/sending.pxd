cimport cython

from ._channel cimport Receiver, send
from ._octets cimport framed, head
from .frames cimport PASSED, FrameReader


cdef Py_ssize_t _SMALL


@cython.locals(kind=int, marks=int, number="unsigned long long", amount=double, begin=bytes, inline=bytes)
cpdef send_frame(object sock, tuple about, bytes target, bytes payload, object seconds)
@cython.locals(sent=Py_ssize_t)
cpdef send_all(object sock, bytes octets, object seconds)
cpdef send_answer(object channel, int kind, unsigned long long number, bytes payload)
cpdef list read_frames(Receiver receiver, FrameReader reader)
