from gunicorn.http.fields cimport FieldTable
from gunicorn.http.request cimport Request
from .listener cimport Listener
from .state cimport EngineState
from .transport cimport Transport


cdef class Opener:
    cpdef Transport open(
        self, EngineState engine, int fd, peer, Listener listener, FieldTable table, bint trusted, bint may_proxy)
    cpdef negotiated(self, Transport connection)
    cpdef serves_preface(self, Transport connection, error)
    cpdef bint upgrades(self, Transport connection, Request request) except -1
