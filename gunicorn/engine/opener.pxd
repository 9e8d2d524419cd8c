from gunicorn.http.fields cimport FieldTable
from .listener cimport Listener
from .state cimport EngineState
from .transport cimport Transport


cdef class Opener:
    cpdef Transport open(
        self, EngineState engine, int fd, peer, Listener listener, FieldTable table, bint trusted, bint may_proxy)
