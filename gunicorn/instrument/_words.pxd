cdef class Words:
    cdef Py_buffer _buffer
    cdef long long *_words
    cdef Py_ssize_t _count
    cdef bint check(self, Py_ssize_t at) except -1
    cpdef add(self, Py_ssize_t at, long long amount)
    cpdef put(self, Py_ssize_t at, long long number)
    cpdef put_real(self, Py_ssize_t at, double number)
    cpdef put_octets(self, Py_ssize_t at, bytes octets, Py_ssize_t room)
