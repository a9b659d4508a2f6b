#define _GNU_SOURCE
#include "receiver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 256, BUFFER = 65536 };

struct connection {
    int fd;
    size_t used;
    char *buffer;
};

struct receiver {
    int listener;
    int port;
    int stop[2];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t counts[PATH_COUNT];
    size_t faults;
    size_t connections;
    struct connection list[MAX_CONNECTIONS];
};

static const char *const path_names[PATH_COUNT] = {"/ok", "/down", "/flaky", "/hang"};

static void must(int condition, const char *what) {
    if (condition) return;
    perror(what);
    exit(2);
}

/* Whether the head of a request names a header. */
static int has_header(const char *head, const char *name) {
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, strlen(name)) == 0 && line[2 + strlen(name)] == ':') return 1;
    }
    return 0;
}

static size_t content_length(const char *head) {
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, "content-length:", 15) == 0) return strtoul(line + 17, NULL, 10);
    }
    return 0;
}

static void answer(receiver_t *receiver, struct connection *connection, const char *head, const char *body) {
    receiver_path_t path = PATH_OK;
    while (path < PATH_COUNT) {
        size_t length = strlen(path_names[path]);
        if (strncmp(head, "POST ", 5) == 0 && strncmp(head + 5, path_names[path], length) == 0) break;
        path++;
    }
    int status = 404;
    pthread_mutex_lock(&receiver->lock);
    if (path < PATH_COUNT) {
        receiver->counts[path]++;
        status = path == PATH_DOWN || (path == PATH_FLAKY && receiver->counts[path] == 1) ? 503 : 200;
    }
    if (!has_header(head, "webhook-id") || !has_header(head, "webhook-timestamp") ||
        !has_header(head, "webhook-signature") || body[0] != '{') {
        receiver->faults++;
    }
    pthread_cond_broadcast(&receiver->changed);
    pthread_mutex_unlock(&receiver->lock);
    if (path == PATH_HANG) return;
    char text[128];
    int length = snprintf(text, sizeof text, "HTTP/1.1 %d Status\r\ncontent-length: 2\r\n\r\nhi", status);
    /* A sender that went away is not the receiver's failure. */
    if (send(connection->fd, text, (size_t)length, MSG_NOSIGNAL) < 0 && errno != EPIPE) return;
}

/* Takes whole requests off the front of what was received. */
static void take_requests(receiver_t *receiver, struct connection *connection) {
    for (;;) {
        connection->buffer[connection->used] = 0;
        char *end = strstr(connection->buffer, "\r\n\r\n");
        if (end == NULL) return;
        size_t head = (size_t)(end - connection->buffer) + 4;
        size_t total = head + content_length(connection->buffer);
        if (connection->used < total) return;
        end[2] = 0;
        answer(receiver, connection, connection->buffer, connection->buffer + head);
        connection->used -= total;
        memmove(connection->buffer, connection->buffer + total, connection->used);
    }
}

static void drop(receiver_t *receiver, size_t index) {
    close(receiver->list[index].fd);
    free(receiver->list[index].buffer);
    receiver->list[index] = receiver->list[--receiver->connections];
}

static void *serve(void *context) {
    receiver_t *receiver = context;
    struct pollfd fds[MAX_CONNECTIONS + 2];
    for (;;) {
        fds[0] = (struct pollfd){.fd = receiver->stop[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = receiver->listener, .events = POLLIN};
        for (size_t i = 0; i < receiver->connections; i++) {
            fds[i + 2] = (struct pollfd){.fd = receiver->list[i].fd, .events = POLLIN};
        }
        if (poll(fds, receiver->connections + 2, -1) < 0) continue;
        if (fds[0].revents != 0) break;
        /* Backwards, so that a dropped one is replaced by one that was looked at. */
        for (size_t i = receiver->connections; i-- > 0;) {
            if (fds[i + 2].revents == 0) continue;
            struct connection *connection = &receiver->list[i];
            ssize_t got = recv(connection->fd, connection->buffer + connection->used,
                               BUFFER - 1 - connection->used, 0);
            if (got <= 0) {
                drop(receiver, i);
                continue;
            }
            connection->used += (size_t)got;
            take_requests(receiver, connection);
        }
        if (fds[1].revents != 0 && receiver->connections < MAX_CONNECTIONS) {
            int fd = accept4(receiver->listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0) receiver->list[receiver->connections++] = (struct connection){fd, 0, malloc(BUFFER)};
        }
    }
    while (receiver->connections > 0) drop(receiver, 0);
    return NULL;
}

receiver_t *receiver_start(void) {
    receiver_t *receiver = calloc(1, sizeof *receiver);
    must(receiver != NULL, "calloc");
    receiver->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    must(bind(receiver->listener, (struct sockaddr *)&address, length) == 0, "bind");
    must(listen(receiver->listener, 128) == 0, "listen");
    must(getsockname(receiver->listener, (struct sockaddr *)&address, &length) == 0, "getsockname");
    receiver->port = ntohs(address.sin_port);
    must(pipe2(receiver->stop, O_CLOEXEC) == 0, "pipe2");
    pthread_mutex_init(&receiver->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&receiver->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    must(pthread_create(&receiver->thread, NULL, serve, receiver) == 0, "pthread_create");
    return receiver;
}

void receiver_stop(receiver_t *receiver) {
    must(write(receiver->stop[1], "x", 1) == 1, "write");
    pthread_join(receiver->thread, NULL);
    close(receiver->stop[0]);
    close(receiver->stop[1]);
    close(receiver->listener);
    pthread_mutex_destroy(&receiver->lock);
    pthread_cond_destroy(&receiver->changed);
    free(receiver);
}

int receiver_port(const receiver_t *receiver) {
    return receiver->port;
}

size_t receiver_count(receiver_t *receiver, receiver_path_t path) {
    pthread_mutex_lock(&receiver->lock);
    size_t count = receiver->counts[path];
    pthread_mutex_unlock(&receiver->lock);
    return count;
}

int receiver_wait(receiver_t *receiver, receiver_path_t path, size_t count) {
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += 30;
    int result = 0;
    pthread_mutex_lock(&receiver->lock);
    while (receiver->counts[path] < count && result == 0) {
        result = pthread_cond_timedwait(&receiver->changed, &receiver->lock, &deadline);
    }
    pthread_mutex_unlock(&receiver->lock);
    return result == 0;
}

size_t receiver_faults(receiver_t *receiver) {
    pthread_mutex_lock(&receiver->lock);
    size_t faults = receiver->faults;
    pthread_mutex_unlock(&receiver->lock);
    return faults;
}
