/* The load for WebSocket servers: many connections in one thread, each with one message under way at a time.
 *
 * Usage: websocket_load MODE PORT CONNECTIONS SIZE text|binary
 *
 *   echo       every connection sends a message, waits for the same one to come back, and sends the next
 *   broadcast  the first connection sends a message; when every connection has got it, it sends the next
 *   idle       nothing is sent
 *
 * All connections are opened first; then "ready CONNECTIONS" is printed. Each line "run SECONDS" on standard input
 * starts a load and is answered, once the last message under way is back, by
 * "result MESSAGES SECONDS P50 P99 ERRORS" with the times in microseconds; a message of a broadcast counts once for
 * each connection that got it. The end of standard input ends the program. Pings are answered at any time, so
 * idle connections stay open. No extension is offered, so nobody compresses.
 *
 * Frames are masked as clients must, with one key, prepared once: the server has the full work of unmasking and this
 * program has none that would make it the bottleneck.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The key of RFC 6455's own example, whose answer is known, so that checking it needs no SHA-1. */
#define REQUEST                                                                                             \
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                    \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define ACCEPTED "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define SECOND 1000000000ull
/* After the end of a load the messages under way have so long to come back. */
#define DRAIN (5 * SECOND)
/* A histogram of nanoseconds: for each power of two as many buckets, so that none is wider than 1/64 of its value. */
#define FINE 64
#define MOST_BUCKETS (64 * FINE)

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum mode { ECHO, BROADCAST, IDLE };

struct connection {
    int fd;
    int waiting;           /* for the echo, or for this delivery of the broadcast */
    int writing;           /* the kernel did not take the whole frame */
    size_t sent;
    uint64_t began;
    unsigned char head[10]; /* of the frame that arrives: a server's has no mask */
    size_t head_size;
    uint64_t left;         /* of its payload */
    size_t got;            /* of the message, over all its frames */
    unsigned char control[125];
    size_t control_size;
};

static enum mode mode;
static int poller, count, alive, opcode;
static size_t size, frame_size;
static unsigned char *frame, *payload;
static unsigned char in[1 << 18];
static struct connection *connections;
static uint64_t buckets[MOST_BUCKETS], messages, errors, stop_at, broadcast_began;
static int outstanding;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void give_up(const char *what)
{
    fprintf(stderr, "websocket_load: %s (%s)\n", what, errno ? strerror(errno) : "no error of the system");
    exit(1);
}

/* The histogram. */

static size_t bucket_of(uint64_t value)
{
    if (value < FINE)
        return value;
    int power = 63 - __builtin_clzll(value) - 6;
    return (size_t)(power + 1) * FINE + ((value >> power) - FINE);
}

static double value_of(size_t bucket)
{
    return bucket < FINE ? (double)bucket : (double)((bucket % FINE + FINE) << (bucket / FINE - 1));
}

static double percentile(double share)
{
    uint64_t wanted = (uint64_t)(messages * share), seen = 0;
    for (size_t i = 0; i < MOST_BUCKETS; i++) {
        seen += buckets[i];
        if (seen > wanted)
            return value_of(i) / 1e3;
    }
    return 0;
}

/* Sending. */

static void watch(struct connection *connection, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(poller, operation, connection->fd, &event);
}

static void lose(struct connection *connection)
{
    if (connection->fd < 0)
        return;
    close(connection->fd);
    connection->fd = -1;
    errors++;
    alive--;
    if (connection->waiting) {
        connection->waiting = 0;
        outstanding--;
    }
}

static void push(struct connection *connection)
{
    while (connection->sent < frame_size) {
        ssize_t took =
            send(connection->fd, frame + connection->sent, frame_size - connection->sent, MSG_NOSIGNAL);
        if (took < 0) {
            if (errno != EAGAIN) {
                lose(connection);
            } else if (!connection->writing) {
                connection->writing = 1;
                watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            }
            return;
        }
        connection->sent += took;
    }
    if (connection->writing) {
        connection->writing = 0;
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    }
}

static void start(struct connection *connection)
{
    connection->sent = 0;
    push(connection);
}

