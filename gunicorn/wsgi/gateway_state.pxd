from ..engine.handler cimport Handler
from ..engine.prefixes cimport Prefixes
from ..engine.state cimport EngineState
from ..http.response cimport FieldLines


cdef class GatewayState(Handler):
    cdef public EngineState engine
    cdef public Prefixes prefixes
    cdef public FieldLines field_lines
    cdef public bint ends_at_once
    cdef public bint use_sendfile
    cdef public object wait_readable
    cdef public object wait_writable
