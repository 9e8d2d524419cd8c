cdef int ORDINARY, HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, EXPECT, SCHEME, SINGLETON, AMBIGUOUS, UPGRADE
cdef int FORWARDER, QUEUE_TIME
cdef int DROP, REFUSE, KEEP
cdef Py_ssize_t LONGEST_REMEMBERED, LONGEST_VALUE


cdef class FieldName:
    cdef readonly int kind
    cdef readonly bytes lower
    cdef readonly str name
    cdef readonly bytes raw
    cdef public str recent
    cdef readonly FieldName follower
    cdef readonly str scheme
    cdef readonly str variable


cdef class FieldTable:
    cdef readonly object limits
    cdef readonly Py_ssize_t line_limit
    cdef readonly Py_ssize_t field_limit
    cdef readonly Py_ssize_t size_limit
    cdef readonly Py_ssize_t head_limit
    cdef readonly long long body_limit
    cdef readonly int underscores
    cdef readonly bint folding
    cdef readonly bint proxied
    cdef readonly frozenset forwarder_names
    cdef readonly frozenset forwarder_variables
    cdef readonly dict schemes
    cdef readonly dict names
    cdef readonly FieldName origin
    cdef readonly dict hosts
    cpdef FieldName known(self, bytes raw)
    cpdef FieldName learn(self, bytes raw)
    cpdef bint admits(self, FieldName field, bint trusted) except -1
    cpdef bint is_host(self, str value) except -1
