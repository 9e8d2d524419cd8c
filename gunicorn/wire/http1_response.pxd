cimport cython
from gunicorn.http.response_head cimport Prefix
from gunicorn.http._octets cimport head_octets
from gunicorn.http.request cimport Request
from gunicorn.http.response cimport CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE
from gunicorn.http.response_head cimport ResponseHead


cdef dict _LENGTH_LINES


cpdef int frame(str method, int version_minor, int status, long long length)
@cython.locals(prefix=Prefix, request=Request, framing=int)
cpdef settle(ResponseHead head)
cpdef settle_as(ResponseHead head, int code, int framing)
@cython.locals(length="long long")
cdef _tell_length(ResponseHead head, int code)
@cython.locals(prefix=Prefix, length_line=bytes, end=bytes)
cpdef bytes octets_of(ResponseHead head, bytes content)
cpdef bytes inform(int status, list fields)
@cython.locals(line=bytes)
cdef bytes _length_line(long long length)
