cimport cython
from gunicorn.engine.exchange cimport Exchange
from gunicorn.http._octets cimport joined
from gunicorn.http.request cimport Request
from gunicorn.http.response cimport (
    CHUNKED, CONNECTION, CONTENT_LENGTH, DATE, LENGTH, NO_BODY, ORDINARY, SERVER, UNTIL_CLOSE, UPGRADE, FieldLine,
    FieldLines, frame)
from .prefixes cimport Prefix, Prefixes
from .state cimport GatewayState


cdef Py_ssize_t JOINED


cdef class Response:
    cdef public bint chunked
    cdef public bint close
    cdef public bint complete
    cdef readonly Exchange exchange
    cdef public int framing
    cdef readonly GatewayState gateway
    cdef public bint has_date
    cdef public bint has_server
    cdef public object headers
    cdef public bint headers_sent
    cdef public bytes length_line
    cdef public list lines
    cdef readonly Prefix prefix
    cdef readonly Request request
    cdef public long long response_length
    cdef public long long sent
    cdef public double silent_since
    cdef public object status
    cdef public bint upgrade
    cdef dict __dict__

    cdef begin(self, GatewayState gateway, Exchange exchange, Request request, bint close)
    @cython.locals(gateway=GatewayState, lines=list, known=dict, field=FieldLine)
    cdef _start(self, status, headers)
    cdef _restart(self)
    @cython.locals(kind=int)
    cdef _special(self, FieldLine line)
    @cython.locals(prefix=Prefix, request=Request, code=int, framing=int, lines=list)
    cdef list _head(self, long long length)
    @cython.locals(length="long long")
    cdef _tell_length(self, int code)
    @cython.locals(exchange=Exchange, framing=int, room="long long", excess=bint)
    cdef _send(self, list parts, bytes data)


cdef dict _LENGTH_LINES


@cython.locals(line=bytes)
cdef bytes _length_line(long long length)
