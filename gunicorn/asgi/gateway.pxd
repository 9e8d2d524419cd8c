cimport cython
from ..engine._leaf cimport monotonic
from ..engine.connection cimport CLOSED, Connection
from ..engine.state cimport EngineState
from ..http.message cimport Request
from ..wsgi.gateway cimport Gateway
from .cycle cimport Cycle
from .scope cimport Scopes


cdef bint EAGER


cdef class ASGIGateway(Gateway):
    cdef public object context
    cdef public bint deflates
    cdef public double grace_seconds
    cdef public Py_ssize_t high_water
    cdef public long long largest_message
    cdef public bint leaving
    cdef public object loop
    cdef public Py_ssize_t most_queued
    cdef public double ping_interval
    cdef public double ping_timeout
    cdef public Scopes scopes
    cdef public set sockets
    cdef public set tasks
    cdef public bint watches
    cdef public object writer

    @cython.locals(engine=EngineState, close=bint, cycle=Cycle)
    cpdef handle(self, connection, request)
    cdef start(self, Connection connection, Request request, Cycle cycle)
    @cython.locals(request=Request, engine=EngineState, now=double, seconds=double)
    cpdef report(self, Cycle cycle)
