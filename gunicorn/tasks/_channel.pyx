"""Octets and descriptors by sockets that stay, without what Python has between them and the kernel. The twin is
`_channel.py`.

How many octets there are is said by the kernel alone, and each is within the room that it was given. Calls that cannot
wait keep the interpreter's lock: giving it up costs more than they do.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memset

cdef extern from *:
    """
    #define set_errno(number) (errno = (number))
    """
    void set_errno(int number)

cdef extern from "Python.h":
    PyObject *new_octets "PyBytes_FromStringAndSize"(const char *octets, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject **octets, Py_ssize_t size) except -1

cdef extern from "<sys/time.h>" nogil:
    cdef struct timeval:
        long tv_sec
        long tv_usec

cdef extern from "<sys/uio.h>" nogil:
    cdef struct iovec:
        void *iov_base
        size_t iov_len

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    cdef struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    cdef struct cmsghdr:
        size_t cmsg_len
        int cmsg_level
        int cmsg_type
    cmsghdr *CMSG_FIRSTHDR(msghdr *message)
    cmsghdr *CMSG_NXTHDR(msghdr *message, cmsghdr *each)
    unsigned char *CMSG_DATA(cmsghdr *each)
    size_t CMSG_LEN(size_t length)
    Py_ssize_t recvmsg(int fd, msghdr *message, int flags)
    Py_ssize_t c_send "send"(int fd, const void *buffer, size_t size, int flags)
    int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
    enum: MSG_DONTWAIT, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC, SOL_SOCKET, SO_RCVTIMEO

cdef enum:
    # What is not asked to wait is received here, and copied: no more than it is. Only one thread can be in it, since
    # nobody gives up the lock meanwhile.
    AT_ONCE = 65536
    # Words of eight octets: for 16 descriptors, whatever `CMSG_SPACE` is, and more.
    CONTROL = 32
    FOREVER = -1

cdef unsigned char[AT_ONCE] room


cdef list besides(msghdr *message):
    """What has come besides octets, as `socket.recvmsg` tells it."""
    cdef list found = []
    cdef cmsghdr *each = CMSG_FIRSTHDR(message)
    cdef size_t begin = CMSG_LEN(0), length, there
    while each != NULL:
        there = <size_t>(<unsigned char *>message.msg_control + message.msg_controllen - <unsigned char *>each)
        length = each.cmsg_len
        if length < begin or length > there:
            break
        found.append((
            each.cmsg_level, each.cmsg_type, PyBytes_FromStringAndSize(<char *>CMSG_DATA(each), length - begin)
        ))
        each = CMSG_NXTHDR(message, each)
    return found


cdef class Receiver:
    """What comes by `sock`, for one thread at a time. The socket keeps how long it waits."""

    def __init__(self, sock):
        self._sock = sock
        # As a socket is born.
        self._seconds = FOREVER

    cpdef object receive(self, Py_ssize_t size, object seconds):
        """Up to `size` octets, none at the end, and what recvmsg(2) brings besides them. Waits for so many seconds
        (0.0: not at all, None: for ever); None where nothing has come, be it that a signal was faster. Raises OSError,
        and ValueError for what is no size and no number of seconds.
        """
        cdef int fd = self._sock.fileno()
        cdef double wanted = FOREVER if seconds is None else seconds
        if not 0 < size < <Py_ssize_t>1 << 31:
            raise ValueError("no room for octets")
        if wanted != wanted:
            raise ValueError("no number of seconds")
        if seconds is not None and not wanted > 0.0:
            return received_at_once(fd, min(size, AT_ONCE))
        if wanted != self._seconds:
            wait_for(fd, wanted)
            self._seconds = wanted
        return received(fd, size)


cdef int wait_for(int fd, double seconds) except -1:
    """Have the kernel wait for so long."""
    cdef timeval limit
    limit.tv_sec = limit.tv_usec = 0
    if seconds > 0.0:
        seconds = min(seconds, 1e9)
        limit.tv_sec = <long>seconds
        # None at all would be for ever.
        limit.tv_usec = max(<long>((seconds - limit.tv_sec) * 1e6), <long>(limit.tv_sec == 0))
    if setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0:
        PyErr_SetFromErrno(OSError)
    return 0


cdef void begin(msghdr *message, iovec *part, void *octets, size_t size, unsigned char *control) noexcept nogil:
    memset(message, 0, sizeof(msghdr))
    part.iov_base = octets
    part.iov_len = size
    message.msg_iov = part
    message.msg_iovlen = 1
    message.msg_control = control
    message.msg_controllen = CONTROL * 8


cdef object received_at_once(int fd, Py_ssize_t size):
    cdef unsigned long long[CONTROL] control
    cdef msghdr message
    cdef iovec part
    begin(&message, &part, room, <size_t>size, <unsigned char *>control)
    cdef Py_ssize_t count = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)
    if count < 0:
        return nothing(errno)
    return (
        PyBytes_FromStringAndSize(<char *>room, count), None if message.msg_controllen == 0 else besides(&message)
    )


cdef object received(int fd, Py_ssize_t size):
    cdef unsigned long long[CONTROL] control
    cdef msghdr message
    cdef iovec part
    cdef Py_ssize_t count
    cdef int number
    cdef PyObject *octets = new_octets(NULL, size)
    begin(&message, &part, PyBytes_AS_STRING(<bytes>octets), <size_t>size, <unsigned char *>control)
    with nogil:
        count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC)
        number = errno
    if count < 0:
        Py_DECREF(<object>octets)
        return nothing(number)
    # What raises here has let go of them.
    _PyBytes_Resize(&octets, count)
    found = <object>octets
    Py_DECREF(found)
    return found, None if message.msg_controllen == 0 else besides(&message)


cdef object nothing(int number):
    """Nothing has come: where that is an error, it is raised."""
    if number == EINTR:
        PyErr_CheckSignals()
        return None
    if number != EAGAIN:
        set_errno(number)
        PyErr_SetFromErrno(OSError)
    return None


cpdef Py_ssize_t send(object sock, bytes octets) except? -2:
    """Send octets without waiting; how many the kernel took, -1 when it takes none now. Raises OSError."""
    cdef int fd
    cdef Py_ssize_t count
    if octets is None:
        raise TypeError("octets are needed")
    fd = sock.fileno()
    count = c_send(fd, PyBytes_AS_STRING(octets), PyBytes_GET_SIZE(octets), MSG_DONTWAIT | MSG_NOSIGNAL)
    if count >= 0:
        return count
    if errno == EAGAIN or errno == EINTR:
        return -1
    PyErr_SetFromErrno(OSError)
