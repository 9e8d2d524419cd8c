from gunicorn.http.request cimport Request
from gunicorn.http.response_head cimport Page, ResponseHead
from .buffers cimport BodyStream
from .driver cimport Driver
from .listener cimport Listener
from .state cimport EngineState


cdef class Exchange:
    cdef public long long body_size
    cdef public bint broken
    cdef readonly EngineState engine
    cdef readonly object handed
    cdef readonly Listener listener
    cdef public long long number
    cdef public object peer
    cdef readonly Request request
    cdef public object response
    cdef public dict shared
    cdef readonly BodyStream stream
    cdef public bint taken_over

    cdef begin_exchange(self, EngineState engine, peer, Listener listener)
    cpdef bint is_running(self) except -1
    cpdef bint is_lost(self) except -1
    cpdef bint disconnected(self) except -1
    cpdef bint watch_client(self) except -1
    cpdef bint is_secure(self) except -1
    cpdef bint may_reconnect(self) except -1
    cpdef send_continue(self)
    cpdef pull(self)
    cpdef await_body(self, bint waits)
    cpdef start(self, ResponseHead head)
    cpdef send(self, ResponseHead head, bytes data, bint last)
    cpdef hold(self, ResponseHead head, bytes data)
    cpdef push(self)
    cpdef long long send_file(self, int fd, long long offset, long long count) except? -2
    cpdef long long read_file(self, int fd, long long offset, long long count) except? -2
    cpdef answer(self, Page page)
    cpdef write(self, data)
    cpdef write_two(self, bytes head, body)
    cpdef long long queued(self) except -1
    cpdef bint is_flushed(self) except -1
    cpdef bint must_wait(self) except -1
    cpdef finish(self, bint keep)
    cpdef bint conclude(self, bint keep) except -1
    cpdef refuse(self, error)
    cpdef drop(self)
    cpdef become(self, Driver driver)
    cpdef go_on(self)
    cpdef bint is_attended(self) except -1
