cdef class Request:
    cdef public str method
    cdef public str uri
    cdef public str path
    cdef public str query
    cdef public int version_major
    cdef public int version_minor
    cdef public list fields
    cdef public list trailers
    cdef public long long content_length
    cdef public bint chunked
    cdef public bint close
    cdef public bint forced_close
    cdef public bint expect_continue
    cdef public bint forwarder_trusted
    cdef public str host
    cdef public str authority
    cdef public str upgrade
    cdef public str scheme
    cdef public str script_name
    cdef public object body
    cdef public object peer
    cdef public list octets
    cdef public str priority
    cdef public dict proxy_info
    cdef public double started
    cdef public int starts
    cdef public bint takes_trailers
    cdef public dict variables
    cdef public list _headers
    cdef dict __dict__

    cdef begin(self)
    cpdef adopt_headers(self)
