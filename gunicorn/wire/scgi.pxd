cimport cython
from gunicorn.http.request cimport Request
from gunicorn.http.variables cimport VariableReader
from .packet cimport PacketProtocol


cdef Py_ssize_t MOST_OCTETS, DIGITS


cdef class Scgi(PacketProtocol):
    cpdef Py_ssize_t size_of(self, bytes data) except -1
    @cython.locals(data=bytes, start=Py_ssize_t, end=Py_ssize_t, position=Py_ssize_t, name_end=Py_ssize_t,
        value=Py_ssize_t, value_end=Py_ssize_t)
    cdef Request read_packet(self, VariableReader reader)
