from gunicorn.engine._leaf cimport send
from gunicorn.engine.buffers cimport MOST_AT_ONCE, OutputBuffer


cdef class Sealed:
    cdef public object data


cdef class SealedOutput(OutputBuffer):
    cdef public object channel

    cpdef Py_ssize_t sealed_size(self)
