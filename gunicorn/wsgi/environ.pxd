cimport cython
from ..engine._leaf cimport bind
from ..engine.connection cimport Connection
from ..engine.listener cimport Listener
from ..http.fields cimport FORWARDER, FieldName
from ..http.message cimport Request
from .input cimport EmptyInput, Hints, StreamInput
from .socket_view cimport SocketView


cdef object _DISCONNECTED


cdef class EnvironBuilder:
    cdef public dict base
    cdef public object forwarded
    cdef public str script_name
    cdef public dict templates
    cdef public object wait_readable

    cpdef dict template(self, Listener listener)
    @cython.locals(environ=dict, port=int, view=SocketView, hints=Hints)
    cdef dict _of_connection(self, Connection connection, Listener listener)
    @cython.locals(listener=Listener, environ=dict, shared=dict, path=str, field=FieldName, value=str, size=Py_ssize_t)
    cpdef dict build(self, Connection connection, Request request)
