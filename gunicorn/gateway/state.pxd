from gunicorn.engine.handler cimport Handler
from gunicorn.engine.state cimport EngineState
from gunicorn.http.response cimport FieldLines
from .prefixes cimport Prefixes


cdef class GatewayState(Handler):
    cdef readonly EngineState engine
    cdef readonly Prefixes prefixes
    cdef readonly FieldLines field_lines
    cdef readonly object request_ids
    cdef public bint ends_at_once
    cdef public bint use_sendfile
    cdef public object wait_readable
    cdef public object wait_writable
