"""What a worker writes into its page of the scoreboard, as plain stores. The twin is `_board.py`.

All offsets are constants of the scoreboard, and the page is measured once; nothing a caller says reaches beyond it.
"""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.unicode cimport PyUnicode_GET_LENGTH
from libc.string cimport memcmp, memcpy

from .scoreboard import BOUNDS, BUSY, HISTOGRAM_BUCKETS, ID_ROOM, LINE_ROOM, LONGEST, METHODS, READY, SHED_REASONS, STATUSES
from gunicorn.instrument import scoreboard

cdef extern from "Python.h":
    void *PyUnicode_DATA(object text)
    int PyUnicode_KIND(object text)
    int PyUnicode_IS_ASCII(object text)

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
cdef Py_ssize_t c_counts = scoreboard._COUNTS
cdef Py_ssize_t c_columns = len(STATUSES)
cdef Py_ssize_t c_nanoseconds = scoreboard._NANOSECONDS
cdef double c_longest = LONGEST
cdef Py_ssize_t c_begun = scoreboard._BEGUN
cdef Py_ssize_t c_received = scoreboard._RECEIVED
cdef Py_ssize_t c_sent = scoreboard._SENT
cdef Py_ssize_t c_id_length = scoreboard._ID_LENGTH
cdef Py_ssize_t c_id_at = scoreboard._ID_AT
cdef Py_ssize_t c_id_room = ID_ROOM
cdef Py_ssize_t c_queued = scoreboard._QUEUED
cdef Py_ssize_t c_queued_nanoseconds = scoreboard._QUEUED_NANOSECONDS
cdef Py_ssize_t c_versions = scoreboard._VERSIONS
cdef Py_ssize_t c_shed = scoreboard._SHED
cdef tuple REASONS = tuple(SHED_REASONS)
cdef Py_ssize_t c_websockets = scoreboard._WEBSOCKETS
cdef Py_ssize_t c_leaving = scoreboard._LEAVING
cdef Py_ssize_t c_drained = scoreboard._DRAINED
cdef Py_ssize_t c_bounded = scoreboard._BOUNDED
cdef Py_ssize_t c_last = len(BOUNDS)
cdef double[32] c_bounds
if c_last > 32:
    raise ImportError("more bounds than there is room for")
for place, bound in enumerate(BOUNDS):
    c_bounds[<Py_ssize_t>place] = bound
cdef Py_ssize_t c_refused = scoreboard._REFUSED

# The rows of the methods, by their names.
cdef Py_ssize_t GET = METHODS.index("GET")
cdef Py_ssize_t HEAD = METHODS.index("HEAD")
cdef Py_ssize_t POST = METHODS.index("POST")
cdef Py_ssize_t PUT = METHODS.index("PUT")
cdef Py_ssize_t PATCH = METHODS.index("PATCH")
cdef Py_ssize_t DELETE = METHODS.index("DELETE")
cdef Py_ssize_t OPTIONS = METHODS.index("OPTIONS")
cdef Py_ssize_t OTHER = METHODS.index("other")


cdef Py_ssize_t row_of(str method) noexcept:
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(method)
    cdef const char *text = <const char *>PyUnicode_DATA(method)
    if PyUnicode_KIND(method) != 1:
        return OTHER
    if length == 3:
        if memcmp(text, b"GET", 3) == 0:
            return GET
        return PUT if memcmp(text, b"PUT", 3) == 0 else OTHER
    if length == 4:
        if memcmp(text, b"POST", 4) == 0:
            return POST
        return HEAD if memcmp(text, b"HEAD", 4) == 0 else OTHER
    if length == 5:
        return PATCH if memcmp(text, b"PATCH", 5) == 0 else OTHER
    if length == 6:
        return DELETE if memcmp(text, b"DELETE", 6) == 0 else OTHER
    return OPTIONS if length == 7 and memcmp(text, b"OPTIONS", 7) == 0 else OTHER


cdef Py_ssize_t place_of(str method, int status) noexcept:
    """Where a request of this method, and with this status, is counted; 0 is no status."""
    cdef Py_ssize_t column = status // 100 if 100 <= status < 600 else 0
    return c_counts + row_of(method) * c_columns + column


cdef double bounded(double seconds) noexcept:
    """What is no number, or no time that passes, counts as none; a longest one is long enough."""
    if not seconds > 0:
        return 0.0
    return c_longest if seconds > c_longest else seconds


cdef Py_ssize_t bucket_of(double seconds) noexcept:
    """Where a bounded time is counted in a histogram."""
    cdef unsigned long long rest = <unsigned long long>(seconds * 1e6)
    cdef Py_ssize_t bucket = 0
    while rest:
        rest >>= 1
        bucket += 1
    return bucket if bucket < c_buckets else c_buckets - 1


cdef Py_ssize_t bound_of(double seconds) noexcept:
    """The first bound that a time does not exceed; behind the last one where it exceeds all."""
    cdef Py_ssize_t place = 0
    while place < c_last and seconds > c_bounds[place]:
        place += 1
    return place


cdef Py_ssize_t version_of(int version) noexcept:
    """Where a version is counted."""
    return 1 if version == 11 else 2 if version >= 20 else 1 if version > 10 else 0


