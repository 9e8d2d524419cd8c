"""Memory as words, each an integer or a double, which several processes see; the twin is `_words.py`.

A position outside of the memory, and a text that does not fit, are refused.
"""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy


cdef class Words:
    """The words of `memory`, as long as this lives."""

    def __cinit__(self, memory):
        self._words = NULL
        PyObject_GetBuffer(memory, &self._buffer, PyBUF_WRITABLE)
        self._words = <long long *>self._buffer.buf
        self._count = self._buffer.len // 8

    def __dealloc__(self):
        if self._words != NULL:
            PyBuffer_Release(&self._buffer)

    cdef bint check(self, Py_ssize_t at) except -1:
        if not 0 <= at < self._count:
            raise IndexError("there is no such word")
        return True

    cpdef add(self, Py_ssize_t at, long long amount):
        """Count so much more."""
        self.check(at)
        # As it wraps: a counter is no reason to end.
        self._words[at] = <long long>(<unsigned long long>self._words[at] + <unsigned long long>amount)

    cpdef put(self, Py_ssize_t at, long long number):
        """Store an integer."""
        self.check(at)
        self._words[at] = number

    cpdef put_real(self, Py_ssize_t at, double number):
        """Store a double."""
        self.check(at)
        memcpy(self._words + at, &number, 8)

    cpdef put_octets(self, Py_ssize_t at, bytes octets, Py_ssize_t room):
        """Store how many octets there are, and them behind that, `room` at the most."""
        cdef Py_ssize_t size
        if octets is None:
            raise TypeError("octets are needed")
        size = min(PyBytes_GET_SIZE(octets), max(room, 0))
        self.check(at)
        if size > (self._count - at - 1) * 8:
            raise IndexError("there is no room for so many")
        memcpy(self._words + at + 1, PyBytes_AS_STRING(octets), size)
        self._words[at] = size
