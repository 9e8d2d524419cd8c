cimport cython
from gunicorn.engine.connection cimport Connection
from gunicorn.http.fields cimport FieldName
from gunicorn.http.request cimport Request


cdef class Scopes:
    cdef public object forwarded
    cdef public str root_path
    cdef public dict state

    @cython.locals(shared=dict, scope=dict, path=str, raw_path=bytes, root_path=str)
    cpdef dict build(self, Connection connection, Request request)
    @cython.locals(scope=dict)
    cpdef dict build_socket(self, Connection connection, Request request, list subprotocols)
    cpdef dict shared(self, Connection connection)


@cython.locals(headers=list, field=FieldName, value=str, lower=bytes)
cdef list _fields(Request request)
