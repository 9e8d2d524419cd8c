"""What a worker writes into its page of the scoreboard, as plain stores. The twin is `_board.py`.

All offsets are constants of the scoreboard, and the page is measured once; nothing a caller says reaches beyond it.
"""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.unicode cimport PyUnicode_GET_LENGTH
from libc.string cimport memcpy

from .scoreboard import BUSY, HISTOGRAM_BUCKETS, LINE_ROOM, READY
from gunicorn.instrument import scoreboard

cdef extern from "Python.h":
    void *PyUnicode_DATA(object text)
    int PyUnicode_KIND(object text)

cdef int c_busy = BUSY
cdef int c_ready = READY
cdef Py_ssize_t c_state = scoreboard._STATE
cdef Py_ssize_t c_requests = scoreboard._REQUESTS
cdef Py_ssize_t c_errors = scoreboard._ERRORS
cdef Py_ssize_t c_bytes = scoreboard._BYTES
cdef Py_ssize_t c_started = scoreboard._STARTED
cdef Py_ssize_t c_running = scoreboard._RUNNING
cdef Py_ssize_t c_length = scoreboard._LINE_LENGTH
cdef Py_ssize_t c_histogram = scoreboard._HISTOGRAM
cdef Py_ssize_t c_buckets = HISTOGRAM_BUCKETS


cdef class Board:
    """Writes to a `scoreboard.Slot` what its requests are doing; of several at once, the one begun last."""

    def __cinit__(self, slot):
        self._page = NULL
        self._running = 0
        self._line_at = scoreboard._LINE_AT
        self._line_room = LINE_ROOM
        # Held as long as this lives: whoever has a buffer in his hands keeps the page mapped.
        PyObject_GetBuffer(slot._bytes, &self._buffer, PyBUF_WRITABLE)
        if self._buffer.len < self._line_at + self._line_room:
            PyBuffer_Release(&self._buffer)
            raise ValueError("not a page of the scoreboard")
        self._page = <unsigned char *>self._buffer.buf

    def __dealloc__(self):
        if self._page != NULL:
            PyBuffer_Release(&self._buffer)

    def move_to(self, slot):
        """Write to another page from now on."""
        cdef Py_buffer other
        PyObject_GetBuffer(slot._bytes, &other, PyBUF_WRITABLE)
        if other.len < self._line_at + self._line_room:
            PyBuffer_Release(&other)
            raise ValueError("not a page of the scoreboard")
        PyBuffer_Release(&self._buffer)
        self._buffer = other
        self._page = <unsigned char *>self._buffer.buf

    cpdef begin(self, str method, str uri, double now):
        """The application is called; `now` in monotonic seconds."""
        if method is None or uri is None:
            raise TypeError("a str is needed, not NoneType")
        cdef unsigned char *line = self._page + self._line_at
        cdef Py_ssize_t first = PyUnicode_GET_LENGTH(method)
        cdef Py_ssize_t second = PyUnicode_GET_LENGTH(uri)
        cdef unsigned long long *words = <unsigned long long *>self._page
        if PyUnicode_KIND(method) != 1 or PyUnicode_KIND(uri) != 1 or first >= self._line_room:
            first = second = 0
        else:
            memcpy(line, PyUnicode_DATA(method), first)
            line[first] = 32
            first += 1
            if second > self._line_room - first:
                second = self._line_room - first
            memcpy(line + first, PyUnicode_DATA(uri), second)
        self._running += 1
        words[c_running] = self._running
        words[c_length] = first + second
        (<double *>self._page)[c_started] = now
        # A worker that drains stays one that drains.
        if words[c_state] == <unsigned long long>c_ready:
            words[c_state] = c_busy

    cpdef end(self, double seconds, long long sent, bint failed):
        """It has answered, or has failed, after so long and with so many octets of content."""
        cdef unsigned long long *words = <unsigned long long *>self._page
        cdef double *floats = <double *>self._page
        cdef double microseconds = seconds * 1e6
        cdef unsigned long long rest = 0
        cdef Py_ssize_t bucket = 0
        if microseconds >= 9e18:
            # More would not fit; the last bucket is that of all such.
            rest = <unsigned long long>1 << 63
        elif microseconds > 0:
            rest = <unsigned long long>microseconds
        while rest:
            rest >>= 1
            bucket += 1
        if bucket >= c_buckets:
            bucket = c_buckets - 1
        words[c_requests] += 1
        if sent > 0:
            words[c_bytes] += <unsigned long long>sent
        if failed:
            words[c_errors] += 1
        words[c_histogram + bucket] += 1
        if self._running > 0:
            self._running -= 1
        words[c_running] = <unsigned long long>self._running
        if self._running == 0:
            floats[c_started] = 0.0
            if words[c_state] == <unsigned long long>c_busy:
                words[c_state] = c_ready
