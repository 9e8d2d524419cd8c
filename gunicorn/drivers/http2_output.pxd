cimport cython
from gunicorn.engine.buffers cimport Spill
from gunicorn.engine.state cimport EngineState
from gunicorn.wire.http2 cimport HTTP2
from gunicorn.wire.http2_frames cimport HEAD_SIZE
from .http1 cimport Connection
from .http2_answers cimport PIECE, PROGRESS, MultiplexedConnection, StreamAnswers


cdef Py_ssize_t AHEAD, MOST_UNSENT
cdef long long LARGEST_SPILL


cdef class SharedOutput(MultiplexedConnection):
    cdef readonly EngineState engine
    cdef readonly Py_ssize_t moved
    cdef readonly bint receiving
    cdef readonly Spill spilled
    cdef readonly list waiting

    cpdef lost(self, StreamAnswers exchange)
    cpdef drained(self, StreamAnswers exchange)
    cpdef pumped(self)
    cpdef bint full(self) except -1
    cpdef Py_ssize_t queues(self) except -1
    @cython.locals(spilled=Spill)
    cpdef Spill spill(self)
    cpdef gathered(self, bint ended)
    cpdef bint has_room(self, Py_ssize_t size) except -1
    @cython.locals(connection=Connection, protocol=HTTP2)
    cpdef pump(self)
    @cython.locals(
        place=Py_ssize_t, waiting=list, room=Py_ssize_t, exchange=StreamAnswers, count=Py_ssize_t)
    cdef _fill(self)
    cdef _has_advanced(self, Py_ssize_t place, StreamAnswers exchange)
    @cython.locals(waiting=list, end=Py_ssize_t, other=StreamAnswers)
    cdef _give_turn(self, Py_ssize_t place, StreamAnswers exchange)
    cpdef wait_for(self, StreamAnswers exchange)
    cpdef wait_no_more(self, StreamAnswers exchange)
    @cython.locals(exchange=StreamAnswers)
    cdef look_at_queues(self, double now)


@cython.locals(place=Py_ssize_t, other=StreamAnswers)
cpdef Py_ssize_t place_among(list queue, int urgency) except -1
