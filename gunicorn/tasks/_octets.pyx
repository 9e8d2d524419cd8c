"""What is said about calls, as octets: heads of frames, and values that are short and plain. The twin is `_octets.py`.

No length that came from outside is believed: each is compared with what is there before it is used, and what is written
goes to a room of a fixed size, with a look at what is left of it before each store.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8, PyUnicode_GET_LENGTH
from libc.string cimport memcpy

from .errors import DirtyProtocolError

cdef extern from "Python.h":
    void *PyUnicode_DATA(object text)
    int PyUnicode_IS_ASCII(object text)
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1

cdef enum:
    NONE, FALSE, TRUE, INT, BIG, FLOAT, STR, BYTES, LIST, DICT

cdef enum:
    # Values that have more octets than that are for those who can do all of them.
    ROOM = 1024
    # So many lists and dicts may stand in one another here.
    DEEPEST = 16
    # Entries of a list or a dict.
    MOST = 256
    HEAD = 24
    FIRST = 1
    LAST = 12
    MOST_MARKS = 7
    SHORT = 0xFFFF


# Values.


cdef struct Room:
    unsigned char *at
    unsigned char *end


cdef inline void put32(unsigned char *at, unsigned long number) noexcept:
    at[0] = (number >> 24) & 0xFF
    at[1] = (number >> 16) & 0xFF
    at[2] = (number >> 8) & 0xFF
    at[3] = number & 0xFF


cdef inline unsigned long take32(const unsigned char *at) noexcept:
    return (<unsigned long>at[0] << 24) | (<unsigned long>at[1] << 16) | (<unsigned long>at[2] << 8) | at[3]


cdef inline void put64(unsigned char *at, unsigned long long number) noexcept:
    cdef int place
    for place in range(8):
        at[place] = (number >> (56 - 8 * place)) & 0xFF


cdef inline unsigned long long take64(const unsigned char *at) noexcept:
    cdef unsigned long long number = 0
    cdef int place
    for place in range(8):
        number = (number << 8) | at[place]
    return number


cdef bint put_octets(Room *room, const void *octets, Py_ssize_t length) noexcept:
    """The length, and so many octets; False where there is no room."""
    if length > ROOM or room.end - room.at < length + 4:
        return False
    put32(room.at, <unsigned long>length)
    memcpy(room.at + 4, octets, length)
    room.at += length + 4
    return True


cdef bint put_begin(Room *room, unsigned char kind) noexcept:
    if room.end - room.at < 1:
        return False
    room.at[0] = kind
    room.at += 1
    return True


cdef bint put_number(Room *room, unsigned char kind, unsigned long long octets) noexcept:
    if room.end - room.at < 9:
        return False
    room.at[0] = kind
    put64(room.at + 1, octets)
    room.at += 9
    return True


cdef bint put_count(Room *room, unsigned char kind, Py_ssize_t count) noexcept:
    if count > MOST or room.end - room.at < 5:
        return False
    room.at[0] = kind
    put32(room.at + 1, <unsigned long>count)
    room.at += 5
    return True


cdef bint put(Room *room, object value, int depth) except -1:
    """Write a value; False for one that is not short and plain. Nothing that is called here runs code of others."""
    cdef type kind = type(value)
    cdef int overflow = 0
    cdef long long number
    cdef double real
    cdef unsigned long long octets
    if kind is str:
        if not PyUnicode_IS_ASCII(value):
            return False
        return put_begin(room, STR) and put_octets(room, PyUnicode_DATA(value), PyUnicode_GET_LENGTH(value))
    if kind is bytes:
        return put_begin(room, BYTES) and put_octets(room, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    if value is None:
        return put_begin(room, NONE)
    if kind is bool:
        return put_begin(room, TRUE if value is True else FALSE)
    if kind is int:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        return not overflow and put_number(room, INT, <unsigned long long>number)
    if kind is float:
        real = value
        memcpy(&octets, &real, 8)
        return put_number(room, FLOAT, octets)
    if depth <= 0:
        return False
    if kind is list:
        return put_list(room, value, depth - 1)
    if kind is tuple:
        return put_tuple(room, value, depth - 1)
    if kind is dict:
        return put_dict(room, value, depth - 1)
    return False


cdef bint put_list(Room *room, object value, int depth) except -1:
    cdef Py_ssize_t place
    if not put_count(room, LIST, PyList_GET_SIZE(value)):
        return False
    for place in range(PyList_GET_SIZE(value)):
        if not put(room, <object>PyList_GET_ITEM(value, place), depth):
            return False
    return True


cdef bint put_tuple(Room *room, object value, int depth) except -1:
    cdef Py_ssize_t place
    if not put_count(room, LIST, PyTuple_GET_SIZE(value)):
        return False
    for place in range(PyTuple_GET_SIZE(value)):
        if not put(room, <object>PyTuple_GET_ITEM(value, place), depth):
            return False
    return True


cdef bint put_dict(Room *room, dict value, int depth) except -1:
    cdef Py_ssize_t place = 0
    cdef PyObject *key
    cdef PyObject *entry
    if not put_count(room, DICT, len(value)):
        return False
    while PyDict_Next(value, &place, &key, &entry):
        if type(<object>key) is not str or not PyUnicode_IS_ASCII(<object>key):
            return False
        if not put_octets(room, PyUnicode_DATA(<object>key), PyUnicode_GET_LENGTH(<object>key)):
            return False
        if not put(room, <object>entry, depth):
            return False
    return True


cpdef object encoded(object value):
    """The octets of a value that is short and plain; None for any other one."""
    cdef unsigned char[ROOM] octets
    cdef Room room
    room.at = octets
    room.end = octets + ROOM
    if not put(&room, value, DEEPEST):
        return None
    return PyBytes_FromStringAndSize(<char *>octets, room.at - octets)


cdef class Reading:
    """Where it is read. `is_plain`: as far as that was seen."""

    cdef const unsigned char *at
    cdef const unsigned char *end
    cdef bint is_plain

    cdef object refused(self):
        self.is_plain = False
        return None

    cdef object take(self, int depth):
        cdef unsigned char kind
        cdef double real
        cdef unsigned long long octets
        cdef unsigned long length
        if self.end - self.at < 1:
            return self.refused()
        kind = self.at[0]
        self.at += 1
        if kind == NONE:
            return None
        if kind == FALSE or kind == TRUE:
            return kind == TRUE
        if kind == INT or kind == FLOAT:
            if self.end - self.at < 8:
                return self.refused()
            octets = take64(self.at)
            self.at += 8
            if kind == INT:
                return <long long>octets
            memcpy(&real, &octets, 8)
            return real
        if kind > DICT or kind == BIG or self.end - self.at < 4:
            return self.refused()
        length = take32(self.at)
        self.at += 4
        if length > <unsigned long>(self.end - self.at):
            return self.refused()
        if kind == STR:
            self.at += length
            return PyUnicode_DecodeUTF8(<char *>(self.at - length), length, b"surrogatepass")
        if kind == BYTES:
            self.at += length
            return PyBytes_FromStringAndSize(<char *>(self.at - length), length)
        if depth <= 0 or length > MOST:
            return self.refused()
        return self.take_list(length, depth - 1) if kind == LIST else self.take_dict(length, depth - 1)

    cdef object take_list(self, unsigned long count, int depth):
        cdef list found = []
        while count and self.is_plain:
            found.append(self.take(depth))
            count -= 1
        return found

    cdef object take_dict(self, unsigned long count, int depth):
        cdef dict found = {}
        cdef unsigned long length
        cdef object key
        while count and self.is_plain:
            if self.end - self.at < 4:
                return self.refused()
            length = take32(self.at)
            self.at += 4
            if length > <unsigned long>(self.end - self.at):
                return self.refused()
            key = PyUnicode_DecodeUTF8(<char *>self.at, length, b"surrogatepass")
            self.at += length
            found[key] = self.take(depth)
            count -= 1
        return found


cpdef object decoded(bytes octets, Py_ssize_t start):
    """A value that is short and plain, and where it ends; None for any other one. Raises UnicodeDecodeError."""
    cdef Reading reading
    cdef object value
    if octets is None or start < 0 or start > PyBytes_GET_SIZE(octets):
        return None
    if PyBytes_GET_SIZE(octets) - start > SHORT:
        # What is begun here and left to others would be copied twice.
        return None
    reading = Reading.__new__(Reading)
    reading.at = <const unsigned char *>PyBytes_AS_STRING(octets) + start
    reading.end = <const unsigned char *>PyBytes_AS_STRING(octets) + PyBytes_GET_SIZE(octets)
    reading.is_plain = True
    value = reading.take(DEEPEST)
    if not reading.is_plain:
        return None
    return value, reading.at - <const unsigned char *>PyBytes_AS_STRING(octets)


# Frames.


cdef class Frame:
    """One frame. `amount`: seconds that a call may take (0.0: any), or items that a stream may send."""

    def __init__(self, kind, marks, number, amount, target, payload):
        self.kind = kind
        self.marks = marks
        self.number = number
        self.amount = amount
        self.target = target
        self.payload = payload


cpdef bytes head(
    unsigned char kind, unsigned long long number, unsigned int length=0, unsigned char marks=0,
    unsigned short target=0, double amount=0.0,
):
    """The head of a frame; `length` counts the octets of target and payload, `target` those of the target alone."""
    cdef unsigned char[HEAD] octets
    octets[0] = kind
    octets[1] = marks
    memcpy(octets + 2, &target, 2)
    memcpy(octets + 4, &length, 4)
    memcpy(octets + 8, &number, 8)
    memcpy(octets + 16, &amount, 8)
    return PyBytes_FromStringAndSize(<char *>octets, HEAD)


cpdef bytes framed(
    unsigned char kind, unsigned long long number, bytes target, bytes payload, unsigned char marks, double amount,
):
    """A whole frame: the head, and the octets that belong to it."""
    cdef Py_ssize_t first, second
    cdef unsigned int length
    cdef unsigned short begin
    cdef bytes whole
    cdef unsigned char *octets
    if target is None or payload is None:
        raise TypeError("octets are needed")
    first = PyBytes_GET_SIZE(target)
    second = PyBytes_GET_SIZE(payload)
    if first > 0xFFFF or second > 0xFFFFFFFF - first:
        raise OverflowError("a frame has no room for so many octets")
    begin = <unsigned short>first
    length = <unsigned int>(first + second)
    whole = PyBytes_FromStringAndSize(NULL, HEAD + first + second)
    octets = <unsigned char *>PyBytes_AS_STRING(whole)
    octets[0] = kind
    octets[1] = marks
    memcpy(octets + 2, &begin, 2)
    memcpy(octets + 4, &length, 4)
    memcpy(octets + 8, &number, 8)
    memcpy(octets + 16, &amount, 8)
    memcpy(octets + HEAD, PyBytes_AS_STRING(target), first)
    memcpy(octets + HEAD + first, PyBytes_AS_STRING(payload), second)
    return whole


cpdef tuple frames(bytes octets, object longest):
    """The frames that are complete, where the rest begins, and how much is missing of the next one, as far as is known.

    `longest`: asked for how long a frame may be, where one is not short. A payload that is PASSED is not looked for.
    Raises DirtyProtocolError for what is no frame.
    """
    cdef list found = []
    cdef Py_ssize_t at = 0, there, missing = 0
    cdef const unsigned char *data
    cdef unsigned int length
    cdef unsigned short target
    cdef unsigned long long number
    cdef double amount
    cdef unsigned char kind, marks
    cdef Frame frame
    if octets is None:
        raise TypeError("octets are needed")
    data = <const unsigned char *>PyBytes_AS_STRING(octets)
    there = PyBytes_GET_SIZE(octets)
    while there - at >= HEAD:
        kind = data[at]
        marks = data[at + 1]
        memcpy(&target, data + at + 2, 2)
        memcpy(&length, data + at + 4, 4)
        memcpy(&number, data + at + 8, 8)
        memcpy(&amount, data + at + 16, 8)
        if kind < FIRST or kind > LAST or marks > MOST_MARKS or target > length or (
            length > SHORT and length > longest() + SHORT
        ):
            raise DirtyProtocolError("What came is no frame", octets[at:at + HEAD])
        if length > <unsigned long>(there - at - HEAD):
            missing = length - (there - at - HEAD)
            break
        frame = Frame.__new__(Frame)
        frame.kind = kind
        frame.marks = marks
        frame.number = number
        frame.amount = amount
        frame.target = PyBytes_FromStringAndSize(<char *>data + at + HEAD, target)
        frame.payload = PyBytes_FromStringAndSize(<char *>data + at + HEAD + target, length - target)
        found.append(frame)
        at += HEAD + length
    return found, at, missing
