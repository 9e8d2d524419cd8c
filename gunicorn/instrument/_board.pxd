cdef class Board:
    cdef Py_buffer _buffer
    cdef unsigned char *_page
    cdef long _running
    cdef Py_ssize_t _line_at
    cdef Py_ssize_t _line_room
    cpdef begin(self, str method, str uri, double now)
    cpdef end(self, double seconds, long long sent, bint failed)
