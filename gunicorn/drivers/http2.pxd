cimport cython
from gunicorn.engine._leaf cimport is_leaving
from gunicorn.engine.state cimport EngineState
from gunicorn.http.request cimport Request
from gunicorn.wire.http2 cimport HTTP2
from gunicorn.wire.http2_streams cimport Recipient, Stream
from .http1 cimport Connection
from .http2_answers cimport StreamAnswers
from .http2_output cimport SharedOutput, place_among
from .http2_stream cimport StreamExchange


cdef double SETTINGS_SECONDS, FAREWELL_SECONDS, SHORTEST_IDLE
cdef int EARLY, MANY, STAYING, LEAVING, LAST


cdef class Requests


cdef class Session(SharedOutput):
    cdef readonly double began
    cdef long long block_of
    cdef double block_since
    cdef readonly bint dispatching
    cdef readonly double farewell_by
    cdef readonly list free
    cdef long long highest
    cdef readonly double idle_since
    cdef readonly double keepalive
    cdef readonly bint keeps_apart
    cdef readonly list later
    cdef readonly double leave_by
    cdef readonly bint proxied
    cdef readonly list ready
    cdef readonly Requests requests
    cdef readonly list soon
    cdef readonly int step
    cdef readonly double taken_at

    @cython.locals(nested=bint)
    cpdef receive(self, bytes data)
    cdef _take_in(self, bytes data)
    @cython.locals(engine=EngineState, running=Py_ssize_t)
    cpdef look(self)
    @cython.locals(exchange=StreamExchange)
    cdef StreamExchange open(self, Stream state, Request request)
    cdef bint is_misdirected(self, Request request) except -1
    @cython.locals(request=Request, ready=list)
    cdef is_ready(self, StreamAnswers exchange)
    cdef _serve_ready(self)
    @cython.locals(engine=EngineState, request=Request)
    cpdef serve(self, StreamAnswers exchange)
    @cython.locals(exchange=StreamExchange)
    cdef complain(self, Request request, error)
    @cython.locals(connection=Connection, exchange=StreamExchange)
    cpdef adopt(self, Request request)
    cpdef attend_soon(self, StreamAnswers exchange)
    cpdef lost(self, StreamAnswers exchange)
    cpdef reset(self, StreamAnswers exchange, long long code)
    cpdef time_is_up(self, StreamAnswers exchange)
    @cython.locals(engine=EngineState)
    cpdef finished(self, StreamAnswers exchange, bint keep)
    cdef _release(self, StreamAnswers exchange)
    cdef _recycle(self, StreamAnswers exchange)
    @cython.locals(stream=Stream, exchange=StreamExchange)
    cpdef list exchanges(self)
    cpdef drained(self, StreamAnswers exchange)
    cpdef pumped(self)
    cdef prioritize(self, StreamAnswers exchange, priority)
    cpdef writable(self)
    cpdef send_delayed(self)
    @cython.locals(now=double, by=double)
    cdef leave(self, double latest)
    cdef pong(self, bytes octets)
    cdef _settle_farewell(self)
    cpdef shorten(self, double latest)
    cdef _end_failed(self)
    cdef _part(self)
    @cython.locals(stream=Stream, exchange=StreamExchange)
    cpdef closed(self)
    @cython.locals(stream=Stream, exchange=StreamExchange)
    cpdef abandon(self)
    @cython.locals(connection=Connection, now=double, stream=Stream, exchange=StreamExchange)
    cpdef expire(self)
    @cython.locals(protocol=HTTP2, engine=EngineState, limit=double)
    cdef int _overdue(self, double now) except -1
    @cython.locals(protocol=HTTP2, idle=bint)
    cdef _look_at_idle(self, double now)


cdef class Requests(Recipient):
    cdef readonly dict early
    cdef readonly Session session

    @cython.locals(session=Session, exchange=StreamExchange)
    cpdef head(self, Stream stream, Request request)
    @cython.locals(exchange=StreamExchange)
    cpdef refused(self, Stream stream, Request request, error)
    cpdef malformed(self, Request request, error)
    @cython.locals(exchange=StreamExchange)
    cpdef content(self, Stream stream, bytes data)
    @cython.locals(exchange=StreamExchange)
    cpdef end(self, Stream stream, list trailers)
    @cython.locals(exchange=StreamExchange)
    cpdef reset(self, Stream stream, long long code)
    cpdef writable(self, Stream stream)
    @cython.locals(session=Session, stream=Stream, exchange=StreamExchange)
    cpdef prioritize(self, long long identifier, bytes value)
    cpdef pong(self, bytes octets)
