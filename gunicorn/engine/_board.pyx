"""What a worker writes into its page of the scoreboard, as plain stores. The twin is `_board.py`."""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.unicode cimport PyUnicode_GET_LENGTH
from libc.string cimport memcpy

from ..scoreboard import BUSY, HISTOGRAM_BUCKETS, LINE_ROOM, READY
from .. import scoreboard

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

    def __init__(self, slot):
        cdef Py_buffer view
        self._slot = slot
        # Held for good: the page is never unmapped while this worker lives.
        self._view = slot._bytes
        self._running = 0
        PyObject_GetBuffer(self._view, &view, PyBUF_WRITABLE)
        self._page = <unsigned char *>view.buf
        PyBuffer_Release(&view)
        self._line_at = scoreboard._LINE_AT
        self._line_room = LINE_ROOM

    cpdef begin(self, str method, str uri, double now):
        """The application is called; `now` in monotonic seconds."""
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
        cdef unsigned long long rest = <unsigned long long>microseconds if microseconds > 0 else 0
        cdef Py_ssize_t bucket = 0
        while rest:
            rest >>= 1
            bucket += 1
        if bucket >= c_buckets:
            bucket = c_buckets - 1
        words[c_requests] += 1
        words[c_bytes] += sent
        if failed:
            words[c_errors] += 1
        words[c_histogram + bucket] += 1
        self._running -= 1
        words[c_running] = self._running
        if self._running == 0:
            floats[c_started] = 0.0
            if words[c_state] == <unsigned long long>c_busy:
                words[c_state] = c_ready
