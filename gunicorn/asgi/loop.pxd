cdef class Asked:
    cdef public object _debug
    cdef public object _thread_id