static void start_echo(struct connection *connection)
{
    connection->waiting = 1;
    outstanding++;
    connection->began = now();
    start(connection);
}

static void start_broadcast(void)
{
    struct connection *sender = NULL;
    for (int i = 0; i < count; i++) {
        if (connections[i].fd < 0)
            continue;
        connections[i].waiting = 1;
        outstanding++;
        sender = sender ? sender : &connections[i];
    }
    broadcast_began = now();
    if (sender)
        start(sender);
}

static void pong(struct connection *connection)
{
    /* Masked with a key of zeros, which leaves the bytes as they are. */
    unsigned char answer[6 + 125] = {0x80 | PONG, 0x80 | connection->control_size};
    memcpy(answer + 6, connection->control, connection->control_size);
    /* In the middle of a frame it would spoil the stream; the server asks again. */
    if (!connection->writing)
        send(connection->fd, answer, 6 + connection->control_size, MSG_NOSIGNAL);
}

/* Receiving. */

static void arrived(struct connection *connection)
{
    uint64_t began = mode == ECHO ? connection->began : broadcast_began, time = now();
    if (connection->got != size || !connection->waiting) {
        errno = 0;
        lose(connection);
        return;
    }
    connection->got = 0;
    connection->waiting = 0;
    outstanding--;
    messages++;
    buckets[bucket_of(time - began)]++;
    if (time >= stop_at)
        return;
    if (mode == ECHO)
        start_echo(connection);
    else if (outstanding == 0)
        start_broadcast();
}

static size_t head_length(const struct connection *connection)
{
    if (connection->head_size < 2)
        return 2;
    int length = connection->head[1] & 127;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

static uint64_t payload_length(const struct connection *connection)
{
    int length = connection->head[1] & 127;
    uint64_t total = 0;
    if (length < 126)
        return length;
    for (size_t i = 2; i < head_length(connection); i++)
        total = total << 8 | connection->head[i];
    return total;
}

static void take_control(struct connection *connection, const unsigned char *data, size_t length)
{
    if (connection->control_size + length <= sizeof connection->control) {
        memcpy(connection->control + connection->control_size, data, length);
        connection->control_size += length;
    }
}

static void take_message(struct connection *connection, const unsigned char *data, size_t length)
{
    if (connection->got + length > size || memcmp(payload + connection->got, data, length) != 0)
        lose(connection);
    connection->got += length;
}

static void end_frame(struct connection *connection)
{
    int kind = connection->head[0] & 15, final = connection->head[0] & 0x80;
    connection->head_size = 0;
    if (kind == CLOSE)
        lose(connection);
    else if (kind == PING)
        pong(connection);
    else if (kind != PONG && final)
        arrived(connection);
}

static void parse(struct connection *connection, const unsigned char *data, size_t length)
{
    while (length > 0 && connection->fd >= 0) {
        if (connection->head_size < head_length(connection)) {
            connection->head[connection->head_size++] = *data++;
            length--;
            if (connection->head_size < head_length(connection))
                continue;
            connection->left = payload_length(connection);
            connection->control_size = 0;
        }
        size_t part = connection->left < length ? connection->left : length;
        if ((connection->head[0] & 15) >= CLOSE)
            take_control(connection, data, part);
        else
            take_message(connection, data, part);
        data += part;
        length -= part;
        connection->left -= part;
        if (connection->left == 0 && connection->fd >= 0)
            end_frame(connection);
    }
}

static void readable(struct connection *connection)
{
    ssize_t length = recv(connection->fd, in, sizeof in, 0);
    if (length > 0)
        parse(connection, in, length);
    else if (length == 0 || errno != EAGAIN)
        lose(connection);
}

/* One turn; 1 when a command waits on standard input. */
static int turn(int timeout)
{
    struct epoll_event events[512];
    int commanded = 0, ready = epoll_wait(poller, events, 512, timeout);
    for (int i = 0; i < ready; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection == NULL) {
            commanded = 1;
            continue;
        }
        if (connection->fd >= 0 && events[i].events & EPOLLOUT)
            push(connection);
        if (connection->fd >= 0 && events[i].events & ~EPOLLOUT)
            readable(connection);
    }
    return commanded;
}

