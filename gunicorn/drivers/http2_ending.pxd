cimport cython
from gunicorn.engine.state cimport EngineState
from gunicorn.wire.http2 cimport HTTP2
from gunicorn.wire.http2_streams cimport Stream
from .http1 cimport Connection
from .http2_output cimport SharedOutput
from .http2_stream cimport StreamExchange


cdef double SETTINGS_SECONDS, FAREWELL_SECONDS, SHORTEST_IDLE
cdef int STAYING, LEAVING, LAST


cdef class SessionEnding(SharedOutput):
    cdef readonly double began
    cdef long long block_of
    cdef double block_since
    cdef readonly double farewell_by
    cdef readonly list free
    cdef long long highest
    cdef readonly double idle_since
    cdef readonly double keepalive
    cdef readonly double leave_by
    cdef readonly bint proxied
    cdef readonly int step
    cdef readonly double taken_at

    @cython.locals(now=double)
    cdef begin_ending(self, double keepalive)
    @cython.locals(stream=Stream, exchange=StreamExchange)
    cpdef list exchanges(self)
    cpdef pumped(self)
    cpdef writable(self)
    @cython.locals(now=double, by=double)
    cdef leave(self, double latest)
    cdef pong(self, bytes octets)
    cdef _settle_farewell(self)
    cpdef shorten(self, double latest)
    cdef end_failed(self)
    cdef _part(self)
    @cython.locals(stream=Stream, exchange=StreamExchange)
    cpdef closed(self)
    @cython.locals(stream=Stream, exchange=StreamExchange)
    cpdef abandon(self)
    @cython.locals(connection=Connection, now=double)
    cpdef expire(self)
    @cython.locals(stream=Stream, exchange=StreamExchange)
    cdef _expire_streams(self, double now)
    @cython.locals(protocol=HTTP2, engine=EngineState, limit=double)
    cdef int _overdue(self, double now) except -1
    @cython.locals(protocol=HTTP2, idle=bint)
    cdef _look_at_idle(self, double now)
