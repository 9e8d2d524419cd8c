from gunicorn.engine.connection cimport Connection
from .turn cimport Turn, turn_of


cdef class SocketView:
    cdef Turn _turn
    cdef object _socket

    cdef begin(self, Turn turn)
