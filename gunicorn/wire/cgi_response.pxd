cimport cython
from gunicorn.http._octets cimport head_octets
from gunicorn.http.request cimport Request
from gunicorn.http.response_head cimport Prefix, ResponseHead
from .http1_response cimport frame, settle_as


cdef bytes STATUS_LINE, STATUS_FIELD


@cython.locals(prefix=Prefix, request=Request)
cpdef settle_for_cgi(ResponseHead head)
@cython.locals(prefix=Prefix, length_line=bytes, first=bytes)
cpdef bytes cgi_octets_of(ResponseHead head, bytes content, bint with_field)
