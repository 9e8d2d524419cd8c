cimport cython
from gunicorn.http._octets cimport joined
from ._http2 cimport frame_head
from .http2_frames cimport (
    CONTINUATION, DATA, DEFAULT_WINDOW, END_HEADERS, END_STREAM, HEADERS, LARGEST_WINDOW, reset_frame, window_frame)
from .http2_streams cimport FINISHED, LEFT_OVER, RESET_BY_US, Ends, Stream


cdef class Sender:
    cdef readonly Py_ssize_t answered
    cdef readonly long long credit
    cdef readonly Ends ends
    cdef readonly long long first_credit
    cdef readonly long long highest
    cdef readonly long long last
    cdef readonly long long opening_window
    cdef readonly list out
    cdef readonly long long owed
    cdef readonly Py_ssize_t peer_frame_size
    cdef readonly object settings
    cdef readonly bint silent
    cdef readonly dict streams
    cdef readonly long long window

    @cython.locals(out=list)
    cpdef bytes take(self)
    cpdef long long room(self, Stream stream)
    @cython.locals(flags=int, size=Py_ssize_t)
    cpdef send_head(self, Stream stream, bytes block, bint ended)
    cdef _send_long_head(self, Stream stream, bytes block, int flags, Py_ssize_t size)
    @cython.locals(size=Py_ssize_t, start=Py_ssize_t, flags=int)
    cpdef send_data(self, Stream stream, bytes data, bint ended)
    cdef _sent(self, Stream stream)
    @cython.locals(more="long long")
    cdef _let_finish(self, Stream stream)
    cpdef consumed(self, Stream stream, long long count)
    cpdef reopen(self, Stream stream, long long count)
    @cython.locals(more="long long")
    cpdef widen(self, Stream stream, long long window)
    cpdef give_back(self, long long count)
    cpdef apply(self, bytes payload)
    @cython.locals(more="long long", stream=Stream)
    cdef _open_windows(self, long long value)
    cpdef reset(self, Stream stream, long long code)
    cpdef release(self, Stream stream)
    @cython.locals(stream=Stream)
    cpdef tire(self)
    cdef settle(self, Stream stream, int how)
    cdef _forget(self, Stream stream)
    cpdef goaway(self, long long last, long long code=*, bytes what=*)
    cpdef refuse_further(self)
