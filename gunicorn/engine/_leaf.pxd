cdef int READABLE, WRITABLE, HANGUP, RECEIVE_SIZE


cdef class Poller:
    cdef int _count
    cdef int _epoll
    cdef void *_events
    cdef unsigned int *_generations
    cdef int _room
    cdef unsigned int _generation
    cdef int _failed(self) except -1
    cdef int _add(self, int fd, unsigned int events) except -1
    cdef int _grow(self, int room) noexcept
    cpdef int fileno(self) except? -2
    cpdef add(self, int fd)
    cpdef add_listener(self, int fd)
    cpdef add_level(self, int fd)
    cpdef arm_read(self, int fd)
    cpdef arm_write(self, int fd)
    cpdef remove(self, int fd)
    cpdef forget(self, int fd)
    cpdef int wait(self, double timeout) except -1
    cpdef int fd_at(self, int index) except? -1
    cpdef int flags_at(self, int index) except? -1
    cpdef close(self)


cdef class Place:
    cdef bytes _octets
    cdef readonly Py_ssize_t size
    cpdef put(self, bytes data)
    cpdef Py_ssize_t receive(self, int fd, Py_ssize_t most) except? -2
    cpdef bytes take(self)

cpdef meter(slot)
cpdef show_connections(int count)
cpdef bint is_leaving() noexcept
cpdef bytes receive(int fd)
cpdef Py_ssize_t send(int fd, object data) except? -2
cpdef Py_ssize_t send_more(int fd, bytes data) except? -2
cpdef push(int fd)
cpdef Py_ssize_t send_two(int fd, bytes head, object body) except? -2
cpdef Py_ssize_t send_file(int fd, int source, long long offset, Py_ssize_t count) except? -2
cpdef tuple accept(object listener, int fd)
cpdef close(int fd)
cpdef bint is_readable(int fd) noexcept
cpdef int peek(int fd) except? -2
cpdef double monotonic() noexcept
cpdef keep_stacks()
cpdef Py_ssize_t references(object first, object second, object third) except -1
cpdef object bind(object function, object target)
cpdef object call(object function, object argument, dict keywords)
