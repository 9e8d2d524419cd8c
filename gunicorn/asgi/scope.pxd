cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.gateway.variables cimport client_of, peer_of
from gunicorn.http.fields cimport FieldName
from gunicorn.http.request cimport Request


cdef class Scopes:
    cdef public object forwarded
    cdef public str root_path
    cdef public dict state
    cdef public bint tells_ids

    @cython.locals(shared=dict, scope=dict, path=str, raw_path=bytes)
    cpdef dict build(self, Exchange exchange, Request request)
    @cython.locals(root_path=str)
    cdef str _below_root(self, str path)
    @cython.locals(told=dict, trusts=bint)
    cdef _of_front(self, dict scope, Exchange exchange, Request request)
    @cython.locals(found=dict, path=str, root_path=str)
    cdef dict _of_variables(self, dict told)
    @cython.locals(scope=dict)
    cpdef dict build_socket(self, Exchange exchange, Request request, list subprotocols)
    cpdef dict shared(self, Exchange exchange, Request request)


cdef extend(dict scope, str name, facts)
cdef str _decoded(str text)
@cython.locals(headers=list, field=FieldName, value=str, lower=bytes)
cdef list _fields(Request request)
