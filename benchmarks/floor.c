/* The floor: the least a single-threaded epoll server can do per request, with a fixed answer.
 *
 * It looks for the end of each head and nothing else, so no real server can be cheaper; every figure of the
 * benchmarks is given as a multiple of it. Usage: floor PORT [close]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER(connection)                                                                                  \
    "HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: " connection    \
    "\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"

static const char keep[] = ANSWER("keep-alive"), last[] = ANSWER("close");
static char in[65536], out[65536];

static int heads_in(const char *data, ssize_t size)
{
    int count = 0;
    const char *at = data, *end = data + size;
    while ((at = memmem(at, end - at, "\r\n\r\n", 4)) != NULL) {
        count++;
        at += 4;
    }
    return count;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8000, closing = argc > 2 && strcmp(argv[2], "close") == 0, on = 1;
    const char *answer = closing ? last : keep;
    size_t answer_size = (closing ? sizeof last : sizeof keep) - 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event events[256], event = {.events = EPOLLIN};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poller = epoll_create1(0);

    signal(SIGPIPE, SIG_IGN);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 2048) != 0) {
        perror("floor");
        return 1;
    }
    event.data.fd = listener;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    event.data.fd = fd;
                    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            ssize_t size = recv(fd, in, sizeof in, 0);
            if (size <= 0) {
                close(fd);
                continue;
            }
            size_t filled = 0;
            for (int n = heads_in(in, size); n > 0 && filled + answer_size <= sizeof out; n--) {
                memcpy(out + filled, answer, answer_size);
                filled += answer_size;
            }
            if (filled && (send(fd, out, filled, 0) < 0 || closing))
                close(fd);
        }
    }
}
