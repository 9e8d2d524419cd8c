cimport cython
from gunicorn.http._octets cimport is_at, octets, text, text_again, token_end, value_end
from gunicorn.http.fields cimport (
    CONNECTION, LONGEST_REMEMBERED, LONGEST_VALUE, ORDINARY, TRANSFER_ENCODING, UPGRADE, FieldName, FieldTable)
from gunicorn.http.request cimport Request
from .http1_request_line cimport RequestLineParser


cdef class HeadParser(RequestLineParser):
    cdef public str codings
    cdef public bint complete
    cdef public Py_ssize_t count
    cdef public bint folds
    cdef public bint interprets
    cdef public bint keep_alive
    cdef readonly FieldName previous
    cdef public Py_ssize_t taken

    cpdef begin(self, FieldTable table, bint trusted)
    cpdef void reset(self)
    cpdef Py_ssize_t parse(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    cpdef Py_ssize_t parse_fields(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(
        view="const unsigned char *", position=Py_ssize_t, name_end=Py_ssize_t, stop=Py_ssize_t, following=Py_ssize_t)
    cdef Py_ssize_t _field_lines(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(table=FieldTable)
    cdef int _heed_limits(self, Py_ssize_t unfinished) except -1
    @cython.locals(
        table=FieldTable, request=Request, view="const unsigned char *", value_start=Py_ssize_t, value_stop=Py_ssize_t,
        field=FieldName, value=str)
    cdef int _take_field(self, bytes data, Py_ssize_t start, Py_ssize_t name_end, Py_ssize_t stop) except -1
    @cython.locals(field=FieldName, raw=bytes)
    cdef FieldName _other_name(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(first=int, octet=int)
    cdef Py_ssize_t _odd_line(self, bytes data, Py_ssize_t position, Py_ssize_t name_end, Py_ssize_t end) except? -2
    cdef Py_ssize_t _odd_end(
        self, bytes data, Py_ssize_t start, Py_ssize_t name_end, Py_ssize_t stop, Py_ssize_t end) except? -2
    @cython.locals(stop=Py_ssize_t, last=Py_ssize_t, field=FieldName, value=str, request=Request)
    cdef Py_ssize_t _folded(self, bytes data, Py_ssize_t position, Py_ssize_t end) except? -2
    @cython.locals(stop=Py_ssize_t, rest=bytes, line=bytes, taken=Py_ssize_t)
    cdef Py_ssize_t _spaced(self, bytes data, Py_ssize_t position, Py_ssize_t name_end, Py_ssize_t end) except? -2
    cdef bint _special(self, FieldName field, str value) except -1
    @cython.locals(request=Request)
    cpdef Request finish(self)
    @cython.locals(field=FieldName, value=str)
    cdef _interpret_all(self, Request request)
    cdef _connection(self, Request request, str value)
    @cython.locals(kind=int)
    cdef _interpret(self, Request request, FieldName field, str value)


cpdef int check_part(bytes data, Py_ssize_t start, Py_ssize_t end) except -1
@cython.locals(position=Py_ssize_t)
cdef Py_ssize_t _behind_blanks(const unsigned char *data, Py_ssize_t start, Py_ssize_t end) noexcept
@cython.locals(position=Py_ssize_t)
cdef Py_ssize_t _before_blanks(const unsigned char *data, Py_ssize_t start, Py_ssize_t end) noexcept
cdef bint _is_cut(const unsigned char *data, Py_ssize_t stop, Py_ssize_t end) noexcept
cdef _heed_old_version(Request request, bint keep_alive)
cdef _chunked(Request request, str value, bint has_length)
