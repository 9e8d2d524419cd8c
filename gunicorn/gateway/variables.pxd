cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.http.fields cimport FORWARDER, FieldName
from gunicorn.http.request cimport Request


@cython.locals(variables=dict, size=Py_ssize_t, field=FieldName)
cpdef dict log_variables(Exchange exchange, Request request, forwarded)
cpdef tuple client_of(Request request, forwarded)
@cython.locals(values=dict, own=set, field=FieldName)
cpdef join_repeated(dict environ, Request request)
