cimport cython
from .fields cimport (
    AMBIGUOUS, CONTENT_LENGTH, EXPECT, FORWARDER, HOST, QUEUE_TIME, SCHEME, SINGLETON, FieldName, FieldTable)
from .request cimport Request


cdef class Head:
    cdef public bint has_length
    cdef readonly Request request
    cdef public list singletons
    cdef readonly FieldTable table
    cdef public bint trusted

    cdef begin_head(self, FieldTable table, bint trusted)
    cdef forget(self)
    cdef str method_of(self, str method)
    @cython.locals(kind=int, shared=bint)
    cdef bint admits(self, FieldName field) except -1
    @cython.locals(kind=int)
    cdef interpret(self, Request request, FieldName field, str value)
    cdef _take_length(self, Request request, str value)
    cdef _once(self, FieldName field)
    @cython.locals(limit="long long")
    cdef check_length(self, Request request)


cpdef long long length_of(str value) except -1
cdef _expect(Request request, str value)
@cython.locals(kind=int)
cdef _believe(Request request, FieldName field, str value)
cdef _scheme(Request request, FieldName field, str value)
cdef _script_name(Request request, str value)