cdef class Board:
    """Writes to a `scoreboard.Slot` what its requests are doing; of several at once, the one begun last."""

    def __cinit__(self, slot):
        self._page = NULL
        self._running = 0
        self._line_at = scoreboard._LINE_AT
        self._line_room = LINE_ROOM
        # Held as long as this lives: whoever has a buffer in his hands keeps the page mapped.
        PyObject_GetBuffer(slot._bytes, &self._buffer, PyBUF_WRITABLE)
        if self._buffer.len < scoreboard.PAGE:
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
        if other.len < scoreboard.PAGE:
            PyBuffer_Release(&other)
            raise ValueError("not a page of the scoreboard")
        PyBuffer_Release(&self._buffer)
        self._buffer = other
        self._page = <unsigned char *>self._buffer.buf

    cpdef bint welcomes(self) noexcept:
        """Whether new clients should come: the server neither stops soon nor is drained."""
        cdef unsigned long long *words = <unsigned long long *>self._page
        return not words[c_leaving] and not words[c_drained]

    cpdef begin(self, str method, str uri, double now, int version):
        """The application is called; `now` in monotonic seconds; `version`: of HTTP, ten times that."""
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
        words[c_versions + version_of(version)] += 1
        words[c_running] = self._running
        words[c_length] = first + second
        (<double *>self._page)[c_started] = now
        (<double *>self._page)[c_begun] += now
        # A worker that drains stays one that drains.
        if words[c_state] == <unsigned long long>c_ready:
            words[c_state] = c_busy

    cpdef identify(self, str identity):
        """The next request to begin has this id; where requests have ids, each is told before it begins."""
        if identity is None:
            raise TypeError("a str is needed, not NoneType")
        cdef Py_ssize_t length = 0
        # What is no id of ours is none.
        if PyUnicode_IS_ASCII(identity):
            length = min(PyUnicode_GET_LENGTH(identity), c_id_room)
            memcpy(self._page + c_id_at, PyUnicode_DATA(identity), length)
        (<unsigned long long *>self._page)[c_id_length] = <unsigned long long>length

    cpdef speak(self, int version):
        """A request of this version of HTTP is served that does not `begin`."""
        (<unsigned long long *>self._page)[c_versions + version_of(version)] += 1

    cpdef queue(self, double seconds):
        """A request has waited for so long in front of this server."""
        cdef unsigned long long *words = <unsigned long long *>self._page
        seconds = bounded(seconds)
        words[c_queued + bucket_of(seconds)] += 1
        words[c_queued_nanoseconds] += <unsigned long long>(seconds * 1e9)

    cpdef shed(self, str reason):
        """A request was refused because there were too many; for one of `SHED_REASONS`, or nobody is told."""
        if reason is None:
            raise TypeError("a str is needed, not NoneType")
        if reason in REASONS:
            (<unsigned long long *>self._page)[c_shed + <Py_ssize_t>REASONS.index(reason)] += 1

    cpdef hold(self, long long websockets):
        """So many connections are WebSockets now."""
        (<unsigned long long *>self._page)[c_websockets] = <unsigned long long>max(websockets, 0)

    cpdef end(self, str method, int status, double began, double now, long long sent):
        """It has ended with this status (0: none was said, -1: it is counted already), having begun at the moment
        `began`, and with so many octets of content."""
        if method is None:
            raise TypeError("a str is needed, not NoneType")
        cdef unsigned long long *words = <unsigned long long *>self._page
        cdef double *floats = <double *>self._page
        cdef double seconds = bounded(now - began)
        cdef Py_ssize_t bound = 0
        words[c_requests] += 1
        if sent > 0:
            words[c_bytes] += <unsigned long long>sent
        if not 100 <= status < 500:
            words[c_errors] += 1
        words[c_histogram + bucket_of(seconds)] += 1
        if seconds > c_bounds[0]:
            bound = bound_of(seconds)
        words[c_bounded + bound] += 1
        words[c_nanoseconds] += <unsigned long long>(seconds * 1e9)
        floats[c_begun] -= began
        if status >= 0:
            words[place_of(method, status)] += 1
        if self._running > 0:
            self._running -= 1
        words[c_running] = <unsigned long long>self._running
        if self._running == 0:
            floats[c_started] = 0.0
            floats[c_begun] = 0.0
            if words[c_state] == <unsigned long long>c_busy:
                words[c_state] = c_ready

    cpdef refuse(self, str method, int status):
        """A request was answered, or ended, without an application; `method` is empty where it had no head."""
        self.count(method, status)
        (<unsigned long long *>self._page)[c_refused] += 1

    cpdef count(self, str method, int status):
        """A request was answered that does not end with its answer."""
        if method is None:
            raise TypeError("a str is needed, not NoneType")
        (<unsigned long long *>self._page)[place_of(method, status)] += 1

    cpdef transfer(self, long long received, long long sent):
        """So many octets have come, and gone, on connections that are another server's."""
        cdef unsigned long long *words = <unsigned long long *>self._page
        if received > 0:
            words[c_received] += <unsigned long long>received
        if sent > 0:
            words[c_sent] += <unsigned long long>sent
