cpdef dict as_dict(message)
cpdef str kind_of(dict message)
cpdef bytes octets_of(dict message, str key)
cpdef status_of(dict message)
