"""The system calls of the hot path, without the objects between them and the kernel. The twin is `_leaf.py`.

Calls that cannot wait keep the interpreter lock: giving it up costs more than they do.

Every function is total: whatever integers and objects it is given, it answers or raises, and touches no memory but its
own and what its arguments own. What the kernel judges itself (a descriptor, a count) is left to the kernel.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeLatin1
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from cpython.object cimport PyCallable_Check, PyObject_Call
from libc.errno cimport EAGAIN, ECONNABORTED, EINTR, errno
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from gunicorn.instrument import scoreboard

cdef extern from "Python.h":
    object PyMethod_New(object function, object target)

cdef extern from *:
    """
    #define set_errno(number) (errno = (number))
    """
    void set_errno(int number)

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        unsigned long long u64
    cdef struct epoll_event:
        unsigned int events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int most, int timeout)
    enum: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLL_CLOEXEC
    unsigned int EPOLLET
    unsigned int EPOLLEXCLUSIVE

cdef extern from "<poll.h>" nogil:
    cdef struct pollfd:
        int fd
        short events
        short revents
    int c_poll "poll"(pollfd *fds, unsigned long count, int timeout)
    enum: POLLIN

cdef extern from "<netinet/tcp.h>" nogil:
    enum: TCP_NODELAY

cdef extern from "<netinet/in.h>" nogil:
    enum: IPPROTO_TCP

cdef extern from "<sys/socket.h>" nogil:
    int c_setsockopt "setsockopt"(int, int, int, const void *, unsigned int)
    ctypedef unsigned int socklen_t
    cdef struct sockaddr:
        unsigned short sa_family
    cdef struct sockaddr_storage:
        unsigned short ss_family
    int accept4(int fd, sockaddr *address, socklen_t *length, int flags)
    Py_ssize_t recv(int fd, void *buffer, size_t size, int flags)
    Py_ssize_t c_send "send"(int fd, const void *buffer, size_t size, int flags)
    enum: SOCK_NONBLOCK, SOCK_CLOEXEC, AF_INET, AF_INET6, MSG_NOSIGNAL, MSG_PEEK, MSG_DONTWAIT, MSG_MORE

cdef extern from "<sys/uio.h>" nogil:
    cdef struct iovec:
        void *iov_base
        size_t iov_len

cdef extern from "<sys/socket.h>" nogil:
    cdef struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    Py_ssize_t sendmsg(int fd, const msghdr *message, int flags)

cdef extern from "<netinet/in.h>" nogil:
    cdef struct in_addr:
        unsigned int s_addr
    cdef struct in6_addr:
        unsigned char s6_addr[16]
    cdef struct sockaddr_in:
        unsigned short sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        unsigned short sin6_port
        unsigned int sin6_flowinfo
        in6_addr sin6_addr
        unsigned int sin6_scope_id

cdef extern from "<arpa/inet.h>" nogil:
    const char *inet_ntop(int family, const void *address, char *text, socklen_t size)
    unsigned short ntohs(unsigned short port)
    unsigned int ntohl(unsigned int number)

cdef extern from "<sys/sendfile.h>" nogil:
    ctypedef long long off_t
    Py_ssize_t sendfile(int out, int source, off_t *offset, size_t count)

cdef extern from "<unistd.h>" nogil:
    int c_close "close"(int fd)

cdef extern from "<time.h>" nogil:
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *moment)
    enum: CLOCK_MONOTONIC

READABLE = 1
WRITABLE = 2
HANGUP = 4
RECEIVE_SIZE = 65536
# C integers to other compiled modules, and names to import for the rest.
globals().update(READABLE=READABLE, WRITABLE=WRITABLE, HANGUP=HANGUP, RECEIVE_SIZE=RECEIVE_SIZE)

DEF BUFFER = 65536
DEF MOST_EVENTS = 256
# Seconds: more would not fit epoll's milliseconds, and nobody waits for weeks without an event.
DEF LONGEST_WAIT = 2000000.0

cdef class _Page:
    """Holds a page of the scoreboard: nobody may unmap it while it is counted in."""

    cdef Py_buffer view

    def __cinit__(self, slot):
        PyObject_GetBuffer(slot._bytes, &self.view, PyBUF_WRITABLE)

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


cdef Py_ssize_t RECEIVED = scoreboard._RECEIVED
cdef Py_ssize_t SENT = scoreboard._SENT
cdef Py_ssize_t CONNECTIONS = scoreboard._CONNECTIONS
cdef Py_ssize_t LEAVING = scoreboard._LEAVING
cdef unsigned long long[4] nowhere
cdef _Page metered = None
# Where octets that have come and gone, and open connections, are counted: in the page of this worker, if it has one.
cdef unsigned long long *received = &nowhere[0]
cdef unsigned long long *sent = &nowhere[1]
cdef unsigned long long *opened = &nowhere[2]
# The master's word that the server stops soon.
cdef unsigned long long *leaves = &nowhere[3]


cpdef meter(slot):
    """Count on this page of the scoreboard from now on what goes through here, and heed it."""
    global metered, received, sent, opened, leaves
    cdef _Page page = _Page(slot)
    cdef unsigned long long *words = <unsigned long long *>page.view.buf
    # Where it is for good: whoever changes the scoreboard's numbers later changes nothing here.
    cdef Py_ssize_t last = max(RECEIVED, SENT, CONNECTIONS, LEAVING)
    if min(RECEIVED, SENT, CONNECTIONS, LEAVING) < 0 or last >= page.view.len // <Py_ssize_t>sizeof(words[0]):
        raise ValueError("not a page of the scoreboard")
    received, sent = words + RECEIVED, words + SENT
    opened, leaves = words + CONNECTIONS, words + LEAVING
    metered = page


cpdef show_connections(int count):
    """So many connections are open."""
    opened[0] = <unsigned long long>(count if count > 0 else 0)


cpdef bint is_leaving() noexcept:
    """Whether the page says that the server stops soon: clients are better off with another one."""
    return leaves[0] != 0


# One for the process: what is read leaves it as a bytes object before anyone else can run.
cdef char[BUFFER] receive_buffer


cdef class Poller:
    """epoll: edge-triggered for connections, level-triggered and exclusive for listeners."""

    def __cinit__(self, *args, **kwargs):
        self._epoll = -1
        self._count = 0
        self._generations = NULL
        self._room = 0
        self._generation = 0
        self._events = malloc(MOST_EVENTS * sizeof(epoll_event))
        if self._events == NULL:
            raise MemoryError()
        # The kernel writes what it has, and nobody reads more; a reader in another thread would see zeros.
        memset(self._events, 0, MOST_EVENTS * sizeof(epoll_event))

    def __init__(self):
        if self._epoll >= 0:
            raise RuntimeError("a poller is made once")
        self._epoll = epoll_create1(EPOLL_CLOEXEC)
        if self._epoll < 0:
            PyErr_SetFromErrno(OSError)

    def __dealloc__(self):
        if self._epoll >= 0:
            c_close(self._epoll)
        free(self._events)
        free(self._generations)

    cdef int _failed(self) except -1:
        # Asked only now: the kernel refuses a descriptor of -1 by itself.
        if self._epoll < 0:
            raise ValueError("the poller is closed")
        PyErr_SetFromErrno(OSError)

    cdef int _add(self, int fd, unsigned int events) except -1:
        cdef epoll_event event
        # Even: an odd one in its place says that writing is watched as well.
        cdef unsigned int generation = self._generation + 2
        memset(&event, 0, sizeof(event))
        if generation == 0:
            generation = 2
        event.events = events
        event.data.u64 = (<unsigned long long>generation << 32) | <unsigned int>fd
        if epoll_ctl(self._epoll, EPOLL_CTL_ADD, fd, &event) < 0:
            self._failed()
        # Only now: a descriptor that the kernel knows is no wild number.
        if fd >= self._room and self._grow(fd + 64) < 0:
            epoll_ctl(self._epoll, EPOLL_CTL_DEL, fd, &event)
            raise MemoryError()
        self._generation = generation
        self._generations[fd] = generation
        return 0

    cdef int _grow(self, int room) noexcept:
        cdef unsigned int *larger = <unsigned int *>realloc(self._generations, <size_t>room * sizeof(unsigned int))
        if larger == NULL:
            return -1
        memset(larger + self._room, 0, <size_t>(room - self._room) * sizeof(unsigned int))
        self._generations = larger
        self._room = room
        return 0

    cpdef int fileno(self) except? -2:
        """One descriptor that is readable while events wait, for a host loop; -1 when it is closed."""
        return self._epoll

    cpdef add(self, int fd):
        """Watch a connection."""
        self._add(fd, EPOLLIN | EPOLLRDHUP | EPOLLET)

    cpdef add_listener(self, int fd):
        """Watch a listening socket, for as long as connections wait in it."""
        self._add(fd, EPOLLIN | EPOLLEXCLUSIVE)

    cpdef add_level(self, int fd):
        """Watch a descriptor for reading, for as long as it is readable."""
        self._add(fd, EPOLLIN)

    cpdef arm_read(self, int fd):
        """Tell of the next octets that come."""

    cpdef arm_write(self, int fd):
        """Tell when the peer takes octets again, from now on."""
        cdef epoll_event event
        if fd < 0 or fd >= self._room or self._generations[fd] == 0 or self._generations[fd] & 1:
            return
        memset(&event, 0, sizeof(event))
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
        event.data.u64 = (<unsigned long long>self._generations[fd] << 32) | <unsigned int>fd
        if epoll_ctl(self._epoll, EPOLL_CTL_MOD, fd, &event) < 0:
            self._failed()
        self._generations[fd] |= 1

    cpdef remove(self, int fd):
        """Watch it no more."""
        cdef epoll_event event
        memset(&event, 0, sizeof(event))
        self.forget(fd)
        if epoll_ctl(self._epoll, EPOLL_CTL_DEL, fd, &event) < 0:
            self._failed()

    cpdef forget(self, int fd):
        """The descriptor is about to be closed. A child of the application may have inherited it: then close(2) does
        not take it out of the set, and its events must not be taken for those of the next one with this number."""
        if 0 <= fd < self._room:
            self._generations[fd] = 0

    cpdef int wait(self, double timeout) except -1:
        """Wait up to `timeout` seconds (negative: for ever); the number of events, read by `fd_at` and `flags_at`.

        Raises `OSError`, and `ValueError` for what is no number of seconds or when it is closed.
        """
        cdef int milliseconds, count
        cdef int epoll = self._epoll
        cdef epoll_event *events = <epoll_event *>self._events
        if timeout == 0.0:
            count = epoll_wait(epoll, events, MOST_EVENTS, 0)
        else:
            if timeout < LONGEST_WAIT:
                milliseconds = -1 if timeout < 0 else <int>(timeout * 1000.0) + 1
            elif timeout >= LONGEST_WAIT:
                milliseconds = <int>(LONGEST_WAIT * 1000.0)
            else:
                raise ValueError("the timeout is not a number")
            # While others run, nothing of the last time may be taken for new.
            self._count = 0
            with nogil:
                count = epoll_wait(epoll, events, MOST_EVENTS, milliseconds)
        if count < 0:
            self._count = 0
            if errno != EINTR:
                self._failed()
            PyErr_CheckSignals()
            return 0
        self._count = count
        return count

    cpdef int fd_at(self, int index) except? -1:
        """Descriptor of an event; negative for one that is forgotten. Raises `IndexError`."""
        # A negative index is a very large one to this comparison.
        if <unsigned int>index >= <unsigned int>self._count:
            raise IndexError("no such event")
        cdef unsigned long long data = (<epoll_event *>self._events)[index].data.u64
        cdef unsigned int fd = data & 0xFFFFFFFFU
        if fd >= <unsigned int>self._room or self._generations[fd] & ~1U != data >> 32:
            return -1
        return fd

    cpdef int flags_at(self, int index) except? -1:
        """READABLE, WRITABLE, HANGUP of an event. Raises `IndexError`."""
        if <unsigned int>index >= <unsigned int>self._count:
            raise IndexError("no such event")
        cdef unsigned int events = (<epoll_event *>self._events)[index].events
        return (1 if events & EPOLLIN else 0) | (2 if events & EPOLLOUT else 0) | (
            4 if events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) else 0)

    cpdef close(self):
        """Give the descriptor back."""
        if self._epoll >= 0:
            c_close(self._epoll)
            self._epoll = -1
        self._count = 0


cpdef bytes receive(int fd):
    """Up to RECEIVE_SIZE octets; `b""` at the end of the stream, None when there are none yet. Raises `OSError`."""
    cdef Py_ssize_t count
    while True:
        count = recv(fd, receive_buffer, BUFFER, 0)
        if count >= 0:
            received[0] += <unsigned long long>count
            return PyBytes_FromStringAndSize(receive_buffer, count)
        if errno == EAGAIN:
            return None
        if errno != EINTR:
            PyErr_SetFromErrno(OSError)
        PyErr_CheckSignals()


cdef class Place:
    """Room for `length` octets that are still to come; `take` gives them away when all of them are there.

    The memory is as the allocator left it, so nobody sees it before it is filled, and nobody fills it after that.
    """

    def __cinit__(self, Py_ssize_t length):
        if length < 0:
            raise ValueError("a negative length")
        self._octets = PyBytes_FromStringAndSize(NULL, length)
        self.size = 0

    cpdef put(self, bytes data):
        """Copy octets behind those that are there. Raises `ValueError` when there is no room for them."""
        if data is None:
            raise TypeError("bytes are needed, not NoneType")
        cdef Py_ssize_t count = PyBytes_GET_SIZE(data)
        if self._octets is None or count > PyBytes_GET_SIZE(self._octets) - self.size:
            raise ValueError("more octets than there is room for")
        memcpy(PyBytes_AS_STRING(self._octets) + self.size, PyBytes_AS_STRING(data), count)
        self.size += count

    cpdef Py_ssize_t receive(self, int fd, Py_ssize_t most) except? -2:
        """Up to `most` octets from a descriptor, as far as there is room; how many, 0 at the end of the stream, -1
        when none are there yet. Raises `OSError`, and `ValueError` when there is no room."""
        cdef Py_ssize_t count
        if self._octets is None or most <= 0 or PyBytes_GET_SIZE(self._octets) == self.size:
            raise ValueError("no room for octets")
        if most > PyBytes_GET_SIZE(self._octets) - self.size:
            most = PyBytes_GET_SIZE(self._octets) - self.size
        while True:
            count = recv(fd, PyBytes_AS_STRING(self._octets) + self.size, most, 0)
            if count >= 0:
                received[0] += <unsigned long long>count
                self.size += count
                return count
            if errno == EAGAIN:
                return -1
            if errno != EINTR:
                PyErr_SetFromErrno(OSError)
            PyErr_CheckSignals()
            # A signal's handler is anybody's code.
            if self._octets is None or most > PyBytes_GET_SIZE(self._octets) - self.size:
                raise ValueError("no room for octets")

    cpdef bytes take(self):
        """The octets, once. Raises `ValueError` when some have not come, or they were taken."""
        octets = self._octets
        if octets is None or PyBytes_GET_SIZE(octets) != self.size:
            raise ValueError("the octets are not all there")
        self._octets = None
        return octets


cdef Py_ssize_t failed_send(int number) except? -2:
    # Kept by the caller: what lets go of a buffer in between may make calls of its own.
    if number == EAGAIN or number == EINTR:
        return -1
    set_errno(number)
    PyErr_SetFromErrno(OSError)


cpdef Py_ssize_t send(int fd, object data) except? -2:
    """Send octets; how many the kernel took, -1 when it takes none now. Raises `OSError`."""
    cdef Py_buffer view
    cdef Py_ssize_t count
    cdef int number
    if type(data) is bytes:
        count = c_send(fd, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), MSG_NOSIGNAL)
        number = errno
    else:
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        count = c_send(fd, view.buf, view.len, MSG_NOSIGNAL)
        number = errno
        PyBuffer_Release(&view)
    if count < 0:
        return failed_send(number)
    sent[0] += <unsigned long long>count
    return count


cpdef Py_ssize_t send_more(int fd, bytes data) except? -2:
    """As `send`, where more follows at once: the end of the connection, other octets, or `push`."""
    # MSG_MORE keeps them back until then, or until the kernel's timer for retransmission is over.
    if data is None:
        raise TypeError("bytes are needed, not NoneType")
    cdef Py_ssize_t count = c_send(fd, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), MSG_NOSIGNAL | MSG_MORE)
    if count < 0:
        return failed_send(errno)
    sent[0] += <unsigned long long>count
    return count


cpdef push(int fd):
    """Let go of what `send_more` keeps back."""
    cdef int one = 1
    # What it says holds for every connection; that it is said sends what waits. A socket of another family has kept
    # nothing back, and who has gone is seen elsewhere.
    c_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))


cpdef Py_ssize_t send_two(int fd, bytes head, object body) except? -2:
    """Send two runs of octets in one call; as `send`."""
    cdef Py_buffer view
    cdef iovec[2] parts
    cdef msghdr message
    cdef Py_ssize_t count
    cdef int number
    if head is None:
        raise TypeError("bytes are needed, not NoneType")
    memset(&message, 0, sizeof(message))
    PyObject_GetBuffer(body, &view, PyBUF_SIMPLE)
    parts[0].iov_base = PyBytes_AS_STRING(head)
    parts[0].iov_len = PyBytes_GET_SIZE(head)
    parts[1].iov_base = view.buf
    parts[1].iov_len = view.len
    message.msg_iov = parts
    message.msg_iovlen = 2
    count = sendmsg(fd, &message, MSG_NOSIGNAL)
    number = errno
    PyBuffer_Release(&view)
    if count < 0:
        return failed_send(number)
    sent[0] += <unsigned long long>count
    return count


cpdef Py_ssize_t send_file(int fd, int source, long long offset, Py_ssize_t count) except? -2:
    """Let the kernel copy from a file to a socket; octets copied, -1 when the peer takes none now. Raises `OSError`."""
    cdef Py_ssize_t copied
    cdef int number
    cdef off_t position = offset
    # Reading the file may wait for the disk: let other threads run.
    with nogil:
        copied = sendfile(fd, source, &position, count)
        number = errno
    if copied < 0:
        return failed_send(number)
    sent[0] += <unsigned long long>copied
    return copied


cdef str dotted(unsigned char *octets):
    """An IPv4 address; inet_ntop goes through printf, and a server that closes every connection would feel that."""
    cdef char[16] text
    cdef Py_ssize_t size = 0
    cdef int index
    cdef unsigned char octet
    for index in range(4):
        octet = octets[index]
        if index:
            text[size] = 46
            size += 1
        if octet >= 100:
            text[size] = 48 + octet // 100
            size += 1
        if octet >= 10:
            text[size] = 48 + octet // 10 % 10
            size += 1
        text[size] = 48 + octet % 10
        size += 1
    return PyUnicode_DecodeLatin1(text, size, NULL)


# A client that comes again, or the proxy that all come through: its text is kept, and so is the hash of that.
cdef in_addr last_address
cdef str last_text = None


cdef str text_of(in_addr *address):
    global last_text
    if last_text is None or last_address.s_addr != address.s_addr:
        last_text = dotted(<unsigned char *>address)
        last_address.s_addr = address.s_addr
    return last_text


cdef object address_of(sockaddr_storage *storage):
    """As the socket module gives it; an empty string for a unix socket, whose clients have no name."""
    cdef char[64] text
    cdef sockaddr_in *inet
    cdef sockaddr_in6 *inet6
    if storage.ss_family == AF_INET:
        inet = <sockaddr_in *>storage
        return (text_of(&inet.sin_addr), ntohs(inet.sin_port))
    if storage.ss_family == AF_INET6:
        inet6 = <sockaddr_in6 *>storage
        inet_ntop(AF_INET6, &inet6.sin6_addr, text, 64)
        return (text.decode("ascii"), ntohs(inet6.sin6_port), ntohl(inet6.sin6_flowinfo), inet6.sin6_scope_id)
    return ""


cpdef tuple accept(object listener, int fd):
    """A new connection of a listening socket: (descriptor, address); None when none waits. Raises `OSError`."""
    cdef sockaddr_storage storage
    cdef socklen_t length = sizeof(storage)
    memset(&storage, 0, sizeof(storage))
    cdef int connection = accept4(fd, <sockaddr *>&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC)
    if connection < 0:
        if errno == EAGAIN or errno == ECONNABORTED or errno == EINTR:
            return None
        PyErr_SetFromErrno(OSError)
    return (connection, address_of(&storage))


cpdef close(int fd):
    """Close a descriptor."""
    c_close(fd)


cpdef bint is_readable(int fd) noexcept:
    """Whether octets wait at a descriptor, or connections, or its end is there to be read."""
    cdef pollfd looker
    looker.fd = fd
    looker.events = POLLIN
    return c_poll(&looker, 1, 0) > 0 and looker.revents & POLLIN != 0


cpdef int peek(int fd) except? -2:
    """Look without reading: 1 when octets wait, 0 when none do, -1 when the peer has closed or reset."""
    cdef char octet
    cdef Py_ssize_t count = recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT)
    if count > 0:
        return 1
    return 0 if count < 0 and (errno == EAGAIN or errno == EINTR) else -1


cpdef double monotonic() noexcept:
    """Seconds of the monotonic clock."""
    cdef timespec moment
    clock_gettime(CLOCK_MONOTONIC, &moment)
    return moment.tv_sec + moment.tv_nsec * 1e-9


# Memory for the frames of greenlets. Threads end, and give theirs back, without the global lock.
cdef extern from *:
    """
    #define STACK_SIZE 16384
    #define MOST_STACKS 256

    static PyObjectArenaAllocator stacks_before;
    static void *kept_stacks;
    static int stacks_count;
    static char stacks_busy;

    static void *
    take_stack(void *context, size_t size)
    {
        /* Nobody waits here: who comes second goes to the system. */
        if (size == STACK_SIZE && !__atomic_test_and_set(&stacks_busy, __ATOMIC_ACQUIRE)) {
            void *stack = kept_stacks;
            if (stack != NULL) {
                kept_stacks = *(void **)stack;
                stacks_count--;
            }
            __atomic_clear(&stacks_busy, __ATOMIC_RELEASE);
            if (stack != NULL)
                return stack;
        }
        return stacks_before.alloc(stacks_before.ctx, size);
    }

    static void
    put_stack(void *context, void *stack, size_t size)
    {
        if (stack != NULL && size == STACK_SIZE && !__atomic_test_and_set(&stacks_busy, __ATOMIC_ACQUIRE)) {
            int kept = stacks_count < MOST_STACKS;
            if (kept) {
                *(void **)stack = kept_stacks;
                kept_stacks = stack;
                stacks_count++;
            }
            __atomic_clear(&stacks_busy, __ATOMIC_RELEASE);
            if (kept)
                return;
        }
        stacks_before.free(stacks_before.ctx, stack, size);
    }

    static void
    begin_to_keep_stacks(void)
    {
        PyObjectArenaAllocator ours = {NULL, take_stack, put_stack};
        if (stacks_before.alloc == NULL) {
            PyObject_GetArenaAllocator(&stacks_before);
            PyObject_SetArenaAllocator(&ours);
        }
    }
    """
    void begin_to_keep_stacks()


cpdef keep_stacks():
    """From now on, keep the memory in which the frames of a greenlet were (up to 256 pieces of 16 KiB) for the next one:
    Python has the system map it for each greenlet, and unmap it at its end. Calling it again changes nothing."""
    begin_to_keep_stacks()


cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(object thing)


cpdef Py_ssize_t references(object first, object second, object third) except -1:
    """How many references three objects have together; comparable among calls that are made alike."""
    return Py_REFCNT(first) + Py_REFCNT(second) + Py_REFCNT(third)


cpdef object bind(object function, object target):
    """The method `function` of `target`, without looking for it by name."""
    if target is None or not PyCallable_Check(function):
        raise TypeError("a method needs a function and an object")
    return PyMethod_New(function, target)


cpdef object call(object function, object argument, dict keywords):
    """`function(argument, **keywords)`; a function of C sees the dict itself, and not a copy."""
    if keywords is None:
        raise TypeError("a dict is needed")
    return PyObject_Call(function, (argument,), keywords)
