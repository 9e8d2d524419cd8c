cimport cython
from gunicorn.http._octets cimport is_plain
from gunicorn.http.request cimport Request
from .access_lines cimport LONG_VALUE, AccessLines
from .response cimport Response


cdef class JSONLines(AccessLines):
    cdef str _pid
    cdef long long _second
    cdef str _stamp
    cdef object _wall_clock

    @cython.locals(request=Request, wall=double, method=str, path=str, code=str, line=str)
    cdef _add(self, Response response, dict environ, double seconds)
    @cython.locals(micros="long long", second="long long")
    cdef str _moment(self, double wall)


@cython.locals(quoted=str)
cdef str _text(str value)
cdef str _value(object value)
cdef str _remote(object address)
@cython.locals(code=str, text=str)
cdef str _code(object status)
@cython.locals(micros="long long")
cdef str _duration(double seconds)
cdef str _span(dict environ)
cdef str _queue(dict environ, double began)
