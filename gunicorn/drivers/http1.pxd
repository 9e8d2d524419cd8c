cimport cython
from gunicorn.engine._leaf cimport HANGUP, READABLE, RECEIVE_SIZE, WRITABLE, Place, close, peek, push, receive
from gunicorn.engine.buffers cimport BodyStore, BodyStream, OutputBuffer
from gunicorn.engine.driver cimport Driver
from gunicorn.engine.listener cimport Listener
from gunicorn.engine.multiplexer cimport Multiplexer
from gunicorn.engine.opener cimport Opener
from gunicorn.engine.state cimport EngineState
from gunicorn.wire.protocol cimport DATA, NEED_DATA, REQUEST, Protocol
from gunicorn.http.request cimport Request
from gunicorn.http.response cimport UNTIL_CLOSE
from .http1_answers cimport Answers


cdef int READING, RUNNING, FLUSHING, LINGERING, CLOSED, MULTIPLEXED, TURNS, DIRECT, SKIPPED


cdef class Connection(Answers):
    cdef public bint awaited
    cdef readonly BodyStore body
    cdef readonly Driver driver
    cdef public bint hangup
    cdef public bint keep
    cdef public bint processing
    cdef readonly Multiplexer multiplexer
    cdef readonly Opener opener
    cdef readonly Protocol protocol
    cdef public bint readable
    cdef public bint skipping
    cdef public int state
    cdef object __weakref__

    cdef begin(self, EngineState engine, int fd, peer, Listener listener, Protocol protocol)
    cpdef on_event(self, int flags)
    @cython.locals(turns=int, event=int, reading=bint, driver=Driver)
    cpdef process(self)
    @cython.locals(driver=Driver)
    cdef _take_in(self, bytes data)
    cdef _refuse_or_change(self, error)
    cpdef go_on(self)
    cdef _fail(self)
    cpdef drop(self)
    @cython.locals(answered=bint)
    cdef _end_unserved(self)
    @cython.locals(turns=int, event=int)
    cpdef pull(self)
    @cython.locals(data=bytes, wanted="long long")
    cdef bint _read(self) except -1
    @cython.locals(count=Py_ssize_t, place=Place)
    cdef bint _read_directly(self, BodyStore body, long long wanted) except -1
    @cython.locals(request=Request, stream=BodyStream)
    cdef _take(self, int event)
    cdef _expect_body(self, Request request)
    cpdef send_continue(self)
    @cython.locals(engine=EngineState)
    cdef _dispatch(self, Request request)
    cdef _await(self)
    @cython.locals(engine=EngineState, protocol=Protocol)
    cdef bint _park(self) except -1
    cpdef bint leave(self) except -1
    cpdef resume(self, parked)
    @cython.locals(driver=Driver)
    cdef _end_of_stream(self)
    cpdef bint is_running(self) except -1
    cpdef bint is_lost(self) except -1
    cpdef bint disconnected(self) except -1
    cpdef bint watch_client(self) except -1
    cpdef await_body(self, bint waits)
    cpdef become(self, Driver driver)
    cpdef multiplex(self, Multiplexer multiplexer)
    cpdef list exchanges(self)
    cpdef look(self)
    @cython.locals(body=BodyStore)
    cpdef BodyStore give_body(self)
    cpdef part(self)
    cpdef bint is_attended(self) except -1
    cpdef finish(self, bint keep)
    cpdef bint conclude(self, bint keep) except -1
    @cython.locals(request=Request)
    cdef _finish(self, bint keep)
    cdef bint _may_skip(self, Request request) except -1
    cdef _next(self)
    @cython.locals(sent=Py_ssize_t, out=OutputBuffer)
    cpdef flush(self)
    cpdef refuse(self, error)
    cpdef end(self)
    cpdef send_delayed(self)
    cpdef expire(self)
    cpdef shorten(self, double latest, double lingers)
    cdef bint _has_ended(self) except -1
    @cython.locals(protocol=Protocol, request=Request)
    cdef bint _nothing_unread(self) except -1
    cdef _discard(self)
    @cython.locals(multiplexer=Multiplexer)
    cpdef close(self)
