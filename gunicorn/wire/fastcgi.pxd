cimport cython
from gunicorn.http.request cimport Request
from gunicorn.http.variables cimport VariableReader, VariableTable
from .packet cimport ITS_OWN, NOT_AT_ALL, CGIProtocol
from .protocol cimport BODY, COMPLETE, DATA, END, HEAD, NEED_DATA, REPLY, REQUEST, Protocol


cdef long long VERSION
cdef int BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, GET_VALUES, GET_VALUES_RESULT
cdef int UNKNOWN_TYPE, RESPONDER, KEEP_CONNECTION, REQUEST_COMPLETE, CANNOT_MULTIPLEX, UNKNOWN_ROLE
cdef int NOWHERE, QUESTION, VARIABLES, CONTENT
cdef dict _ENDS
cdef Py_ssize_t MOST_ENDS
cdef Py_ssize_t HEADER, MOST_CONTENT, MOST_OCTETS, MOST_QUESTIONS, LONGEST_QUESTION


cdef class FastCGI(CGIProtocol):
    cdef readonly int goes
    cdef readonly int id
    cdef readonly bint kept
    cdef readonly int kind
    cdef readonly Py_ssize_t left
    cdef readonly int number
    cdef readonly bint over
    cdef readonly Py_ssize_t padding
    cdef readonly bytearray params
    cdef readonly Py_ssize_t questions
    cdef readonly bytes reply
    cdef readonly long long taken

    cdef _forget_request(self)
    @cython.locals(event=int, end=Py_ssize_t)
    cpdef int next_event(self) except -1
    @cython.locals(skipped=Py_ssize_t)
    cdef bint _skip_padding(self, Py_ssize_t end) except -1
    cdef _no_record(self)
    @cython.locals(data=bytes, position=Py_ssize_t, kind=int, number=int)
    cdef int _begin_record(self) except -1
    @cython.locals(start=Py_ssize_t, stop=Py_ssize_t, goes=int, data=bytes, params=bytearray)
    cdef int _take_content(self, Py_ssize_t end) except -1
    @cython.locals(role=int, kept=bint)
    cdef int _begin_request(self, bytes data) except -1
    @cython.locals(data=bytes, reader=VariableReader, request=Request)
    cdef int _begin_variables(self) except -1
    @cython.locals(request=Request)
    cdef int _begin_content(self) except -1
    @cython.locals(request=Request, limit="long long")
    cdef int _take_body(self, bytes data) except -1
    cdef int _end_body(self, Request request) except -1
    cdef int _begin_question(self, int kind) except -1
    cdef int _answer(self, bytes data) except -1
    cdef int _reply(self, bytes octets) except -1


@cython.locals(end=Py_ssize_t, position=Py_ssize_t, name_size=Py_ssize_t, value_size=Py_ssize_t, name_end=Py_ssize_t,
    value_end=Py_ssize_t)
cpdef read_pairs(bytes data, VariableReader reader)
@cython.locals(size=Py_ssize_t)
cpdef Py_ssize_t size_at(bytes data, Py_ssize_t position, Py_ssize_t end) except -1
@cython.locals(end=Py_ssize_t, position=Py_ssize_t, name_size=Py_ssize_t, value_size=Py_ssize_t)
cpdef bytes known_values(bytes data)
cpdef bytes record(int kind, int number, bytes content)
cpdef bytes record_head(long long kind, long long number, long long size)
cpdef bytes end_request(int number, int status)
@cython.locals(end=bytes)
cpdef bytes end_of_answer(int number)
