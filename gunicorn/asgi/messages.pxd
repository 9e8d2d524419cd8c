cpdef kind_of(message)
cpdef bytes octets_of(message, str key)
cpdef status_of(message)
