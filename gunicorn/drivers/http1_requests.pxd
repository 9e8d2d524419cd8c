cimport cython
from gunicorn.engine.buffers cimport BodyStore, BodyStream, OutputBuffer
from gunicorn.engine.state cimport EngineState
from gunicorn.http.request cimport Request
from gunicorn.wire.protocol cimport DATA, REQUEST, Protocol
from .http1_ending cimport FLUSHING, READING, RUNNING, Ending


cdef int DIRECT, SKIPPED


cdef class RequestSequence(Ending):
    @cython.locals(request=Request)
    cdef take(self, int event)
    cdef _expect_body(self, Request request)
    cpdef send_continue(self)
    cdef _take_content(self, bytes data)
    @cython.locals(request=Request, stream=BodyStream)
    cdef _end_body(self)
    @cython.locals(engine=EngineState)
    cdef _dispatch(self, Request request)
    cpdef finish(self, bint keep)
    cpdef bint conclude(self, bint keep) except -1
    @cython.locals(request=Request)
    cdef _finish(self, bint keep)
    cdef bint _may_skip(self, Request request) except -1
    cdef _next(self)
    @cython.locals(sent=Py_ssize_t, out=OutputBuffer)
    cpdef flush(self)
    cdef _tell_of_room(self, Py_ssize_t sent)
    cdef _cannot_send(self)
    cdef await_request(self)
    @cython.locals(engine=EngineState, protocol=Protocol)
    cdef bint _park(self) except -1
    @cython.locals(protocol=Protocol)
    cdef bint _is_under_way(self) except -1
    cpdef bint leave(self) except -1
    cpdef resume(self, parked)
