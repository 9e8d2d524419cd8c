cimport cython
from gunicorn.http._octets cimport joined
from gunicorn.http.fields cimport FieldTable
from gunicorn.http.request cimport Request
from ._http2 cimport frame_head
from .budget cimport Budget
from .hpack cimport Decoder, Static
from .http2_fields cimport Field
from .http2_frames cimport (
    ACK, CONTINUATION, DATA, DEFAULT_WINDOW, END_HEADERS, END_STREAM, GOAWAY, HAS_PRIORITY, HEAD_SIZE, HEADERS,
    LARGEST_WINDOW, PADDED, PING, PRIORITY, PRIORITY_UPDATE, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    ping_frame, reset_frame, window_frame)
from .http2_head cimport HeadReader, trailers_of


cdef int MOST_CONTINUATIONS, MOST_SETTINGS
cdef Py_ssize_t SMALL, REMEMBERED
cdef long long LEFT_OVER
cdef int FINISHED, RESET_BY_PEER, RESET_BY_US


cdef class Stream:
    cdef public bint answered
    cdef public long long credit
    cdef public long long expected
    cdef readonly long long identifier
    cdef public long long left_over
    cdef public long long owed
    cdef public object owner
    cdef public bint receiving
    cdef public bint released
    cdef public bint sending
    cdef public bint tired
    cdef public long long window

    cdef begin(self, long long identifier, long long window, long long credit)


cdef class Recipient:
    cpdef head(self, Stream stream, Request request)
    cpdef refused(self, Stream stream, Request request, error)
    cpdef malformed(self, Request request, error)
    cpdef content(self, Stream stream, bytes data)
    cpdef end(self, Stream stream, list trailers)
    cpdef reset(self, Stream stream, long long code)
    cpdef writable(self, Stream stream)
    cpdef prioritize(self, long long identifier, bytes value)
    cpdef pong(self, bytes octets)


cdef class HTTP2:
    cdef readonly bint acknowledged
    cdef readonly Py_ssize_t answered
    cdef bytearray block
    cdef int continuations
    cdef readonly long long credit
    cdef readonly Decoder decoder
    cdef readonly bint failed
    cdef readonly str fault
    cdef readonly long long first_credit
    cdef readonly bint greeted
    cdef readonly HeadReader head
    cdef readonly long long highest
    cdef readonly Budget idle
    cdef readonly long long last
    cdef readonly Py_ssize_t list_limit
    cdef readonly Py_ssize_t most_streams
    cdef Py_ssize_t needed
    cdef double now
    cdef readonly long long open_block
    cdef readonly long long opening_window
    cdef readonly list out
    cdef readonly long long owed
    cdef readonly Py_ssize_t peer_frame_size
    cdef Py_ssize_t place
    cdef readonly list recent
    cdef readonly Recipient recipient
    cdef readonly Budget resets
    cdef bytearray rest
    cdef readonly object settings
    cdef readonly Budget small
    cdef readonly bint silent
    cdef readonly bint started
    cdef readonly dict streams
    cdef readonly FieldTable table
    cdef readonly long long window

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
    @cython.locals(stream=Stream)
    cdef _admit(self, long long identifier, int ended)
    @cython.locals(recent=list, step=Py_ssize_t, entry="long long")
    cdef int _how_ended(self, long long identifier, Stream stream) except -1
    @cython.locals(stream=Stream, trailers=list, fields=list)
    cdef _section(self, long long identifier, int ended, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(head=HeadReader, stream=Stream, request=Request, fields=list)
    cdef _open(self, long long identifier, int ended, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(there=Py_ssize_t, most=Py_ssize_t)
    cdef bint _is_full(self) except -1
    cdef list _decode(self, bytes data, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(size=Py_ssize_t, stream=Stream)
    cdef _data(self, int flags, long long identifier, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _stray(self, long long identifier, Stream stream)
    cdef _end(self, Stream stream, list trailers)
    cpdef consumed(self, Stream stream, long long count)
    cpdef reopen(self, Stream stream, long long count)
    @cython.locals(more="long long")
    cpdef widen(self, Stream stream, long long window)
    cpdef give_back(self, long long count)
    @cython.locals(increment="long long", stream=Stream)
    cdef _window_update(self, long long identifier, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _check_known(self, long long identifier, str what)
    @cython.locals(stream=Stream)
    cdef _rst_stream(self, long long identifier, bytes payload)
    cdef _depends(self, long long identifier, bytes data, Py_ssize_t start, Py_ssize_t end)
    cdef _priority(self, long long identifier, bytes payload)
    cdef _ping(self, int flags, bytes payload)
    @cython.locals(before="long long")
    cdef _settings(self, int flags, bytes payload)
    cpdef apply(self, bytes payload)
    @cython.locals(more="long long", stream=Stream)
    cdef _open_windows(self, long long value)
    @cython.locals(out=list)
    cpdef bytes take(self)
    cpdef long long room(self, Stream stream)
    @cython.locals(flags=int, size=Py_ssize_t)
    cpdef send_head(self, Stream stream, bytes block, bint ended)
    cdef _send_long_head(self, Stream stream, bytes block, int flags, Py_ssize_t size)
    @cython.locals(size=Py_ssize_t, start=Py_ssize_t, flags=int)
    cpdef send_data(self, Stream stream, bytes data, bint ended)
    cdef _sent(self, Stream stream)
    @cython.locals(stream=Stream)
    cpdef tire(self)
    cpdef reset(self, Stream stream, long long code)
    cpdef release(self, Stream stream)
    cdef _forget(self, Stream stream)
    cpdef goaway(self, long long last, long long code=*, bytes what=*)
    cpdef refuse_further(self)
    @cython.locals(stream=Stream, answers=bint)
    cpdef fail(self, long long code, str what)
    @cython.locals(answers=bint)
    cdef _break(self, Stream stream, long long code)
    cdef _settle(self, Stream stream, int how)
    @cython.locals(recent=list, entry="long long")
    cdef _remember(self, long long identifier, int how)
