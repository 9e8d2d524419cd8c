cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.http.request cimport Request
from gunicorn.instrument._board cimport Board
from .access_lines cimport AccessLines
from .board_entries cimport enter
from .response cimport Response
from .state cimport GatewayState


cdef class Gateway(GatewayState):
    cdef public object admission
    cdef public object app
    cdef readonly Board board
    cdef public object cfg
    cdef readonly object forwarded
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

    cpdef bint unfinished(self) except -1
    cpdef idle(self)
    cpdef bint others_wait(self) except -1
    @cython.locals(board=Board)
    cdef _count(self, Request request, bint on_board, double now)
    cdef _admit(self, Exchange exchange, Request request)
    cdef _log(self, Response response, Request request, environ, double seconds)
    @cython.locals(lines=AccessLines, now=double)
    cdef _gather(self, Response response, dict environ, double seconds)
