cimport cython
from gunicorn.http.fields cimport FieldTable
from ._http2 cimport huffman
from .http2_fields cimport Field


cdef int LONGEST_INTEGER
cdef Py_ssize_t STALE


cdef class Static:
    cdef readonly list fields
    cdef readonly FieldTable table


cdef class Decoder:
    cdef readonly Py_ssize_t bound
    cdef readonly Py_ssize_t capacity
    cdef readonly list fields
    cdef readonly Py_ssize_t first
    cdef readonly Py_ssize_t position
    cdef readonly Py_ssize_t size
    cdef readonly list static
    cdef readonly FieldTable table
    cdef readonly Py_ssize_t total

    cpdef begin(self, Static static, Py_ssize_t bound)
    @cython.locals(
        found=list, total=Py_ssize_t, view="const unsigned char *", position=Py_ssize_t, fields=Py_ssize_t, octet=int,
        index=Py_ssize_t, field=Field, known=Py_ssize_t,
        dynamic=list, place=Py_ssize_t)
    cpdef list decode(self, bytes data, Py_ssize_t start, Py_ssize_t end, Py_ssize_t most)
    @cython.locals(static=list, place=Py_ssize_t)
    cdef Field _known(self, Py_ssize_t index)
    @cython.locals(index=Py_ssize_t, name=bytes)
    cdef Field _literal(self, bytes data, Py_ssize_t position, Py_ssize_t end, int most)
    @cython.locals(value=Py_ssize_t, shift=int, octet=int)
    cdef Py_ssize_t _integer(self, bytes data, Py_ssize_t position, Py_ssize_t end, int most) except -1
    @cython.locals(coded=bint, length=Py_ssize_t)
    cdef bytes _string(self, bytes data, Py_ssize_t position, Py_ssize_t end)
    cdef _add(self, Field field)
    cdef _resize(self, Py_ssize_t capacity)
    cdef _shrink(self, Py_ssize_t most)
