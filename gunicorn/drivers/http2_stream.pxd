cimport cython
from gunicorn.engine.buffers cimport BodyStore, BodyStream, OutputBuffer, Spill
from gunicorn.engine.driver cimport Driver
from gunicorn.engine.multiplexer cimport Multiplexer
from gunicorn.engine.exchange cimport Exchange
from gunicorn.http.request cimport Request
from gunicorn.http.response cimport LENGTH, NO_BODY, FieldLine
from gunicorn.http.response_head cimport Page, ResponseHead
from gunicorn.wire.http2 cimport HTTP2
from gunicorn.wire.http2_frames cimport HEAD_SIZE
from gunicorn.wire.http2_response cimport block_of, settle
from gunicorn.wire.http2_streams cimport Stream
from .http1 cimport Connection


cdef Py_ssize_t PIECE, PROGRESS, BODY_PROGRESS, STORED_WINDOW, LEAST_SHARE


cdef class StreamExchange


cdef class MultiplexedConnection(Multiplexer):
    cdef public Py_ssize_t bodies
    cdef readonly Connection connection
    cdef readonly bint inside
    cdef readonly double moved_at
    cdef readonly HTTP2 protocol
    cdef public Py_ssize_t size

    cpdef pump(self)
    cpdef gathered(self, bint ended)
    cpdef bint has_room(self, Py_ssize_t size) except -1
    cpdef look(self)
    cpdef serve(self, StreamExchange exchange)
    cpdef wait_for(self, StreamExchange exchange)
    cpdef wait_no_more(self, StreamExchange exchange)
    cpdef Py_ssize_t queues(self) except -1
    cpdef Spill spill(self)
    cpdef attend_soon(self, StreamExchange exchange)
    cpdef reset(self, StreamExchange exchange, long long code)
    cpdef time_is_up(self, StreamExchange exchange)
    cpdef finished(self, StreamExchange exchange, bint keep)


cdef class StreamOutput(OutputBuffer):
    cdef long long _most
    cdef MultiplexedConnection _session

    cpdef bint full(self)


cdef class CreditedBody(BodyStream):
    cdef StreamExchange _exchange
    cdef long long _number


cdef class StreamExchange(Exchange):
    cdef readonly ResponseHead begun
    cdef readonly object bell
    cdef public BodyStore body
    cdef public double deadline
    cdef readonly Driver driver
    cdef readonly list early
    cdef readonly bint ending
    cdef readonly list held
    cdef public bint incremental
    cdef readonly OutputBuffer out
    cdef readonly Py_ssize_t progress
    cdef public bint running
    cdef readonly long long sent
    cdef readonly MultiplexedConnection session
    cdef readonly Stream state
    cdef readonly bytes trailer_block
    cdef readonly bint trailing
    cdef readonly long long unheeded
    cdef public int urgency

    cdef begin(self, MultiplexedConnection session)
    cdef open(self, Stream state, Request request)
    cpdef bint is_running(self) except -1
    cpdef bint is_lost(self) except -1
    cpdef bint disconnected(self) except -1
    cpdef bint watch_client(self) except -1
    cpdef bint is_secure(self) except -1
    cpdef bint may_reconnect(self) except -1
    cpdef bint is_attended(self) except -1
    cpdef bint expect_body(self, Request request) except -1
    @cython.locals(protocol=HTTP2, limit="long long")
    cpdef feed(self, bytes data)
    @cython.locals(request=Request, stream=BodyStream)
    cpdef bint end_body(self, list trailers) except -1
    cpdef credit(self, long long number, long long count)
    @cython.locals(request=Request)
    cpdef send_continue(self)
    cpdef pull(self)
    cpdef await_body(self, bint waits)
    @cython.locals(stream=BodyStream)
    cpdef give_up_body(self)
    cpdef expect_driver(self)
    cpdef become(self, Driver driver)
    @cython.locals(early=list, unheeded="long long")
    cpdef go_on(self)
    @cython.locals(driver=Driver)
    cdef _feed_driver(self, bytes data)
    @cython.locals(driver=Driver)
    cdef _credit_driver(self, long long count)
    cpdef write(self, data)
    cpdef write_two(self, bytes head, body)
    @cython.locals(stream=BodyStream)
    cdef bint _lacks(self, bint body) except -1
    cdef _ring(self)
    cpdef start(self, ResponseHead head)
    cpdef send(self, ResponseHead head, bytes data, bint last)
    @cython.locals(held=list, ended=bint)
    cdef _send(self, ResponseHead head, bytes data, bint last)
    @cython.locals(head=ResponseHead, block=bytes)
    cdef _send_head(self, bint ended)
    @cython.locals(size=Py_ssize_t, session=MultiplexedConnection)
    cdef _send_content(self, bytes data, bint ended)
    @cython.locals(out=OutputBuffer, session=MultiplexedConnection, size="long long", bound="long long")
    cdef _queue(self, data)
    @cython.locals(response=ResponseHead, field=FieldLine)
    cdef _heed_response(self)
    @cython.locals(out=OutputBuffer, protocol=HTTP2, data=bytes, count=Py_ssize_t, empty=bint, ended=bint)
    cpdef Py_ssize_t advance(self, Py_ssize_t most) except -1
    cpdef hold(self, ResponseHead head, bytes data)
    cpdef push(self)
    @cython.locals(head=ResponseHead, held=list, data=bytes)
    cdef _push(self)
    cpdef long long send_file(self, int fd, long long offset, long long count) except? -2
    cpdef long long read_file(self, int fd, long long offset, long long count) except? -2
    @cython.locals(out=OutputBuffer)
    cpdef long long queued(self) except -1
    cpdef bint is_flushed(self) except -1
    @cython.locals(out=OutputBuffer)
    cpdef bint must_wait(self) except -1
    cpdef finish(self, bint keep)
    cpdef bint conclude(self, bint keep) except -1
    cdef _finish(self, bint keep)
    cdef _send_trailers(self, bytes block)
    @cython.locals(head=ResponseHead, held=list, data=bytes, trailers=bytes, ended=bint)
    cdef _end(self)
    @cython.locals(request=Request)
    cpdef close(self)
    cpdef lose(self)
    @cython.locals(out=OutputBuffer)
    cpdef drop_queue(self)
    @cython.locals(others=double)
    cpdef expire(self)
    cpdef refuse(self, error)
    cpdef drop(self)
