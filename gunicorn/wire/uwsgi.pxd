cimport cython
from gunicorn.http.request cimport Request
from gunicorn.http.variables cimport VariableReader
from .packet cimport PacketProtocol


cdef Py_ssize_t HEADER
cdef int PLAIN_REQUEST, MOUNTED_REQUEST


cdef class Uwsgi(PacketProtocol):
    @cython.locals(modifier=int)
    cpdef Py_ssize_t size_of(self, bytes data) except -1
    @cython.locals(data=bytes, end=Py_ssize_t, position=Py_ssize_t, name=Py_ssize_t, name_end=Py_ssize_t,
        value=Py_ssize_t)
    cdef Request read_packet(self, VariableReader reader)
