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

    @cython.locals(request=Request, wall=double, micros="long long", second="long long", took="long long",
        whole="long long", method=str, path=str, code=str, more=str, line=str)
    cdef _add(self, Response response, dict environ, double seconds)


@cython.locals(quoted=str)
cdef str _text(str value)
cdef str _value(object value)
@cython.locals(code=str, text=str)
cdef str _code(object status)
cdef str _queue(dict environ, double began)
