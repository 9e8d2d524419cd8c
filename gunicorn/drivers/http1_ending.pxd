cimport cython
from gunicorn.engine._leaf cimport close, push, receive
from gunicorn.engine.buffers cimport BodyStore, BodyStream
from gunicorn.engine.driver cimport Driver
from gunicorn.engine.multiplexer cimport Multiplexer
from gunicorn.engine.opener cimport Opener
from gunicorn.http.request cimport Request
from gunicorn.http.response cimport UNTIL_CLOSE
from gunicorn.wire.protocol cimport Protocol
from .http1_answers cimport Answers


cdef int READING, RUNNING, FLUSHING, LINGERING, CLOSED, MULTIPLEXED, TURNS


cdef class Ending(Answers):
    cdef public bint awaited
    cdef readonly BodyStore body
    cdef readonly Driver driver
    cdef public bint hangup
    cdef public bint keep
    cdef public bint processing
    cdef readonly Multiplexer multiplexer
    cdef readonly Opener opener
    cdef readonly Protocol protocol
    cdef public bint readable
    cdef readonly bint reading
    cdef public bint skipping
    cdef public int state
    cdef object __weakref__

    cpdef bint is_running(self) except -1
    cpdef bint is_lost(self) except -1
    cdef close_body(self)
    cpdef refuse(self, error)
    cdef end_when_sent(self)
    @cython.locals(driver=Driver)
    cdef end_of_stream(self)
    cpdef expire(self)
    cdef forget_queued(self)
    cpdef shorten(self, double latest, double lingers)
    cpdef end(self)
    @cython.locals(protocol=Protocol, request=Request)
    cdef bint _nothing_unread(self) except -1
    cdef discard(self)
    cdef fail(self)
    cpdef drop(self)
    @cython.locals(answered=bint)
    cdef _end_unserved(self)
    @cython.locals(multiplexer=Multiplexer)
    cpdef close(self)
