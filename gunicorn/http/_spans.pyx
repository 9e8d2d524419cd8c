"""Where runs of allowed octets end: byte loops over a table of classes. The twin with the same contract is `_spans.py`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_DecodeLatin1, PyUnicode_GET_LENGTH
from libc.string cimport memcmp, memcpy

DEF TOKEN = 1
DEF PATH = 2
DEF VALUE = 4
DEF PLAIN = 8
DEF QUERY = 16

cdef extern from *:
    bint PyUnicode_IS_ASCII(object text)

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


cdef inline Py_ssize_t run_end(bytes data, Py_ssize_t start, Py_ssize_t end, unsigned char mask) noexcept:
    cdef const unsigned char *view = <const unsigned char *>PyBytes_AS_STRING(data)
    while start < end and CLASSES[view[start]] & mask:
        start += 1
    return start


cpdef Py_ssize_t token_end(bytes data, Py_ssize_t start, Py_ssize_t end):
    """End of a run of tchar (RFC 9110 section 5.6.2)."""
    return run_end(data, start, end, TOKEN)


cpdef Py_ssize_t path_end(bytes data, Py_ssize_t start, Py_ssize_t end):
    """End of a run of what stands before the `?` of a request-target: `target.py` says what that is and why."""
    return run_end(data, start, end, PATH)


cpdef Py_ssize_t query_end(bytes data, Py_ssize_t start, Py_ssize_t end):
    """End of a run of what stands behind the `?` of a request-target."""
    return run_end(data, start, end, QUERY)


cpdef Py_ssize_t value_end(bytes data, Py_ssize_t start, Py_ssize_t end):
    """End of a run of field-content and white space: VCHAR, obs-text, SP, HTAB (RFC 9110 section 5.5)."""
    # Eight at a time while none of them is a control: `word - SPACES` borrows into the highest bit of an octet below
    # 32, and `deletes - ONES` into that of an octet that was 127; an octet that had the bit itself is taken out again.
    cdef const unsigned char *view = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef unsigned long long word, deletes
    while start + 8 <= end:
        memcpy(&word, view + start, 8)
        deletes = word ^ DELETES
        if (((word - SPACES) & ~word) | ((deletes - ONES) & ~deletes)) & HIGHEST:
            break
        start += 8
    return run_end(data, start, end, VALUE)


cpdef bint is_plain(str value):
    """Whether a string is printable US-ASCII without quote and backslash: fit for a quoted field of a log."""
    cdef const unsigned char *view
    cdef Py_ssize_t size, position
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
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + start, end - start)


cpdef bytes joined(list parts):
    """All parts, one behind the other."""
    cdef Py_ssize_t total = 0, size
    cdef bytes part, whole
    cdef char *place
    for part in parts:
        total += PyBytes_GET_SIZE(part)
    whole = PyBytes_FromStringAndSize(NULL, total)
    place = PyBytes_AS_STRING(whole)
    for part in parts:
        size = PyBytes_GET_SIZE(part)
        memcpy(place, PyBytes_AS_STRING(part), size)
        place += size
    return whole


cpdef str text(bytes data, Py_ssize_t start, Py_ssize_t end):
    """The octets as a native string, one character an octet (PEP 3333)."""
    if start >= end:
        return ""
    return PyUnicode_DecodeLatin1(PyBytes_AS_STRING(data) + start, end - start, NULL)


cpdef bint is_at(bytes known, bytes data, Py_ssize_t start, Py_ssize_t end):
    """Whether these octets are `known`."""
    cdef Py_ssize_t length = end - start
    return PyBytes_GET_SIZE(known) == length and memcmp(
        PyBytes_AS_STRING(known), PyBytes_AS_STRING(data) + start, length) == 0


cpdef str text_again(str known, bytes data, Py_ssize_t start, Py_ssize_t end):
    """As `text`; gives back `known` where that is the same text already."""
    cdef Py_ssize_t length = end - start
    if length > 0 and PyUnicode_GET_LENGTH(known) == length and PyUnicode_IS_ASCII(known):
        if memcmp(PyUnicode_DATA(known), PyBytes_AS_STRING(data) + start, length) == 0:
            return known
    return text(data, start, end)
