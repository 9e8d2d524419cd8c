cimport cython
from ._leaf cimport READABLE, accept, is_readable
from ._leaf cimport close as close_descriptor
from .connections cimport Connections
from .listener cimport Listener
from .transport cimport Transport


cdef class Intake(Connections):
    cdef public bint held
    cdef public bint lacked
    cdef public Py_ssize_t limit
    cdef public dict listener_at
    cdef public list listeners
    cdef public bint listening
    cdef public bint parked_first
    cdef public bint parked_ready
    cdef public bint parked_watched
    cdef public list ready_listeners
    cdef public bint scarce

    cdef begin_intake(self, Py_ssize_t limit)
    cdef look_for_room(self)
    @cython.locals(connection=Transport)
    cpdef Transport open(self, int fd, peer, Listener listener)
    cpdef forget(self, connection, int fd)
    @cython.locals(taken=Py_ssize_t)
    cdef take_waiting(self)
    @cython.locals(listener=Listener, taken=Py_ssize_t)
    cdef _accept_ready(self)
    cdef bint _accept(self, Listener listener) except -1
    @cython.locals(taken=Py_ssize_t)
    cdef Py_ssize_t _take_parked(self) except -1
    @cython.locals(listener=Listener, fd=int)
    cdef bint _take_up(self) except -1
    cdef Listener _listener_named(self, str name)
    @cython.locals(connection=Transport)
    cdef _take_on(self, int fd, peer, Listener listener, parked)
    cdef _begin(self, Transport connection, Listener listener)
    cdef _begin_in_turn(self, Transport connection)
    cdef _resume(self, Transport connection, parked)
    cdef _not_taken(self, int fd, Transport connection, error)
    cdef _await_handshake(self, Transport connection)
    cdef bint _comes(self, int fd, bint greeted) except -1
