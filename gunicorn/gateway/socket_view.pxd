from gunicorn.engine.exchange cimport Exchange
from .turn cimport Turn, turn_of


cdef class SocketView:
    cdef Turn _turn
    cdef object _socket

    cdef begin(self, Turn turn)
