cdef class Priority:
    cdef readonly bint incremental
    cdef readonly int urgency
