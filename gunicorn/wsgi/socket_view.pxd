from ..engine.connection cimport Connection


cdef class SocketView:
    cdef Connection _connection
    cdef object _socket

    cdef begin(self, Connection connection)
