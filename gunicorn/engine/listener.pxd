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
