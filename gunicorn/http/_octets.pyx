"""Where runs of allowed octets end: byte loops over a table of classes. The twin with the same contract is `_spans.py`.

Every function is total: bounds that leave the octets are drawn in to them, and what is not `bytes` (a None that a typed
variable may hold included) is a TypeError. Nothing here believes its caller.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_DecodeLatin1, PyUnicode_GET_LENGTH
from libc.string cimport memcmp, memcpy

from .response cimport FieldLine

DEF TOKEN = 1
DEF PATH = 2
DEF VALUE = 4
DEF PLAIN = 8
DEF QUERY = 16

cdef extern from *:
    bint PyUnicode_IS_ASCII(object text)
    Py_ssize_t PY_SSIZE_T_MAX

cdef extern from *:
    """
    #ifdef GUNICORN_CHECKED
    #include <stdlib.h>
    #define must_hold(condition) ((condition) ? (void)0 : abort())
    #else
    #define must_hold(condition) ((void)0)
    #endif
    """
    # Only in a build with GUNICORN_CHECKED, where a wrong bound is to be seen and not to be guessed.
    void must_hold(bint condition) noexcept nogil

cdef unsigned char[256] CLASSES

# One octet in each of the eight places of a word.
cdef unsigned long long ONES = 0x0101010101010101
cdef unsigned long long SPACES = 0x2020202020202020
cdef unsigned long long DELETES = 0x7F7F7F7F7F7F7F7F
cdef unsigned long long HIGHEST = 0x8080808080808080


cdef void fill_classes():
    cdef int octet
    for octet in range(256):
        CLASSES[octet] = 0
        if octet == 9 or 32 <= octet < 127 or octet >= 128:
            CLASSES[octet] |= VALUE
        if 32 <= octet < 127 and octet != 34 and octet != 92:
            CLASSES[octet] |= PLAIN
    for octet in b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz":
        CLASSES[octet] |= TOKEN
    for octet in b"!$%&'()*+,-./0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|~":
        CLASSES[octet] |= PATH | QUERY
    for octet in b"?\\^`{}":
        CLASSES[octet] |= QUERY


fill_classes()


cdef int refuse(object data) except -1:
    raise TypeError(f"bytes are needed, not {type(data).__name__}")


cdef inline void draw_in(bytes data, Py_ssize_t *start, Py_ssize_t *end) noexcept:
    """The bounds of a part that is there: what lies outside is drawn in to the nearest end."""
    cdef size_t size = <size_t>PyBytes_GET_SIZE(data)
    # One comparison finds what is negative as well as what is too large.
    if <size_t>start[0] > size:
        start[0] = 0 if start[0] < 0 else <Py_ssize_t>size
    if end[0] > <Py_ssize_t>size:
        end[0] = <Py_ssize_t>size


cdef inline Py_ssize_t run_end(bytes data, Py_ssize_t start, Py_ssize_t end, unsigned char mask) noexcept:
    # Only called with bounds that were drawn in.
    must_hold(start >= 0 and start <= PyBytes_GET_SIZE(data) and end <= PyBytes_GET_SIZE(data))
    cdef const unsigned char *view = <const unsigned char *>PyBytes_AS_STRING(data)
    while start < end and CLASSES[view[start]] & mask:
        start += 1
    return start


cpdef Py_ssize_t token_end(bytes data, Py_ssize_t start, Py_ssize_t end) except -1:
    """End of a run of tchar (RFC 9110 section 5.6.2)."""
    if data is None:
        refuse(data)
    draw_in(data, &start, &end)
    return run_end(data, start, end, TOKEN)


cpdef Py_ssize_t path_end(bytes data, Py_ssize_t start, Py_ssize_t end) except -1:
    """End of a run of what stands before the `?` of a request-target: `target.py` says what that is and why."""
    if data is None:
        refuse(data)
    draw_in(data, &start, &end)
    return run_end(data, start, end, PATH)


cpdef Py_ssize_t query_end(bytes data, Py_ssize_t start, Py_ssize_t end) except -1:
    """End of a run of what stands behind the `?` of a request-target."""
    if data is None:
        refuse(data)
    draw_in(data, &start, &end)
    return run_end(data, start, end, QUERY)


cpdef Py_ssize_t value_end(bytes data, Py_ssize_t start, Py_ssize_t end) except -1:
    """End of a run of field-content and white space: VCHAR, obs-text, SP, HTAB (RFC 9110 section 5.5)."""
    # Eight at a time while none of them is a control: `word - SPACES` borrows into the highest bit of an octet below
    # 32, and `deletes - ONES` into that of an octet that was 127; an octet that had the bit itself is taken out again.
    if data is None:
        refuse(data)
    cdef const unsigned char *view = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef unsigned long long word, deletes
    draw_in(data, &start, &end)
    while start + 8 <= end:
        memcpy(&word, view + start, 8)
        deletes = word ^ DELETES
        if (((word - SPACES) & ~word) | ((deletes - ONES) & ~deletes)) & HIGHEST:
            break
        start += 8
    return run_end(data, start, end, VALUE)


cpdef bint is_plain(str value) except -1:
    """Whether a string is printable US-ASCII without quote and backslash: fit for a quoted field of a log."""
    cdef const unsigned char *view
    cdef Py_ssize_t size, position
    if value is None:
        raise TypeError("a str is needed, not NoneType")
    if not PyUnicode_IS_ASCII(value):
        return False
    view = <const unsigned char *>PyUnicode_DATA(value)
    size = PyUnicode_GET_LENGTH(value)
    for position in range(size):
        if not CLASSES[view[position]] & PLAIN:
            return False
    return True


cpdef bytes octets(bytes data, Py_ssize_t start, Py_ssize_t end):
    """A part of the octets."""
    if data is None:
        refuse(data)
    draw_in(data, &start, &end)
    if start >= end:
        return b""
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + start, end - start)


cdef extern from "Python.h":
    ctypedef struct PyObject
    Py_ssize_t list_size "PyList_GET_SIZE"(object things)
    PyObject *list_item "PyList_GET_ITEM"(object things, Py_ssize_t index)
    bint is_bytes "PyBytes_CheckExact"(PyObject *thing)
    Py_ssize_t bytes_size "PyBytes_GET_SIZE"(PyObject *thing)
    char *bytes_data "PyBytes_AS_STRING"(PyObject *thing)


cpdef bytes joined(list parts):
    """All parts, one behind the other; anything that `bytes.join` takes."""
    cdef Py_ssize_t total = 0, size, index, count
    cdef bytes whole
    # Borrowed: the list holds them, and nothing that could change it runs in between.
    cdef PyObject *part
    cdef char *place
    if parts is None:
        raise TypeError("a list is needed, not NoneType")
    count = list_size(parts)
    for index in range(count):
        part = list_item(parts, index)
        if not is_bytes(part):
            return b"".join(parts)
        size = bytes_size(part)
        if size > PY_SSIZE_T_MAX - total:
            raise OverflowError("the parts are too long to be joined")
        total += size
    whole = PyBytes_FromStringAndSize(NULL, total)
    place = PyBytes_AS_STRING(whole)
    for index in range(count):
        # Asked again, and counted down: where threads run side by side, the list may have been changed.
        part = list_item(parts, index) if index < list_size(parts) else NULL
        if part == NULL or not is_bytes(part) or bytes_size(part) > total:
            raise RuntimeError("the parts have changed while they were joined")
        size = bytes_size(part)
        memcpy(place, bytes_data(part), size)
        place += size
        total -= size
    if total:
        raise RuntimeError("the parts have changed while they were joined")
    return whole


cpdef bytes head_octets(bytes first, list fields, bytes length, bytes end, bytes content):
    """A status line and more, the lines of fields (each a `FieldLine`), a line of framing, the last line, and content."""
    cdef Py_ssize_t total, index, count
    cdef bytes whole
    # Borrowed: the list holds the fields, they hold their lines for good, and nothing that could change the list runs
    # in between.
    cdef PyObject *line
    cdef char *place
    if first is None or fields is None or length is None or end is None or content is None:
        raise TypeError("octets and a list are needed, not NoneType")
    total = plus(bytes_size(<PyObject *>first), bytes_size(<PyObject *>length))
    total = plus(plus(total, bytes_size(<PyObject *>end)), bytes_size(<PyObject *>content))
    count = list_size(fields)
    for index in range(count):
        line = line_of(list_item(fields, index))
        if line == NULL:
            raise TypeError("a FieldLine is needed")
        total = plus(total, bytes_size(line))
    whole = PyBytes_FromStringAndSize(NULL, total)
    place = put(PyBytes_AS_STRING(whole), <PyObject *>first, &total)
    for index in range(count):
        # Asked again, and counted down: where threads run side by side, the list may have been changed.
        line = line_of(list_item(fields, index)) if index < list_size(fields) else NULL
        if line == NULL or bytes_size(line) > total:
            raise RuntimeError("the fields have changed while they were joined")
        place = put(place, line, &total)
    if bytes_size(<PyObject *>length) + bytes_size(<PyObject *>end) + bytes_size(<PyObject *>content) != total:
        raise RuntimeError("the fields have changed while they were joined")
    place = put(place, <PyObject *>length, &total)
    place = put(place, <PyObject *>end, &total)
    put(place, <PyObject *>content, &total)
    return whole


cdef inline Py_ssize_t plus(Py_ssize_t total, Py_ssize_t size) except -1:
    """The sum of two sizes."""
    if size > PY_SSIZE_T_MAX - total:
        raise OverflowError("the parts are too long to be joined")
    return total + size


cdef inline PyObject *line_of(PyObject *field) noexcept:
    """The octets of a `FieldLine`; NULL for anything else."""
    cdef PyObject *line
    if type(<object>field) is not FieldLine:
        return NULL
    line = <PyObject *>(<FieldLine>field).line
    return line if is_bytes(line) else NULL


cdef inline char *put(char *place, PyObject *octets, Py_ssize_t *left) noexcept:
    """Copy octets, of which there is room for `left`; the place behind them."""
    cdef Py_ssize_t size = bytes_size(octets)
    must_hold(size <= left[0])
    memcpy(place, bytes_data(octets), size)
    left[0] -= size
    return place + size


cpdef str text(bytes data, Py_ssize_t start, Py_ssize_t end):
    """The octets as a native string, one character an octet (PEP 3333)."""
    if data is None:
        refuse(data)
    draw_in(data, &start, &end)
    if start >= end:
        return ""
    return PyUnicode_DecodeLatin1(PyBytes_AS_STRING(data) + start, end - start, NULL)


cpdef bint is_at(bytes known, bytes data, Py_ssize_t start, Py_ssize_t end) except -1:
    """Whether these octets are `known`."""
    if known is None or data is None:
        refuse(None)
    draw_in(data, &start, &end)
    cdef Py_ssize_t length = end - start if end > start else 0
    return PyBytes_GET_SIZE(known) == length and memcmp(
        PyBytes_AS_STRING(known), PyBytes_AS_STRING(data) + start, length) == 0


cpdef str text_again(str known, bytes data, Py_ssize_t start, Py_ssize_t end):
    """As `text`; gives back `known` where that is the same text already."""
    if known is None or data is None:
        refuse(None)
    draw_in(data, &start, &end)
    if start >= end:
        return ""
    cdef Py_ssize_t length = end - start
    if PyUnicode_GET_LENGTH(known) == length and PyUnicode_IS_ASCII(known):
        if memcmp(PyUnicode_DATA(known), PyBytes_AS_STRING(data) + start, length) == 0:
            return known
    return PyUnicode_DecodeLatin1(PyBytes_AS_STRING(data) + start, length, NULL)
