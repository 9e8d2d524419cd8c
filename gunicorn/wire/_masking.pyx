"""Masked payloads of WebSocket frames (RFC 6455 section 5.3), eight octets at a time. The twin is `_masking.py`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t
from libc.string cimport memcpy


cpdef bytes unmask(bytes data, Py_ssize_t start, Py_ssize_t end, bytes key, Py_ssize_t phase):
    """`data[start:end]` with the four octets of `key` taken off; `phase` octets of the payload came before.

    Raises `ValueError` for what is no part of the octets or no key.
    """
    if data is None or key is None:
        raise TypeError("bytes are needed, not NoneType")
    if start < 0 or end < start or end > PyBytes_GET_SIZE(data) or PyBytes_GET_SIZE(key) != 4:
        raise ValueError("not a part of the octets, or not a key")
    cdef Py_ssize_t count = end - start
    cdef Py_ssize_t index
    cdef Py_ssize_t whole = count & ~7
    cdef const char *source = PyBytes_AS_STRING(data) + start
    cdef const char *octets = PyBytes_AS_STRING(key)
    cdef char[8] turned
    cdef uint64_t mask, word
    # Only the place within the key matters, and a sum with all of it could overflow.
    phase &= 3
    for index in range(8):
        turned[index] = octets[(index + phase) & 3]
    memcpy(&mask, turned, 8)
    result = PyBytes_FromStringAndSize(NULL, count)
    cdef char *target = PyBytes_AS_STRING(result)
    index = 0
    while index < whole:
        memcpy(&word, source + index, 8)
        word ^= mask
        memcpy(target + index, &word, 8)
        index += 8
    while index < count:
        target[index] = source[index] ^ turned[index & 7]
        index += 1
    return result
