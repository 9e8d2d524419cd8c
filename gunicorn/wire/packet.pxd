cimport cython
from gunicorn.http.request cimport Request
from gunicorn.http.variables cimport VariableReader, VariableTable
from .http1_body cimport LengthBody
from .protocol cimport BODY, COMPLETE, HEAD, NEED_DATA, REQUEST, Protocol


cdef int ITS_OWN, AS_HTTP, NOT_AT_ALL


cdef class CGIProtocol(Protocol):
    cdef readonly int manner
    cdef readonly VariableReader reader

    cpdef begin(self, VariableTable variables)
    cpdef another(self, bytes data)


cdef class PacketProtocol(CGIProtocol):
    cdef readonly bytearray gathered
    cdef readonly Py_ssize_t needed

    @cython.locals(state=int, reader=VariableReader, request=Request)
    cpdef int next_event(self) except -1
    @cython.locals(data=bytes, needed=Py_ssize_t, gathered=bytearray)
    cdef bint _is_whole(self) except -1
    cpdef Py_ssize_t size_of(self, bytes data) except -1
    cdef Request read_packet(self, VariableReader reader)
