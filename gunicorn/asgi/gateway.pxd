cimport cython
from gunicorn.engine._leaf cimport bind, call
from gunicorn.engine.exchange cimport Exchange
from gunicorn.engine.state cimport EngineState
from gunicorn.http.request cimport Request
from .cycle cimport EAGER, Cycle
from .gateway_state cimport ASGIGatewayState
from .http cimport HTTPCycle
from .websocket cimport WebSocketCycle


cdef object _RECEIVE, _SEND, _copy, _is_done


cdef class ASGIGateway(ASGIGatewayState):
    cpdef handle(self, exchange, request)
    @cython.locals(close=bint, cycle=Cycle, is_socket=bint)
    cdef _begin(self, Exchange exchange, Request request)
    cdef start(self, Exchange exchange, Request request, Cycle cycle)
    @cython.locals(arguments=dict)
    cdef _task_of(self, coroutine, Request request)
    cdef _go_on(self, task, Exchange exchange, Cycle cycle)
    @cython.locals(cycle=Cycle)
    cpdef disconnected(self, exchange)
    @cython.locals(cycle=Cycle)
    cpdef body_is_wrong(self, exchange, error)
    @cython.locals(cycle=Cycle)
    cpdef writable(self, exchange)
    cpdef report(self, cycle)
    @cython.locals(request=Request, engine=EngineState, now=double, seconds=double)
    cdef _report(self, Cycle cycle)
