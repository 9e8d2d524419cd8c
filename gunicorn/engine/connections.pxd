cimport cython
from gunicorn.http.fields cimport FieldTable
from ._leaf cimport show_connections
from .listener cimport Listener
from .opener cimport Opener
from .state cimport EngineState
from .transport cimport Transport


cdef int TRUSTED, MAY_PROXY, PLACES


cdef class Connections(EngineState):
    cdef public list connections
    cdef public dict known_peers
    cdef readonly Opener opener
    cdef public object proxies
    cdef readonly FieldTable table
    cdef public object trusted

    cdef begin_connections(self, Opener opener, limits, trusted, proxies)
    @cython.locals(connection=Transport, connections=list, trust=int)
    cpdef Transport open(self, int fd, peer, Listener listener)
    cdef int _trust(self, peer) except -1
    @cython.locals(connections=list)
    cpdef forget(self, connection, int fd)
    cpdef failed(self, exchange, error)
