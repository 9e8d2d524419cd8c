from ._octets cimport decoded, encoded


cpdef bytes encode(object value)
cpdef object decode(bytes octets, Py_ssize_t start=*)
cpdef tuple decode_first(bytes octets, Py_ssize_t start=*)
