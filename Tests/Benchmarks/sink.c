/// An HTTP/1.1 receiver that answers every request with the same small 200, for benchmarks on loopback.
///
/// One thread, one epoll, no `epoll_ctl` per request, so that the receiver is not what is measured. It binds 127.0.0.1,
/// or with `--any-host` the same port of every loopback address: as many hosts as a sender likes, for one descriptor.
/// It prints {"port":N} when it listens. It ends at end of file on its standard input (so it cannot outlive whoever
/// started it), at SIGINT or SIGTERM, and then prints what it saw as one JSON line.
///
///     sink [--port N] [--any-host] [--delay-ms N] [--spin-us N] [--stamps FILE --stamp-capacity N]
#include "stamps.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define HEAD_LIMIT 16384

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 17\r\n"
                             "\r\n"
                             "{\"received\":true}";

enum kind { LISTENER, CONNECTION, TIMER, ENDING };

/// What an epoll event points at: always the first member.
struct source {
    enum kind kind;
    int fd;
};

/// One accepted connection: a head in `buffer`, or `body_left` bytes of a body to skip, or an answer that is due later.
struct connection {
    struct source source;
    bool started; // the first byte of the current request has been seen
    bool in_body;
    bool delayed;
    uint64_t body_left;
    uint64_t due;
    struct connection *earlier, *later; // neighbours in the queue of delayed answers
    size_t used;
    char buffer[HEAD_LIMIT];
};

static struct {
    int epoll;
    uint64_t delay, spin; // nanoseconds
    struct source timer;
    struct connection *first, *last; // every delay is the same, so a queue in order of arrival is in order of time
    struct stamps *stamps;
    uint64_t requests, connections, head_bytes, body_bytes;
    uint32_t open, most_open;
} sink;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/// True when epoll can watch it; a regular file or /dev/null as standard input cannot be watched.
static bool watch(struct source *source)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };
    return epoll_ctl(sink.epoll, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

static void arm_timer(void)
{
    uint64_t due = sink.first ? sink.first->due : 0; // 0 disarms
    struct itimerspec at = { 0 };
    at.it_value.tv_sec = (time_t)(due / 1000000000u);
    at.it_value.tv_nsec = (long)(due % 1000000000u);
    timerfd_settime(sink.timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void delay_append(struct connection *connection)
{
    connection->delayed = true;
    connection->due = monotonic_nanoseconds() + sink.delay;
    connection->later = NULL;
    connection->earlier = sink.last;
    if (sink.last)
        sink.last->later = connection;
    else
        sink.first = connection;
    sink.last = connection;
    if (sink.first == connection)
        arm_timer();
}

static void delay_remove(struct connection *connection)
{
    if (connection->earlier)
        connection->earlier->later = connection->later;
    else
        sink.first = connection->later;
    if (connection->later)
        connection->later->earlier = connection->earlier;
    else
        sink.last = connection->earlier;
    connection->delayed = false;
}

static void drop(struct connection *connection)
{
    if (connection->delayed)
        delay_remove(connection);
    close(connection->source.fd);
    free(connection);
    sink.open -= 1;
}

/// The answer is far smaller than a socket buffer: what does not fit at once comes from a peer that does not read.
/// The connection is only shut down here, so that an event that is already fetched for it still finds it in memory.
static void send_answer(struct connection *connection)
{
    ssize_t sent = send(connection->source.fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != (ssize_t)sizeof answer - 1)
        shutdown(connection->source.fd, SHUT_RDWR);
}

static void request_ended(struct connection *connection)
{
    sink.requests += 1;
    connection->started = false;
    connection->in_body = false;
    if (sink.delay)
        delay_append(connection);
    else
        send_answer(connection);
}

/// The value of Content-Length in a complete head, 0 without one; false for a chunked body, which the sink cannot read.
static bool content_length(const char *head, size_t length, uint64_t *value)
{
    *value = 0;
    const char *end = head + length;
    for (const char *line = head; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t size = stop ? (size_t)(stop - line) : (size_t)(end - line);
        if (size > 15 && strncasecmp(line, "content-length:", 15) == 0)
            *value = strtoull(line + 15, NULL, 10); // stops at the line's end, which is inside the head
        if (size > 18 && strncasecmp(line, "transfer-encoding:", 18) == 0)
            return false;
        line += size + 1;
    }
    return true;
}

/// Takes as many requests as the buffer holds; false when the connection cannot go on.
static bool consume(struct connection *connection, uint64_t arrived)
{
    size_t taken = 0;
    bool good = true;
    while (good && taken < connection->used && !connection->delayed) {
        const char *start = connection->buffer + taken;
        size_t left = connection->used - taken;
        if (!connection->started) {
            connection->started = true;
            if (sink.stamps)
                stamps_add(sink.stamps, arrived);
        }
        if (!connection->in_body) {
            const char *stop = memmem(start, left, "\r\n\r\n", 4);
            if (!stop) {
                good = left < HEAD_LIMIT;
                break;
            }
            size_t head = (size_t)(stop - start) + 4;
            good = content_length(start, head, &connection->body_left);
            connection->in_body = true;
            sink.head_bytes += head;
            sink.body_bytes += connection->body_left;
            taken += head;
        } else {
            size_t part = left < connection->body_left ? left : (size_t)connection->body_left;
            connection->body_left -= part;
            taken += part;
        }
        if (good && connection->in_body && connection->body_left == 0)
            request_ended(connection);
    }
    connection->used -= taken;
    if (connection->used && taken)
        memmove(connection->buffer, connection->buffer + taken, connection->used);
    return good;
}

static void read_connection(struct connection *connection)
{
    size_t room = HEAD_LIMIT - connection->used;
    ssize_t got = room ? recv(connection->source.fd, connection->buffer + connection->used, room, MSG_DONTWAIT) : 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0) {
        connection->used += (size_t)got;
        if (consume(connection, sink.stamps ? monotonic_nanoseconds() : 0))
            return;
    }
    drop(connection);
}

static void answer_due(void)
{
    uint64_t expirations;
    if (read(sink.timer.fd, &expirations, sizeof expirations) < 0)
        return;
    uint64_t now = monotonic_nanoseconds();
    while (sink.first && sink.first->due <= now) {
        struct connection *connection = sink.first;
        delay_remove(connection);
        send_answer(connection);
        if (!consume(connection, now)) // a request that came in while the answer was held back
            shutdown(connection->source.fd, SHUT_RDWR);
    }
    arm_timer();
}

static void accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *connection = malloc(sizeof *connection); // the buffer need not be cleared
        if (!connection)
            fail("malloc");
        memset(connection, 0, offsetof(struct connection, buffer));
        connection->source = (struct source) { CONNECTION, fd };
        if (!watch(&connection->source))
            fail("epoll_ctl");
        sink.connections += 1;
        sink.open += 1;
        if (sink.open > sink.most_open)
            sink.most_open = sink.open;
    }
}

