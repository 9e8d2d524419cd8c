cimport cython
from gunicorn.engine._leaf cimport HANGUP, READABLE, RECEIVE_SIZE, WRITABLE, Place, peek, receive
from gunicorn.engine.buffers cimport BodyStore, BodyStream
from gunicorn.engine.driver cimport Driver
from gunicorn.engine.listener cimport Listener
from gunicorn.engine.multiplexer cimport Multiplexer
from gunicorn.engine.state cimport EngineState
from gunicorn.wire.protocol cimport NEED_DATA, Protocol
from .http1_answers cimport Answers
from .http1_ending cimport CLOSED, LINGERING, MULTIPLEXED, READING, RUNNING, TURNS
from .http1_requests cimport DIRECT, RequestSequence


cdef class Connection(RequestSequence):
    cdef begin(self, EngineState engine, int fd, peer, Listener listener, Protocol protocol)
    cpdef on_event(self, int flags)
    cpdef process(self)
    @cython.locals(turns=int, event=int)
    cdef _serve(self)
    @cython.locals(driver=Driver)
    cdef bint _feed_driver(self) except -1
    cdef _refuse_or_change(self, error)
    cpdef go_on(self)
    @cython.locals(turns=int, event=int)
    cpdef pull(self)
    @cython.locals(data=bytes, wanted="long long")
    cdef bint _read(self) except -1
    @cython.locals(count=Py_ssize_t, place=Place)
    cdef bint _read_directly(self, BodyStore body, long long wanted) except -1
    @cython.locals(driver=Driver)
    cdef take_in(self, bytes data)
    cpdef await_body(self, bint waits)
    cpdef bint disconnected(self) except -1
    cdef bint _has_ended(self) except -1
    cpdef bint watch_client(self) except -1
    cpdef become(self, Driver driver)
    cpdef multiplex(self, Multiplexer multiplexer)
    cpdef send_delayed(self)
    cpdef look(self)
    cpdef part(self)
    cpdef bint is_attended(self) except -1
    cpdef list exchanges(self)
    @cython.locals(body=BodyStore)
    cpdef BodyStore give_body(self)
