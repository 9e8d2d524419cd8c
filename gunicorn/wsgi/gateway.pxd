cimport cython
from gunicorn.engine._leaf cimport bind
from gunicorn.engine.exchange cimport Exchange
from gunicorn.engine.state cimport EngineState
from gunicorn.gateway.gateway cimport Gateway
from gunicorn.http.request cimport Request
from gunicorn.http.response_head cimport Prefix
from gunicorn.instrument._board cimport Board
from .environ cimport EnvironBuilder
from .response cimport WSGIResponse


cdef object _START_RESPONSE


cdef class WSGIGateway(Gateway):
    cdef readonly EnvironBuilder builder

    cpdef handle(self, exchange, request)
    @cython.locals(response=WSGIResponse, started=double)
    cpdef run(self, Exchange exchange, Request request)
    @cython.locals(engine=EngineState)
    cdef bint _lets_go(self, Exchange exchange) except -1
    @cython.locals(engine=EngineState, response=WSGIResponse, close=bint)
    cdef WSGIResponse _begin(self, Exchange exchange, Request request, double started)
    cdef _cut_off(self, Exchange exchange, Request request, WSGIResponse response, double started)
    cdef _call(self, Exchange exchange, WSGIResponse response, environ)
    @cython.locals(now=double, seconds=double)
    cdef _conclude(self, Exchange exchange, Request request, WSGIResponse response, environ, double started)
    @cython.locals(board=Board, prefix=Prefix, status=int)
    cdef _tell_board(self, Exchange exchange, Request request, WSGIResponse response, double started, double now)
