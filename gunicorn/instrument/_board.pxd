cdef class Board:
    cdef Py_buffer _buffer
    cdef unsigned char *_page
    cdef long _running
    cdef Py_ssize_t _line_at
    cdef Py_ssize_t _line_room
    cpdef begin(self, str method, str uri, double now, int version)
    cpdef identify(self, str identity)
    cpdef bint welcomes(self) noexcept
    cpdef speak(self, int version)
    cpdef queue(self, double seconds)
    cpdef shed(self, str reason)
    cpdef hold(self, long long websockets)
    cpdef end(self, str method, int status, double began, double now, long long sent)
    cpdef refuse(self, str method, int status)
    cpdef count(self, str method, int status)
    cpdef transfer(self, long long received, long long sent)
