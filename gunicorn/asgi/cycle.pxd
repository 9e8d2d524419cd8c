cimport cython
from ..engine.buffers cimport OutputBuffer
from ..engine.connection cimport CLOSED, READING, RUNNING, Connection
from ..http.response cimport CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE
from ..wsgi.response cimport JOINED, Response
from .awaitables cimport Native, Pause, Ready, Waiter


cdef int RECEIVE, DRAIN, UNINTERRUPTED
cdef Ready DONE
cdef Py_ssize_t HELD_PIECE, MOST_HELD
cdef dict STATUS_LINES


cdef class Wait(Native):
    cdef public Cycle cycle
    cdef public int kind
    cdef public object loop
    cdef public Waiter waiter

    @cython.locals(cycle=Cycle, waiter=Waiter)
    cdef _step(self)


cdef class Cycle(Response):
    cdef public bint concluded
    cdef public bint gone
    cdef public object grace
    cdef public list held
    cdef public Py_ssize_t held_size
    cdef public object loop
    cdef public object owner
    cdef public bint releases
    cdef public double started
    cdef public int streak
    cdef public object task
    cdef public list waiting

    cpdef open(self, owner)
    @cython.locals(out=OutputBuffer)
    cdef breath(self)
    cdef bint is_its_turn(self) except -1
    cpdef make_scope(self)
    cpdef take(self, message)
    cpdef next_message(self)
    cpdef unanswered(self)
    cpdef body_is_wrong(self, error)
    cpdef count(self)
    cpdef detach(self)
    @cython.locals(connection=Connection, out=OutputBuffer)
    cpdef drained(self)
    cpdef settle(self, Waiter waiter)
    cpdef leave(self, Waiter waiter)
    @cython.locals(waiting=list, waiter=Waiter)
    cpdef wake(self)
    cpdef lost(self)
    cpdef begin_response(self, message, status)
    @cython.locals(parts=list, length="long long", room="long long", framing=int, connection=Connection)
    cpdef content(self, bytes data, bint more)
    @cython.locals(cycle=object)
    cdef hold(self, list head, bytes data)
    cdef add_piece(self, list parts, bytes data)
    cpdef turned(self)
    cpdef release(self)
    @cython.locals(held=list)
    cdef list take_held(self)
    @cython.locals(connection=Connection, keep=bint)
    cpdef conclude(self)
    @cython.locals(connection=object)
    cdef look_again(self)
    cpdef refuse(self, error)
    @cython.locals(connection=Connection)
    cpdef give_up(self)
