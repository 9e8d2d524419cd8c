cimport cython
from gunicorn.engine.listener cimport Listener
from gunicorn.engine.opener cimport Opener
from gunicorn.engine.state cimport EngineState
from gunicorn.engine.transport cimport Transport
from gunicorn.http.fields cimport FieldTable
from gunicorn.http.request cimport Request
from gunicorn.wire.http1 cimport HTTP1
from .http1 cimport Connection
from .secure cimport SecureConnection


cdef class HTTPOpener(Opener):
    cdef readonly object entry
    cdef readonly dict others

    @cython.locals(connection=Connection, other=Opener, protocol=HTTP1, secure=SecureConnection)
    cpdef Transport open(
        self, EngineState engine, int fd, peer, Listener listener, FieldTable table, bint trusted, bint may_proxy)
    cpdef negotiated(self, Transport connection)
    cpdef serves_preface(self, Transport connection, error)
    cpdef bint upgrades(self, Transport connection, Request request) except -1