/// Binds 127.0.0.1 or all loopback addresses; `port` 0 lets the system choose. Returns the port.
static uint16_t listen_on(bool any_host, uint16_t port)
{
    static const char loopback[] = "lo";
    struct source *source = malloc(sizeof *source);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(any_host ? INADDR_ANY : INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (!source || fd < 0)
        fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Any address, but of this device alone: nothing outside the machine can connect.
    if (any_host && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, loopback, sizeof loopback) != 0)
        fail("SO_BINDTODEVICE");
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 4096) != 0)
        fail("bind");
    getsockname(fd, (struct sockaddr *)&address, &size);
    *source = (struct source) { LISTENER, fd };
    if (!watch(source))
        fail("epoll_ctl");
    return ntohs(address.sin_port);
}

/// Waits for events. With `--spin-us` it looks again and again for that long before it sleeps: while requests keep
/// coming the sender then never pays for waking the sink, which on a virtual machine costs it a quarter of a delivery
/// when the sink is idle and nothing when other work keeps the sink from running.
static int wait_for_events(struct epoll_event *events, int most)
{
    uint64_t until = sink.spin ? monotonic_nanoseconds() + sink.spin : 0;
    do {
        int count = epoll_wait(sink.epoll, events, most, sink.spin ? 0 : -1);
        if (count != 0)
            return count;
    } while (monotonic_nanoseconds() < until);
    return epoll_wait(sink.epoll, events, most, -1);
}

/// Serves until it is told to end.
static void serve(void)
{
    for (;;) {
        struct epoll_event events[256];
        int count = wait_for_events(events, 256);
        for (int i = 0; i < count; i++) {
            struct source *source = events[i].data.ptr;
            switch (source->kind) {
            case CONNECTION: read_connection((struct connection *)source); break;
            case LISTENER: accept_all(source->fd); break;
            case TIMER: answer_due(); break;
            case ENDING: {
                char ignored[256];
                if (events[i].events & (EPOLLHUP | EPOLLERR) || read(source->fd, ignored, sizeof ignored) <= 0)
                    return;
                if (source->fd != STDIN_FILENO)
                    return; // the signal
            }
            }
        }
    }
}

static long number(const char *text, const char *name, long most)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || value < 0 || value > most) {
        fprintf(stderr, "sink: --%s takes a number from 0 to %ld\n", name, most);
        exit(2);
    }
    return value;
}

int main(int count, char **arguments)
{
    static const struct option names[] = {
        { "port", required_argument, NULL, 'p' },          { "any-host", no_argument, NULL, 'a' },
        { "delay-ms", required_argument, NULL, 'd' },      { "stamps", required_argument, NULL, 's' },
        { "stamp-capacity", required_argument, NULL, 'c' }, { "spin-us", required_argument, NULL, 'S' },
        { NULL, 0, NULL, 0 },
    };
    long port = 0, delay = 0, spin = 0, capacity = 1 << 20;
    const char *stamps = NULL;
    bool any_host = false;
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        switch (name) {
        case 'p': port = number(optarg, "port", 65535); break;
        case 'a': any_host = true; break;
        case 'd': delay = number(optarg, "delay-ms", 60000); break;
        case 'S': spin = number(optarg, "spin-us", 1000); break;
        case 's': stamps = optarg; break;
        case 'c': capacity = number(optarg, "stamp-capacity", 1 << 28); break;
        default: return 2;
        }
    }

    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    sink.epoll = epoll_create1(EPOLL_CLOEXEC);
    sink.delay = (uint64_t)delay * 1000000u;
    sink.spin = (uint64_t)spin * 1000u;
    sink.timer = (struct source) { TIMER, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC) };
    struct source input = { ENDING, STDIN_FILENO };
    struct source told = { ENDING, signalfd(-1, &signals, SFD_CLOEXEC) };
    if (sink.epoll < 0 || !watch(&sink.timer) || !watch(&told))
        fail("epoll");
    watch(&input);
    if (stamps)
        sink.stamps = stamps_map(stamps, (uint32_t)capacity);

    printf("{\"port\":%u}\n", (unsigned)listen_on(any_host, (uint16_t)port));
    fflush(stdout);
    serve();
    printf("{\"requests\":%llu,\"connections\":%llu,\"mostOpen\":%u,\"headBytes\":%llu,\"bodyBytes\":%llu}\n",
        (unsigned long long)sink.requests, (unsigned long long)sink.connections, (unsigned)sink.most_open,
        (unsigned long long)sink.head_bytes, (unsigned long long)sink.body_bytes);
    return 0;
}
