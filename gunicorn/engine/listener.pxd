cdef int MOST_UNLOOKED


cdef class Listener:
    cdef public object sock
    cdef readonly int fd
    cdef public bint watched
    cdef public bint is_unix
    cdef public bint own
    cdef public str server_name
    cdef public str server_port
    cdef public object terminator
    cdef public int redirect
    cdef int unlooked
    cdef int unlooked_next

    cpdef bint looks(self) noexcept
    cpdef void looked(self, bint found) noexcept
