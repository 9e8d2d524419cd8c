cimport cython
from gunicorn.engine._leaf cimport bind
from gunicorn.engine.exchange cimport Exchange
from gunicorn.engine.listener cimport Listener
from gunicorn.gateway.socket_view cimport SocketView
from gunicorn.gateway.turn cimport Turn
from gunicorn.gateway.variables cimport client_of, name_client, peer_of
from gunicorn.http.fields cimport FieldName
from gunicorn.http.request cimport Request
from .handed cimport Shared
from .input cimport EmptyInput, StreamInput


cdef object _EARLY_HINTS
cdef Py_ssize_t MOST_HOSTS


cdef class EnvironBuilder:
    cdef public dict base
    cdef public object forwarded
    cdef readonly dict hosts
    cdef public str script_name
    cdef public dict templates
    cdef public object wait_readable

    cpdef dict template(self, Listener listener)
    @cython.locals(
        environ=dict, client=tuple, view=SocketView, turn=Turn, handed=Shared)
    cdef dict _of_connection(self, Exchange exchange, Listener listener, Request request)
    @cython.locals(
        environ=dict, shared=dict, handed=Shared, path=str, field=FieldName, value=str, size=Py_ssize_t)
    cpdef dict build(self, Exchange exchange, Request request)
    cdef _of_version(self, dict environ, Exchange exchange, Request request)
    @cython.locals(told=dict)
    cdef _of_front(self, dict environ, Exchange exchange, Request request)
    @cython.locals(info=dict, client=tuple)
    cdef _of_proxy(self, dict environ, Exchange exchange, Request request)
    @cython.locals(told=dict, script_name=str)
    cdef _mount(self, dict environ, Request request)
    cdef _of_http2(self, dict environ, Exchange exchange, Request request)
    @cython.locals(host=str, found=tuple)
    cdef _serve_host(self, dict environ)


@cython.locals(name=str, port=str)
cpdef name_server(dict environ, tuple parts)
