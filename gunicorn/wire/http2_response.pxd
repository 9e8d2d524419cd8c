cimport cython
from gunicorn.http._octets cimport joined
from gunicorn.http.response cimport LENGTH, NO_BODY, UNTIL_CLOSE, UPGRADE, FieldLine, told_length
from gunicorn.http.response_head cimport Prefix, ResponseHead


cdef dict _LENGTHS
cdef dict _STATUSES


@cython.locals(prefix=Prefix, code=int)
cpdef settle(ResponseHead head)
@cython.locals(prefix=Prefix, octets=bytes, parts=list, line=FieldLine, length="long long")
cpdef bytes block_of(ResponseHead head)
cdef bytes _packed_status(int code)
cdef bytes _pack_prefix(Prefix prefix)
cdef bytes _pack_line(FieldLine line)
cdef bytes _pack_length(long long length)
cdef bytes _packed_field(bytes line)
