cdef class Frame:
    cdef readonly int kind
    cdef readonly int marks
    cdef readonly unsigned long long number
    cdef readonly double amount
    cdef readonly bytes target
    cdef public object payload


cpdef object encoded(object value)
cpdef object decoded(bytes octets, Py_ssize_t start)
cpdef bytes head(
    unsigned char kind, unsigned long long number, unsigned int length=*, unsigned char marks=*,
    unsigned short target=*, double amount=*)
cpdef bytes framed(
    unsigned char kind, unsigned long long number, bytes target, bytes payload, unsigned char marks, double amount)
cpdef tuple frames(bytes octets, object longest)
