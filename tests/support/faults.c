/* A library to preload: system calls on one client's socket fail, and on nobody else's.

   A client that connects from 127.CALL.ERRNO.NTH has the NTH call of the kind CALL (see `calls`) on its connection fail
   with ERRNO; with NTH 255 every call does. All other addresses are left alone, so one server can have a client that is
   served throughout beside any number of unlucky ones. A client from 127.100.0.0/16 has none of them fail: they are
   counted, and a line with their numbers, in the order of `calls`, is appended to the file COUNTED_CALLS when its
   connection is closed. Only what the process calls through its dynamic symbols is seen,
   which is what Python and compiled extensions do. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum calls { NONE, RECV, SEND, SENDFILE, EPOLL_ADD, SHUTDOWN, SETSOCKOPT, ACCEPT, DUP, CLOSE };

#define COUNTED 100
#define MOST 4096
static unsigned char counts[MOST][16];

/* Whether this call on this descriptor is to fail; errno is set then. */
static int fails(int fd, enum calls call) {
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    int before = errno;
    if (fd < 0 || fd >= MOST)
        return 0;
    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0 || peer.sin_family != AF_INET) {
        errno = before;
        return 0;
    }
    errno = before;
    unsigned char *octets = (unsigned char *)&peer.sin_addr.s_addr;
    if (octets[1] == COUNTED)
        ++counts[fd][call];
    if (octets[1] != call || octets[2] == 0)
        return 0;
    if (octets[3] != 255 && ++counts[fd][call] != octets[3])
        return 0;
    errno = octets[2];
    return 1;
}

#define REAL(name) ({ static __typeof__(&name) found; if (!found) found = dlsym(RTLD_NEXT, #name); found; })

ssize_t recv(int fd, void *data, size_t size, int flags) {
    return fails(fd, RECV) ? -1 : REAL(recv)(fd, data, size, flags);
}

ssize_t read(int fd, void *data, size_t size) {
    return fails(fd, RECV) ? -1 : REAL(read)(fd, data, size);
}

ssize_t readv(int fd, const struct iovec *parts, int count) {
    return fails(fd, RECV) ? -1 : REAL(readv)(fd, parts, count);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    return fails(fd, SEND) ? -1 : REAL(send)(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    return fails(fd, SEND) ? -1 : REAL(sendmsg)(fd, message, flags);
}

ssize_t write(int fd, const void *data, size_t size) {
    return fails(fd, SEND) ? -1 : REAL(write)(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return fails(fd, SEND) ? -1 : REAL(writev)(fd, parts, count);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t count) {
    return fails(to, SENDFILE) ? -1 : REAL(sendfile)(to, from, offset, count);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    return operation == EPOLL_CTL_ADD && fails(fd, EPOLL_ADD) ? -1 : REAL(epoll_ctl)(epoll, operation, fd, event);
}

int shutdown(int fd, int how) {
    return fails(fd, SHUTDOWN) ? -1 : REAL(shutdown)(fd, how);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    return fails(fd, SETSOCKOPT) ? -1 : REAL(setsockopt)(fd, level, name, value, size);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
    int taken = REAL(accept4)(fd, address, size, flags);
    if (taken < 0)
        return taken;
    if (taken < MOST)
        memset(counts[taken], 0, sizeof counts[taken]);
    if (fails(taken, ACCEPT)) {
        int reason = errno;
        REAL(close)(taken);
        errno = reason;
        return -1;
    }
    return taken;
}

int fcntl64(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return fails(fd, DUP) ? -1 : REAL(fcntl64)(fd, command, argument);
}

/* Write down what has been called on this connection, if it is of one whose calls are counted. */
static void tell(int fd) {
    char line[64];
    int size = 0;
    const char *path = getenv("COUNTED_CALLS");
    if (fd < 0 || fd >= MOST || !counts[fd][CLOSE] || !path)
        return;
    for (int call = RECV; call <= CLOSE; call++)
        size += snprintf(line + size, sizeof line - size, "%d%c", counts[fd][call], call == CLOSE ? '\n' : ' ');
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file >= 0) {
        REAL(write)(file, line, size);
        REAL(close)(file);
    }
}

int close(int fd) {
    int broken = fails(fd, CLOSE), reason = errno;
    if (fd >= 0 && fd < MOST && counts[fd][ACCEPT]) {
        /* Of one whose client has reset it nobody says any more from where it came. */
        counts[fd][CLOSE] = 1;
        tell(fd);
        memset(counts[fd], 0, sizeof counts[fd]);
    }
    int result = REAL(close)(fd);
    if (broken) {
        errno = reason;
        return -1;
    }
    return result;
}
