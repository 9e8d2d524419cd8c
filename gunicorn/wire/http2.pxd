cimport cython
from gunicorn.http.fields cimport FieldTable
from gunicorn.http.request cimport Request
from .budget cimport Budget
from .hpack cimport Decoder, Static
from .http2_fields cimport Field
from .http2_frames cimport (
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HAS_PRIORITY, HEAD_SIZE, HEADERS, LARGEST_WINDOW, PADDED, PING,
    PRIORITY, PRIORITY_UPDATE, RST_STREAM, SETTINGS, WINDOW_UPDATE, ping_frame, reset_frame)
from .http2_head cimport HeadReader, trailers_of
from .http2_sending cimport Sender
from .http2_streams cimport FINISHED, RESET_BY_PEER, RESET_BY_US, UNKNOWN, Recipient, Stream


cdef int MOST_CONTINUATIONS, MOST_SETTINGS
cdef Py_ssize_t SMALL


cdef class HTTP2(Sender):
    cdef readonly bint acknowledged
    cdef bytearray block
    cdef int continuations
    cdef readonly Decoder decoder
    cdef readonly bint failed
    cdef readonly str fault
    cdef readonly bint greeted
    cdef readonly HeadReader head
    cdef readonly Budget idle
    cdef readonly Py_ssize_t list_limit
    cdef readonly Py_ssize_t most_streams
    cdef Py_ssize_t needed
    cdef double now
    cdef readonly long long open_block
    cdef readonly Recipient recipient
    cdef readonly Budget resets
    cdef bytearray rest
    cdef readonly Budget small
    cdef readonly bint started
    cdef readonly FieldTable table

    @cython.locals(stream=Stream)
    cpdef Stream adopt(self)
    @cython.locals(position=Py_ssize_t)
    cpdef receive(self, bytes data, double now)
    @cython.locals(
        view="const unsigned char *", position=Py_ssize_t, end=Py_ssize_t, size=Py_ssize_t, start=Py_ssize_t,
        identifier="long long", limit=Py_ssize_t)
    cdef Py_ssize_t _take_in(self, bytes data) except -1
    cdef _frame(self, int kind, int flags, long long identifier, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _other(self, int kind, int flags, long long identifier, bytes payload)
    cdef _spend(self, Budget budget, str what)
    @cython.locals(padding=Py_ssize_t)
    cdef tuple _unpadded(self, int flags, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _headers(self, int flags, long long identifier, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(block=bytes, identifier="long long")
    cdef _continuation(self, int flags, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _gather(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(stream=Stream, how=int)
    cdef _admit(self, long long identifier, int ended)
    cdef int _how_ended(self, long long identifier, Stream stream) except -1
    @cython.locals(stream=Stream, trailers=list, fields=list)
    cdef _section(self, long long identifier, int ended, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(head=HeadReader, stream=Stream, request=Request, fields=list)
    cdef _open(self, long long identifier, int ended, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(is_beyond=bint)
    cdef bint _turns_away(self, long long identifier) except -1
    @cython.locals(there=Py_ssize_t, most=Py_ssize_t)
    cdef bint _is_full(self) except -1
    cdef list _decode(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(size=Py_ssize_t, stream=Stream)
    cdef _data(self, int flags, long long identifier, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(size=Py_ssize_t)
    cdef _content(self, Stream stream, bytes piece, int ended)
    cdef _stray(self, long long identifier, Stream stream)
    cdef _end(self, Stream stream, list trailers)
    @cython.locals(increment="long long", stream=Stream)
    cdef _window_update(self, long long identifier, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _check_known(self, long long identifier, str what)
    @cython.locals(stream=Stream)
    cdef _rst_stream(self, long long identifier, bytes payload)
    cdef _depends(self, long long identifier, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _ping(self, int flags, bytes payload)
    @cython.locals(before="long long")
    cdef _settings(self, int flags, bytes payload)
    @cython.locals(stream=Stream)
    cpdef fail(self, long long code, str what)
    @cython.locals(answers=bint)
    cdef _break(self, Stream stream, long long code)
    @cython.locals(answers=bint)
    cdef _cut_off(self, Stream stream, long long code, int how)
