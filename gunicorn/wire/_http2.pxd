cpdef bytes huffman(bytes data, Py_ssize_t start, Py_ssize_t end)
cpdef bytes frame_head(long long length, long long kind, long long flags, long long stream)
cpdef list pairs_of(list fields)
cpdef list octets_of(list fields)
