cdef class Receiver:
    cdef object _sock
    cdef double _seconds

    cpdef object receive(self, Py_ssize_t size, object seconds)


cpdef Py_ssize_t send(object sock, bytes octets) except? -2
