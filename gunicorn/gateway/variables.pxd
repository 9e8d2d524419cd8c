cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.http.fields cimport FORWARDER, FieldName
from gunicorn.http.request cimport Request


@cython.locals(variables=dict, size=Py_ssize_t, field=FieldName)
cpdef dict log_variables(Exchange exchange, Request request, forwarded)
@cython.locals(told=dict)
cpdef tuple client_of(peer, Request request, forwarded)
cpdef tuple peer_of(peer)
cpdef name_client(dict environ, tuple client)
@cython.locals(values=dict, own=set, field=FieldName)
cpdef join_repeated(dict environ, Request request)
