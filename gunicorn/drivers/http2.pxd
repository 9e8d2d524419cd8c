cimport cython
from gunicorn.engine._leaf cimport is_leaving
from gunicorn.engine.state cimport EngineState
from gunicorn.http.request cimport Request
from gunicorn.wire.http2 cimport HTTP2
from gunicorn.wire.http2_streams cimport Recipient, Stream
from .http1 cimport Connection
from .http2_answers cimport StreamAnswers
from .http2_ending cimport SessionEnding
from .http2_output cimport place_among
from .http2_stream cimport StreamExchange


cdef int EARLY, MANY


cdef class Requests


cdef class Session(SessionEnding):
    cdef readonly bint dispatching
    cdef readonly bint keeps_apart
    cdef readonly list later
    cdef readonly list ready
    cdef readonly Requests requests
    cdef readonly list soon

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
    cpdef drained(self, StreamAnswers exchange)
    cdef prioritize(self, StreamAnswers exchange, priority)
    cpdef send_delayed(self)


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
