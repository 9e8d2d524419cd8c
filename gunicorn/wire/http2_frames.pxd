from ._http2 cimport frame_head


cdef int DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION
cdef int PRIORITY_UPDATE
cdef int ACK, END_STREAM, END_HEADERS, PADDED, HAS_PRIORITY
cdef Py_ssize_t HEAD_SIZE
cdef long long LARGEST_WINDOW, DEFAULT_WINDOW


cpdef bytes ping_frame(bytes octets, int flags)
cpdef bytes reset_frame(long long stream, long long code)
cpdef bytes window_frame(long long stream, long long increment)
