cimport cython
from ._octets cimport is_at, octets, path_end, query_end, text, text_again, token_end, value_end
from .fields cimport CONTENT_LENGTH, HOST, LONGEST_REMEMBERED, LONGEST_VALUE, ORDINARY, FieldName, FieldTable
from .head cimport Head, length_of
from .request cimport Request


cdef int PLAIN, DROPPED, FIELD, CONTENT, METHOD, URI, PATH, QUERY, VERSION, MOUNT
cdef Py_ssize_t MOST_BESIDES


cdef class Variable:
    cdef readonly FieldName field
    cdef readonly Variable follower
    cdef readonly int kind
    cdef readonly str name
    cdef readonly bytes raw
    cdef public str recent


cdef class VariableTable:
    cdef readonly set addresses
    cdef readonly FieldTable fields
    cdef readonly dict names
    cdef readonly Variable origin

    cpdef Variable known(self, bytes raw)
    cpdef Variable learn(self, bytes raw)
    cpdef bint is_address(self, str text) except -1
    cdef FieldName _field(self, bytes raw)


cdef class VariableReader(Head):
    cdef readonly Py_ssize_t besides
    cdef readonly Py_ssize_t count
    cdef readonly str mount
    cdef readonly str path
    cdef readonly Variable previous
    cdef readonly str query
    cdef readonly Py_ssize_t size
    cdef readonly dict told
    cdef readonly VariableTable variables
    cdef readonly str version

    cdef begin_reader(self, VariableTable variables, bint trusted)
    cdef _forget_variables(self)
    @cython.locals(request=Request)
    cdef begin_request(self)
    @cython.locals(variable=Variable, kind=int)
    cdef take(self, bytes data, Py_ssize_t name, Py_ssize_t name_end, Py_ssize_t value, Py_ssize_t value_stop)
    @cython.locals(previous=Variable, variable=Variable)
    cdef Variable _known(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(field=FieldName, request=Request, value=str)
    cdef _field(self, Variable variable, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(stop=Py_ssize_t)
    cdef str _field_value(self, Variable variable, FieldName field, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(table=FieldTable)
    cdef _count(self, Py_ssize_t size)
    @cython.locals(field=FieldName, request=Request, value=str)
    cdef _content(self, Variable variable, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef bint _heed(self, Request request, FieldName field, str value) except -1
    @cython.locals(request=Request, kind=int, value=str)
    cdef _line(self, Variable variable, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _method(self, Request request, str value, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _version(self, str value)
    @cython.locals(mark=Py_ssize_t, stop=Py_ssize_t)
    cdef _uri(self, Request request, str value, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(request=Request, limit=Py_ssize_t)
    cdef Request finish(self, bint cuts)
    @cython.locals(whole=str)
    cdef _settle_target(self, Request request)
    @cython.locals(mount=str, path=str)
    cdef _settle_path(self, Request request, bint cuts)
    @cython.locals(told=dict, scheme=str)
    cdef _settle_rest(self, Request request)
    @cython.locals(address=str)
    cdef _settle_client(self, dict told)


cdef _check_slash(str name, str path)
cpdef bint is_below(str mount, str path) except -1
cpdef bint is_port(str text) except -1
@cython.locals(says=str, scheme=str)
cpdef str scheme_in(dict told)
@cython.locals(value=str)
cdef str _value_of(Variable variable, bytes data, Py_ssize_t start, Py_ssize_t end)
