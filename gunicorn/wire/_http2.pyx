"""Loops of HTTP/2: Huffman codes (RFC 7541 section 5.2), heads of frames, lists of fields. The twin is `_http2.py`.

Every function is total: bounds that leave the octets are drawn in to them.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdlib cimport free, malloc

from .http2_fields cimport Field

cdef extern from "Python.h":
    PyObject *PyList_GET_ITEM(object items, Py_ssize_t place)
    void Py_SET_SIZE(object items, Py_ssize_t size)

# Strings up to this length are decoded on the stack, where they become 8/5 as long.
DEF SHORT = 1024
DEF ROOM = 1656
DEF LONGEST = 30
DEF EOS = 256

# Of each first octet of what is left: the octet whose code it begins with, and how long that code is (0: longer).
cdef unsigned char[256] OCTET
cdef unsigned char[256] LENGTH
# Of each length: the first code, how many there are, and where their octets stand in SYMBOLS.
cdef unsigned int[31] FIRST
cdef unsigned int[31] COUNT
cdef unsigned int[31] OFFSET
cdef unsigned short[257] SYMBOLS

OCTETS = {
    5: b"012aceiost",
    6: b" %-./3456789=A_bdfghlmnpru",
    7: b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: b"&*,;XZ",
    10: b'!"()?',
    11: b"'+|",
    12: b"#>",
    13: b"\x00$@[]~",
    14: b"^}",
    15: b"<`{",
    19: b"\\\xc3\xd0",
    20: b"\x80\x82\x83\xa2\xb8\xc2\xe0\xe2",
    21: b"\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6",
    22: b"\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9",
    23: b"\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf"
        b"\xc5\xe7\xef",
    24: b"\x09\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed",
    25: b"\xc7\xcf\xea\xeb",
    26: b"\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff",
    27: b"\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe",
    28: b"\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
        b"\x7f\xdc\xf9",
    30: b"\n\r\x16",
}


cdef void fill_tables() except *:
    cdef unsigned int code = 0, position = 0, bits
    for length in range(1, LONGEST + 1):
        code <<= 1
        octets = list(OCTETS.get(length, b""))
        if length == LONGEST:
            octets.append(EOS)
        FIRST[length], COUNT[length], OFFSET[length] = code, len(octets), position
        for octet in octets:
            SYMBOLS[position] = octet
            position += 1
            if length <= 8:
                for bits in range(1 << (8 - length)):
                    OCTET[(code << (8 - length)) | bits] = octet
                    LENGTH[(code << (8 - length)) | bits] = length
            code += 1


fill_tables()


cdef Py_ssize_t decode(const unsigned char *source, Py_ssize_t count, unsigned char *target) noexcept nogil:
    """Octets written, at most 8/5 of `count`; -1 for EOS, -2 for an end in the middle of a code."""
    cdef unsigned long long window = 0
    cdef int bits = 0, length
    cdef unsigned int code
    cdef Py_ssize_t position = 0, written = 0
    while True:
        while bits <= 48 and position < count:
            window = (window << 8) | source[position]
            position += 1
            bits += 8
        # Fewer than eight bits only at the end of the string.
        while bits >= 8:
            code = (window >> (bits - 8)) & 0xFF
            length = LENGTH[code]
            if length == 0:
                break
            target[written] = OCTET[code]
            written += 1
            bits -= length
        if bits >= 8:
            length = 10
            while length <= LONGEST and length <= bits:
                code = (window >> (bits - length)) & ((1ULL << length) - 1)
                if code - FIRST[length] < COUNT[length]:
                    break
                length += 1
            if length > LONGEST or length > bits:
                if position < count:
                    continue
                return -2
            code = SYMBOLS[OFFSET[length] + code - FIRST[length]]
            if code == EOS:
                return -1
            target[written] = code
            written += 1
            bits -= length
        elif position >= count:
            break
    while bits:
        # What is left is made up to eight bits by ones: a code that needs one of them is padding.
        code = ((window << (8 - bits)) & 0xFF) | ((1 << (8 - bits)) - 1)
        length = LENGTH[code]
        if length == 0 or length > bits:
            break
        target[written] = OCTET[code]
        written += 1
        bits -= length
    code = (1 << bits) - 1
    return written if (window & code) == code else -2


cpdef bytes huffman(bytes data, Py_ssize_t start, Py_ssize_t end):
    """The octets that a part of `data` stands for.

    Raises `ValueError` when EOS is in it, and when it ends with anything but fewer than eight ones.
    """
    cdef unsigned char[ROOM] near
    cdef unsigned char *target = near
    cdef Py_ssize_t written
    if data is None:
        raise TypeError("bytes are needed, not NoneType")
    if start < 0:
        start = 0
    if end > PyBytes_GET_SIZE(data):
        end = PyBytes_GET_SIZE(data)
    if start >= end:
        return b""
    if end - start > SHORT:
        target = <unsigned char *>malloc((end - start) // 5 * 8 + 16)
        if target == NULL:
            raise MemoryError()
    try:
        written = decode(<const unsigned char *>PyBytes_AS_STRING(data) + start, end - start, target)
        if written < 0:
            raise ValueError("EOS in a string" if written == -1 else "a string that ends in the middle of a code")
        return PyBytes_FromStringAndSize(<const char *>target, written)
    finally:
        if target != near:
            free(target)


cpdef bytes frame_head(long long length, long long kind, long long flags, long long stream):
    """The nine octets in front of a frame's payload (RFC 9113 section 4.1); each number as far as its bits reach."""
    cdef unsigned char[9] octets
    octets[0] = (length >> 16) & 0xFF
    octets[1] = (length >> 8) & 0xFF
    octets[2] = length & 0xFF
    octets[3] = kind & 0xFF
    octets[4] = flags & 0xFF
    octets[5] = (stream >> 24) & 0x7F
    octets[6] = (stream >> 16) & 0xFF
    octets[7] = (stream >> 8) & 0xFF
    octets[8] = stream & 0xFF
    return PyBytes_FromStringAndSize(<const char *>octets, 9)


cdef list kept(list fields, bint octets):
    """What a request keeps of fields, in a list of their number."""
    cdef Py_ssize_t place, count, there = 0
    # Borrowed: the list holds the fields, they hold their parts for good, and nothing that could change the list runs
    # in between.
    cdef PyObject *field
    cdef PyObject *part
    cdef list found
    if fields is None:
        raise TypeError("a list is needed, not NoneType")
    count = PyList_GET_SIZE(fields)
    found = PyList_New(count)
    for place in range(count):
        # Asked again: where threads run side by side, the list may have been changed.
        field = PyList_GET_ITEM(fields, place) if place < PyList_GET_SIZE(fields) else NULL
        if field == NULL or type(<object>field) is not Field:
            Py_SET_SIZE(found, there)
            raise TypeError("a Field is needed")
        part = <PyObject *>(<Field>field).octets if octets else <PyObject *>(<Field>field).pair
        if part != <PyObject *>None:
            Py_INCREF(<object>part)
            PyList_SET_ITEM(found, there, <object>part)
            there += 1
    # There is room for more than is in it, as in lists that have grown.
    Py_SET_SIZE(found, there)
    return found


cpdef list pairs_of(list fields):
    """(name, value) of each `Field` that is more than a pseudo-header field."""
    return kept(fields, False)


cpdef list octets_of(list fields):
    """The same as octets."""
    return kept(fields, True)
