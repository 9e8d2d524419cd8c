cimport cython
from ..engine._board cimport Board
from ..engine._leaf cimport bind, monotonic
from ..engine.connection cimport READING, Connection
from ..engine.state cimport EngineState
from ..http.request cimport Request
from .access cimport AccessLines
from .environ cimport EnvironBuilder
from .gateway_state cimport GatewayState
from .response cimport Response


cdef object _START_RESPONSE


cdef class Gateway(GatewayState):
    cdef public object app
    cdef readonly Board board
    cdef readonly EnvironBuilder builder
    cdef public object cfg
    cdef public bint gathers
    cdef public object handle_error
    cdef readonly AccessLines lines
    cdef public object log
    cdef public bint logs_access
    cdef public object post_request
    cdef public object pre_request
    cdef public bytes server
    cdef public object worker
    cdef public long long budget
    cdef public long long served
    cdef public double next_complaint
    cdef public long long overloads

    cpdef handle(self, connection, request)
    cpdef bint unfinished(self) except -1
    cpdef idle(self)
    cpdef bint others_wait(self) except -1
    cdef _log(self, Response response, Request request, environ, double seconds)
    @cython.locals(lines=AccessLines, now=double)
    cdef _gather(self, Response response, dict environ, double seconds)
    @cython.locals(engine=EngineState, board=Board, response=Response, close=bint, started=double, now=double)
    cpdef run(self, Connection connection, Request request)
