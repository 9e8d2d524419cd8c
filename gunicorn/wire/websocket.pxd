cimport cython
from ._masking cimport unmask

cdef int NEED_DATA, MESSAGE, PING, PONG, CLOSE
cdef int OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG


cdef class Deflate:
    cdef public str answer
    cdef public int client_bits
    cdef public bint client_keeps
    cdef public int server_bits
    cdef public bint server_keeps


cdef class Frames:
    cdef public object data
    cdef public int code
    cdef public long long limit
    cdef public str reason
    cdef bytes _buffer
    cdef bint _compressed
    cdef object _decoder
    cdef Deflate _deflate
    cdef object _deflater
    cdef int _empty
    cdef bint _final
    cdef bint _in_frame
    cdef object _inflater
    cdef bytes _key
    cdef int _kind
    cdef int _opcode
    cdef bytearray _parts
    cdef Py_ssize_t _phase
    cdef Py_ssize_t _position
    cdef long long _received
    cdef long long _remaining
    cdef long long _size
    cdef int _streams

    cpdef receive(self, bytes data)
    cpdef bint is_pending(self)
    @cython.locals(available=Py_ssize_t)
    cpdef int next_event(self) except -1
    @cython.locals(data=bytes, position=Py_ssize_t, available=Py_ssize_t, first=int, length="long long",
                   extended=int)
    cdef bint _header(self) except -1
    @cython.locals(opcode=int)
    cdef _check_header(self, int first, int second, long long length)
    cdef _begin_content(self, int first)
    @cython.locals(start=Py_ssize_t)
    cdef bytes _take(self, Py_ssize_t count)
    @cython.locals(octets=bytes, ended=bint, whole=bint)
    cdef bint _content(self, Py_ssize_t count) except -1
    cdef str _text(self, bytes octets)
    @cython.locals(parts=bytearray)
    cdef _keep(self, bytes octets, bint whole)
    @cython.locals(pieces=list)
    cdef bytes _inflate(self, bytes octets, bint whole)
    cdef _inflate_part(self, bytes part, int window_bits, list pieces)
    cdef bytes _piece(self, bytes part)
    @cython.locals(octets=bytes)
    cdef int _control(self) except -1
    cpdef tuple message(self, int opcode, bytes data)


cdef _check_control(int opcode, int first, long long length)
@cython.locals(length="long long")
cdef long long _extended_length(bytes octets) except -1
@cython.locals(first=int)
cpdef bytes frame_header(int opcode, Py_ssize_t length, int compressed)
