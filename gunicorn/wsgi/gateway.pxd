cimport cython
from gunicorn.engine._leaf cimport bind
from gunicorn.engine.exchange cimport Exchange
from gunicorn.engine.state cimport EngineState
from gunicorn.gateway.gateway cimport Gateway
from gunicorn.http.request cimport Request
from gunicorn.instrument._board cimport Board
from .environ cimport EnvironBuilder
from .response cimport WSGIResponse


cdef object _START_RESPONSE


cdef class WSGIGateway(Gateway):
    cdef readonly EnvironBuilder builder

    cpdef handle(self, exchange, request)
    @cython.locals(engine=EngineState, board=Board, response=WSGIResponse, close=bint, started=double, now=double)
    cpdef run(self, Exchange exchange, Request request)
