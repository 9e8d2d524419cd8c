cimport cython
from gunicorn.http._octets cimport is_plain
from gunicorn.http.request cimport Request
from .prefixes cimport Prefixes
from .response cimport Response

cdef int LITERAL, ENVIRON, REQUEST_LINE, STATUS, LENGTH, TIME, USER
cdef int SECONDS, MILLISECONDS, DECIMAL, PROCESS, QUEUE
cdef double LONGEST_WAIT
cdef Py_ssize_t MOST_LINES, LONG_VALUE


cdef class AccessLines:
    cdef bytes _date
    cdef Py_ssize_t _count
    cdef object _log
    cdef str _now
    cdef list _parts
    cdef object _selection
    cdef double _since
    cdef list _steps
    cdef object _write

    @cython.locals(before=Py_ssize_t, count=Py_ssize_t)
    cpdef add(self, Response response, dict environ, Prefixes prefixes, double seconds, double now)
    @cython.locals(step=tuple, kind=int, text=str)
    cdef _add(self, Response response, dict environ, double seconds)
    cdef str _value(self, int kind, str name, Response response, dict environ, double seconds)
    cpdef bint due(self, double now)
    cpdef bint waiting(self)
    cpdef bint flush(self) except -1


@cython.locals(line=str)
cdef str _request_line(Request request)
@cython.locals(text=str)
cdef str _variable(dict environ, str name)
@cython.locals(text=str, code=str)
cdef str _status(object status)
cdef str _user(dict environ)
cdef str _queue(Request request, dict environ, double seconds)
cdef str _measure(int kind, Response response, double seconds)
