cdef int PENDING, DONE, CANCELLED
cdef object _LOOP_THREAD


cdef class Waiter:
    cdef public bint _asyncio_future_blocking
    cdef public object callback
    cdef public object context
    cdef public object loop
    cdef public object message
    cdef public int state
    cpdef wake(self)


cpdef thrown(kind, value)
