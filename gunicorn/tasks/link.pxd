cimport cython

from ._channel cimport Receiver
from ._octets cimport head
from .frames cimport CANCEL, MORE, TAKES_PASSED
from .replies cimport Replies, Reply
from .sending cimport send_all, send_frame


cdef class ThreadReply(Reply):
    cdef object bell
    cdef bint is_awaited

    cdef wait_with(self, unsigned long long number, long long age)
    cpdef bint ring(self) except -1


@cython.final
cdef class Link:
    cdef int _marks
    cdef long long _pid
    cdef object _reading
    cdef Receiver _receiver
    cdef Replies _replies
    cdef object _sending
    cdef readonly object _sock
    cdef object _timeout
    cdef object _way

    cdef _begin_anew(self)
    cdef object _connected(self, object timeout)
    @cython.locals(is_new=bint)
    cpdef ThreadReply ask(self, int kind, bytes target, bytes payload, int marks, object timeout)
    @cython.locals(reply=ThreadReply)
    cdef ThreadReply _send(self, object sock, int kind, bytes target, bytes payload, int marks, object timeout)
    cpdef tuple request(self, int kind, bytes target, bytes payload, object timeout)
    cpdef tuple wait(self, ThreadReply reply, object timeout)
    cdef _read_or_sleep(self, ThreadReply reply, object left, object timeout)
    @cython.locals(found=tuple, octets=bytes)
    cdef _read(self, object left, object timeout)
    cdef tuple _received(self, object sock, object seconds)
    cdef _lose(self, object sock)
    cpdef cancel(self, ThreadReply reply)
    cpdef bint forget(self, ThreadReply reply) except -1
    cdef _tell(self, ThreadReply reply, bytes octets)
