from gunicorn.http._octets cimport path_end, query_end, token_end, value_end
from gunicorn.http.fields cimport ORDINARY, FieldName, FieldTable


cdef int COOKIE, MALFORMED, PRIORITY, TE, METHOD, PATH, AUTHORITY, URI_SCHEME, PROTOCOL
cdef Py_ssize_t OVERHEAD


cdef class Field:
    cdef readonly str fault
    cdef readonly int kind
    cdef readonly bytes name
    cdef readonly tuple octets
    cdef readonly tuple pair
    cdef readonly str path
    cdef readonly str query
    cdef readonly Py_ssize_t size
    cdef readonly str text


cpdef str fault_of(bytes name, bytes value)
cdef str _fault_of_value(bytes value)
cdef str _fault_of_pseudo(bytes name, bytes value)
