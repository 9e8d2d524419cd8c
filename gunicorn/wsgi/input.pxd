from gunicorn.engine.buffers cimport BodyStream
from gunicorn.engine.exchange cimport Exchange


cdef class EmptyInput:
    pass


cdef class StreamInput:
    cdef Exchange _exchange
    cdef BodyStream _stream
    cdef object _wait
    cdef object _guard
    cdef bytes _buffer
    cdef Py_ssize_t _position
