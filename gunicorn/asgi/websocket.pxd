cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.engine.driver cimport Driver
from gunicorn.wire.websocket cimport (
    CLOSE, MESSAGE, NEED_DATA, OP_BINARY, OP_PING, OP_PONG, OP_TEXT, PING, Frames)
from gunicorn.instrument._board cimport Board
from .cycle cimport Cycle
from .gateway_state cimport ASGIGatewayState
from .messages cimport kind_of, octets_of, status_of


cdef int CONNECTING, OPEN, CLOSING, DENYING, OVER
cdef Py_ssize_t MOST_QUEUED_OCTETS


cdef class Inbox(Driver):
    cdef readonly WebSocketCycle cycle
    cdef readonly Frames frames
    cdef public object messages
    cdef public Py_ssize_t most
    cdef public Py_ssize_t octets

    @cython.locals(cycle=WebSocketCycle)
    cpdef receive(self, bytes data)
    @cython.locals(cycle=WebSocketCycle)
    cpdef bint full(self) except -1
    @cython.locals(cycle=WebSocketCycle)
    cpdef ended(self)
    cdef put(self, message)
    cdef get(self)


cdef class WebSocketCycle(Cycle):
    cdef public bytes accept_value
    cdef public Py_ssize_t answers
    cdef public double asked_at
    cdef public bint asked_for
    cdef public int code
    cdef public double heard_at
    cdef readonly Inbox inbox
    cdef public str reason
    cdef public bint said_last
    cdef public int stage

    cdef open(self, ASGIGatewayState owner)
    cdef make_scope(self)
    @cython.locals(inbox=Inbox, was_full=bint)
    cdef next_message(self)
    @cython.locals(inbox=Inbox)
    cdef read(self)
    @cython.locals(frames=Frames, event=int)
    cdef bint take_events(self, Inbox inbox) except -1
    cdef answer_ping(self, bytes data)
    @cython.locals(exchange=Exchange)
    cdef bint is_unheard(self) except -1
    @cython.locals(inbox=Inbox)
    cdef heard(self)
    cdef wake_for(self, Inbox inbox)
    @cython.locals(stage=int)
    cdef take(self, dict message)
    @cython.locals(header=bytes, data=bytes, opcode=int, inbox=Inbox)
    cdef send_message(self, dict message)
    cpdef lost(self)
    cdef finish_socket(self)
    cdef knows(self)
    cdef count(self)
    @cython.locals(board=Board)
    cdef tell_board(self, int status)
    cdef _tell_number(self)
    cdef detach(self)
    cdef unanswered(self)
    cpdef give_up(self)
    cpdef refuse(self, error)
