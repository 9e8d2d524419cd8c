from gunicorn.engine.connection cimport Connection
from .handed cimport Turn, turn_of


cdef class SocketView:
    cdef Turn _turn
    cdef object _socket

    cdef begin(self, Turn turn)
