cimport cython
from gunicorn.engine._leaf cimport is_leaving
from gunicorn.engine.exchange cimport Exchange
from .prefixes cimport Prefixes
from gunicorn.http.request cimport Request
from gunicorn.http.response cimport (
    CHUNKED, CONNECTION, CONTENT_LENGTH, DATE, LENGTH, NO_BODY, ORDINARY, SERVER, UPGRADE, FieldLine, FieldLines)
from gunicorn.http.response_head cimport ResponseHead
from .state cimport GatewayState


cdef class Response(ResponseHead):
    cdef public bint complete
    cdef readonly Exchange exchange
    cdef readonly GatewayState gateway
    cdef public bint has_date
    cdef public bint has_server
    cdef public object headers
    cdef public bint headers_sent
    cdef public bint logged
    cdef public long long sent
    cdef public double silent_since
    cdef public object status
    cdef dict __dict__

    cdef begin(self, GatewayState gateway, Exchange exchange, Request request, bint close)
    @cython.locals(gateway=GatewayState, fields=list, known=dict, field=FieldLine)
    cdef _start(self, status, headers)
    cdef _restart(self)
    @cython.locals(kind=int)
    cdef _special(self, FieldLine line)
    @cython.locals(exchange=Exchange)
    cdef _begin(self, long long length)
    cdef _name_request(self)
    @cython.locals(exchange=Exchange, room="long long", excess=bint)
    cdef _send(self, bytes data, bint last)
