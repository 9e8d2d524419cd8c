cimport cython
from gunicorn.engine.buffers cimport OutputBuffer, Spill
from gunicorn.engine.exchange cimport Exchange
from gunicorn.engine.multiplexer cimport Multiplexer
from gunicorn.http.response cimport LENGTH, NO_BODY, FieldLine
from gunicorn.http.response_head cimport Page, ResponseHead
from gunicorn.wire.http2 cimport HTTP2
from gunicorn.wire.http2_frames cimport HEAD_SIZE
from gunicorn.wire.http2_response cimport block_of, settle
from gunicorn.wire.http2_streams cimport Stream
from .http1 cimport Connection


cdef Py_ssize_t PIECE, PROGRESS, LEAST_SHARE


cdef class StreamAnswers


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
    cpdef serve(self, StreamAnswers exchange)
    cpdef wait_for(self, StreamAnswers exchange)
    cpdef wait_no_more(self, StreamAnswers exchange)
    cpdef Py_ssize_t queues(self) except -1
    cpdef Spill spill(self)
    cpdef attend_soon(self, StreamAnswers exchange)
    cpdef reset(self, StreamAnswers exchange, long long code)
    cpdef time_is_up(self, StreamAnswers exchange)
    cpdef finished(self, StreamAnswers exchange, bint keep)


cdef class StreamOutput(OutputBuffer):
    cdef long long _most
    cdef MultiplexedConnection _session

    cpdef bint full(self)


cdef class StreamAnswers(Exchange):
    cdef readonly ResponseHead begun
    cdef readonly object bell
    cdef public double deadline
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
    cdef public int urgency

    cpdef close(self)
    cpdef start(self, ResponseHead head)
    cpdef send(self, ResponseHead head, bytes data, bint last)
    @cython.locals(held=list, ended=bint)
    cdef _send(self, ResponseHead head, bytes data, bint last)
    @cython.locals(head=ResponseHead, block=bytes)
    cdef _send_head(self, bint ended)
    @cython.locals(size=Py_ssize_t, session=MultiplexedConnection)
    cdef send_content(self, bytes data, bint ended)
    cpdef hold(self, ResponseHead head, bytes data)
    cpdef push(self)
    @cython.locals(head=ResponseHead, held=list, data=bytes)
    cdef _push(self)
    cpdef long long send_file(self, int fd, long long offset, long long count) except? -2
    cpdef long long read_file(self, int fd, long long offset, long long count) except? -2
    @cython.locals(head=ResponseHead, held=list, data=bytes, trailers=bytes, ended=bint)
    cdef send_end(self)
    cdef _send_trailers(self, bytes block)
    @cython.locals(out=OutputBuffer, session=MultiplexedConnection, size="long long", bound="long long")
    cdef _queue(self, data)
    @cython.locals(response=ResponseHead, field=FieldLine)
    cdef _heed_response(self)
    @cython.locals(out=OutputBuffer, protocol=HTTP2, data=bytes, count=Py_ssize_t, empty=bint, ended=bint)
    cpdef Py_ssize_t advance(self, Py_ssize_t most) except -1
    @cython.locals(out=OutputBuffer)
    cpdef long long queued(self) except -1
    cpdef bint is_flushed(self) except -1
    @cython.locals(out=OutputBuffer)
    cpdef bint must_wait(self) except -1
    @cython.locals(out=OutputBuffer)
    cpdef drop_queue(self)
    cdef ring(self)
    @cython.locals(others=double)
    cpdef expire(self)
    cpdef lose(self)
