/* A library to preload into a server that runs under callgrind: a signal begins to count, another one ends a count.

   SIGRTMIN has callgrind look at instructions from then on; a server is started without, which is ten times faster.
   SIGRTMIN + 1 has it write down what it has counted since the last time. valgrind's own way of telling a process such
   things (vgdb) wants to trace it, which not every machine permits.

   The monotonic clock runs slower, as the server does under callgrind: it must not believe that its applications are
   slow, which changes what it does. It runs a hundredth as fast since the machine was started, so that all processes
   agree.

   And whoever is accepted has sent its request, or gone: it would be chance otherwise. */

#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#define SLOWER 100
#define SECOND 1000000000LL

static volatile sig_atomic_t wanted;

int clock_gettime(clockid_t clock, struct timespec *moment) {
    int status = (int)syscall(SYS_clock_gettime, clock, moment);
    /* Callgrind does not survive it inside of the handler. A server asks for the time whenever it has waited. */
    if (wanted) {
        wanted = 0;
        CALLGRIND_START_INSTRUMENTATION;
    }
    if (status == 0 && clock == CLOCK_MONOTONIC) {
        long long slow = (moment->tv_sec * SECOND + moment->tv_nsec) / SLOWER;
        moment->tv_sec = slow / SECOND;
        moment->tv_nsec = slow % SECOND;
    }
    return status;
}

int accept4(int listener, struct sockaddr *address, socklen_t *size, int flags) {
    struct pollfd accepted = {.events = POLLIN};
    accepted.fd = (int)syscall(SYS_accept4, listener, address, size, flags);
    if (accepted.fd >= 0)
        poll(&accepted, 1, 1000);
    return accepted.fd;
}

static void begin(int number) {
    (void)number;
    wanted = 1;
}

static void mark(int number) {
    (void)number;
    CALLGRIND_DUMP_STATS;
}

__attribute__((constructor)) static void listen_to_signals(void) {
    struct sigaction action = {.sa_flags = SA_RESTART};
    action.sa_handler = begin;
    sigaction(SIGRTMIN, &action, NULL);
    action.sa_handler = mark;
    sigaction(SIGRTMIN + 1, &action, NULL);
}
