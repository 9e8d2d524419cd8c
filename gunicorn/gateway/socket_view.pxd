from gunicorn.engine.exchange cimport Exchange
from .turn cimport Turn, turn_of


cdef class SocketView:
    cdef object _duplicate
    cdef object _socket
    cdef Turn _turn

    cdef begin(self, Turn turn)
