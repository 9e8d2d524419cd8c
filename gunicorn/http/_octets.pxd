cpdef Py_ssize_t token_end(bytes data, Py_ssize_t start, Py_ssize_t end) except -1
cpdef Py_ssize_t path_end(bytes data, Py_ssize_t start, Py_ssize_t end) except -1
cpdef Py_ssize_t query_end(bytes data, Py_ssize_t start, Py_ssize_t end) except -1
cpdef Py_ssize_t value_end(bytes data, Py_ssize_t start, Py_ssize_t end) except -1
cpdef bint is_plain(str value) except -1
cpdef bytes octets(bytes data, Py_ssize_t start, Py_ssize_t end)
cpdef bytes joined(list parts)
cpdef bytes head_octets(bytes first, list fields, bytes length, bytes end, bytes content)
cpdef str text(bytes data, Py_ssize_t start, Py_ssize_t end)
cpdef bint is_at(bytes known, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
cpdef str text_again(str known, bytes data, Py_ssize_t start, Py_ssize_t end)
