cimport cython
from gunicorn.http.fields cimport FieldTable
from ._leaf cimport Poller, accept, monotonic, show_connections
from ._leaf cimport close as close_descriptor
from .exchange cimport Exchange
from .listener cimport Listener
from .opener cimport Opener
from .state cimport EngineState
from .transport cimport Transport


cdef int TRUSTED, MAY_PROXY
cdef double DELAY_SECONDS, PACE_SECONDS, SWEEP_SECONDS, SHORT_LIMIT, SHORT_SWEEP_SECONDS, QUIET_SECONDS


cdef class Engine(EngineState):
    cdef public list connections
    cdef readonly list delayed
    cdef double delayed_since
    cdef public dict known_peers
    cdef public Py_ssize_t limit
    cdef public dict listener_at
    cdef public list listeners
    cdef public bint listening
    cdef public double next_sweep
    cdef readonly Opener opener
    cdef public object proxies
    cdef public bint parked_first
    cdef public bint parked_ready
    cdef public bint parked_watched
    cdef public list ready_listeners
    cdef public bint scarce
    cdef public int left
    cdef public bint held
    cdef readonly FieldTable table
    cdef public object trusted
    cdef readonly tuple wakeup_fds

    cpdef int poll(self, double timeout) except -1
    @cython.locals(events=int)
    cpdef int wait(self, double timeout) except -1
    @cython.locals(poller=Poller, connections=list, connection=Transport, index=int, fd=int)
    @cython.locals(began=double)
    cpdef int dispatch(self, int events) except -1
    cpdef bint delay(self, connection) except -1
    @cython.locals(waited=double, now=double)
    cdef _look_at_delayed(self)
    @cython.locals(delayed=list, connection=Transport)
    cpdef send_delayed(self)
    @cython.locals(connection=Transport)
    cdef _run_again(self)
    @cython.locals(attended=Exchange)
    cpdef attend(self, connection)
    cpdef failed(self, exchange, error)
    cdef _not_taken(self, int fd, Transport connection, error)
    @cython.locals(listener=Listener, taken=Py_ssize_t)
    cdef _accept_ready(self)
    @cython.locals(taken=Py_ssize_t)
    cdef _take_and_accept(self)
    @cython.locals(taken=Py_ssize_t)
    cdef Py_ssize_t _take_parked(self) except -1
    @cython.locals(connection=Transport, listener=Listener, fd=int)
    cdef bint _take_up(self) except -1
    cdef Listener _listener_named(self, str name)
    @cython.locals(connection=Transport)
    cdef bint _accept(self, Listener listener) except -1
    cdef _await_handshake(self, Transport connection)
    cdef bint _comes(self, int fd, bint greeted) except -1
    cdef int _trust(self, peer) except -1
    @cython.locals(connection=Transport, connections=list, trust=int)
    cpdef Transport open(self, int fd, peer, Listener listener)
    cpdef bint others_wait(self) except -1
    @cython.locals(connections=list)
    cpdef forget(self, connection, int fd)
    @cython.locals(connection=Transport, now=double, parks=bint)
    cpdef sweep(self)
