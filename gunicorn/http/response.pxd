cdef int ORDINARY, CONTENT_LENGTH, DATE, SERVER, CONNECTION, HOP_BY_HOP, UPGRADE
cdef int NO_BODY, LENGTH, CHUNKED, UNTIL_CLOSE


cdef class FieldLine:
    cdef readonly int kind
    cdef readonly long long length
    cdef readonly bytes line
    cdef public bytes packed
    cdef readonly str value


cdef class FieldLines:
    cdef readonly dict lines
    cpdef FieldLine learn(self, object pair)


cpdef long long content_length(str value) except -1
cpdef long long told_length(int code, long long length, bint is_given) except? -2