/* Opening. */

static void open_connection(struct connection *connection, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 10};
    int on = 1, fd = connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    char answer[4096], *end = NULL;
    ssize_t filled = 0;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        give_up("a connection was not taken");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) < 0)
        give_up("a handshake could not be sent");
    while (end == NULL) {
        ssize_t length = recv(fd, answer + filled, sizeof answer - 1 - filled, 0);
        if (length <= 0)
            give_up("a handshake was not answered");
        filled += length;
        answer[filled] = 0;
        end = strstr(answer, "\r\n\r\n");
    }
    errno = 0;
    if (strncmp(answer, "HTTP/1.1 101", 12) != 0 || strstr(answer, ACCEPTED) == NULL)
        give_up("a handshake was refused");
    if (strcasestr(answer, "sec-websocket-extensions") != NULL)
        give_up("an extension was agreed that nobody had offered");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watch(connection, EPOLLIN, EPOLL_CTL_ADD);
    alive++;
    parse(connection, (unsigned char *)end + 4, answer + filled - (end + 4));
}

static void prepare_frame(void)
{
    static const unsigned char key[4] = {0x5a, 0xc3, 0x1e, 0x97};
    size_t head = 0;
    payload = malloc(size);
    frame = malloc(size + 14);
    frame[head++] = 0x80 | opcode;
    if (size < 126) {
        frame[head++] = 0x80 | size;
    } else if (size < 65536) {
        frame[head++] = 0x80 | 126;
        frame[head++] = size >> 8;
        frame[head++] = size;
    } else {
        frame[head++] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            frame[head++] = (uint64_t)size >> shift;
    }
    memcpy(frame + head, key, 4);
    head += 4;
    for (size_t i = 0; i < size; i++) {
        payload[i] = opcode == TEXT ? 'a' + i % 26 : i * 131 >> 3;
        frame[head + i] = payload[i] ^ key[i % 4];
    }
    frame_size = head + size;
}

/* Loads. */

static void run(double seconds)
{
    uint64_t began = now(), ended;
    memset(buckets, 0, sizeof buckets);
    messages = errors = 0;
    stop_at = began + (uint64_t)(seconds * SECOND);
    for (int i = 0; mode == ECHO && i < count; i++)
        if (connections[i].fd >= 0)
            start_echo(&connections[i]);
    if (mode == BROADCAST)
        start_broadcast();
    while ((ended = now()) < stop_at || outstanding > 0) {
        turn(10);
        if (ended > stop_at + DRAIN || alive == 0)
            break;
    }
    ended = now();
    errors += outstanding;
    printf("result %llu %.6f %.1f %.1f %llu\n", (unsigned long long)messages, (double)(ended - began) / SECOND,
           percentile(0.5), percentile(0.99), (unsigned long long)errors);
    fflush(stdout);
}

/* Reads what commands there are; 0 at the end of standard input. */
static int obey(void)
{
    char line[64];
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    double seconds;
    if (length <= 0)
        return 0;
    line[length] = 0;
    if (sscanf(line, "run %lf", &seconds) == 1)
        run(seconds);
    return 1;
}

int main(int argc, char **argv)
{
    static const char *modes[] = {"echo", "broadcast", "idle"};
    struct epoll_event commands = {.events = EPOLLIN};
    if (argc != 6)
        give_up("MODE PORT CONNECTIONS SIZE text|binary");
    while (mode < IDLE && strcmp(modes[mode], argv[1]) != 0)
        mode++;
    count = atoi(argv[3]);
    size = strtoul(argv[4], NULL, 10);
    opcode = strcmp(argv[5], "text") == 0 ? TEXT : BINARY;
    poller = epoll_create1(0);
    connections = calloc(count, sizeof *connections);
    prepare_frame();
    for (int i = 0; i < count; i++)
        open_connection(&connections[i], atoi(argv[2]));
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &commands);
    printf("ready %d\n", alive);
    fflush(stdout);
    for (;;)
        if (turn(-1) && !obey())
            return 0;
}
