/// `push`: how fast `--threads` threads can push, with or without a journal. Nothing is waited for.
///
/// With `--no-match` no webhook wants the events; otherwise one webhook wants each, whose receiver holds every answer
/// back (start the sink with `--delay-ms`), so that after the first deliveries in flight the lane takes events in but
/// sends nothing. With `--batch` one call pushes so many whole events; how their text is made is not measured.
///
/// `copy`: the least that any queue in memory does, to compare with: a block from malloc, the event copied into it,
/// and its place in a list behind a lock. Nobody takes anything out.
#include "martlet_bench.h"

#include "martlet_host.h"
#include "measure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// One thread that pushes. Between its warm-up and its measured part it waits for the others.
struct pusher {
    pthread_t thread;
    pthread_barrier_t *barrier;
    const struct host *host;
    long warm_up, count; // calls
    const char *lines; // of one call, where there is more than one event in it
    size_t size;
    struct moment from, to;
};

static void push(const struct pusher *pusher, long calls)
{
    int batch = pusher->host->options->batch;
    for (long i = 0; i < calls; i++) {
        if (batch > 1)
            api_push_lines(pusher->host->engine, pusher->lines, pusher->size, batch);
        else
            host_push(pusher->host, i);
    }
}

static void *run(void *argument)
{
    struct pusher *pusher = argument;
    push(pusher, pusher->warm_up);
    pthread_barrier_wait(pusher->barrier);
    pusher->from = moment_now();
    push(pusher, pusher->count);
    pusher->to = moment_now();
    return NULL;
}

/// From the first start to the last end, with the CPU of the pushing threads added up.
static void print(const struct pusher *pushers, int threads, long pushes)
{
    struct moment from = pushers[0].from, to = pushers[0].to;
    for (int i = 1; i < threads; i++) {
        if (pushers[i].from.clock < from.clock) {
            double thread = from.thread;
            from = pushers[i].from;
            from.thread = thread;
        }
        if (pushers[i].to.clock > to.clock) {
            double thread = to.thread;
            to = pushers[i].to;
            to.thread = thread;
        }
        to.thread += pushers[i].to.thread - pushers[i].from.thread;
    }
    print_pushes(pushes, from, to);
}

void measure_pushes(const struct options *options)
{
    long each = (long)options->threads * options->batch; // events, when every thread makes one call
    long calls = (options->count + each - 1) / each, warm_up = (options->warm_up + each - 1) / each;
    struct host host = host_open(options, (calls + warm_up) * each);
    host_add_webhooks(&host);
    size_t size = 0;
    char *lines = options->batch > 1 ? host_lines(&host, options->batch, &size) : NULL;

    pthread_barrier_t barrier;
    struct pusher *pushers = calloc((size_t)options->threads, sizeof *pushers);
    if (!pushers || pthread_barrier_init(&barrier, NULL, (unsigned)options->threads) != 0)
        exit(1);
    for (int i = 0; i < options->threads; i++) {
        pushers[i] = (struct pusher) {
            .barrier = &barrier, .host = &host, .warm_up = warm_up, .count = calls, .lines = lines, .size = size,
        };
        // The first is this thread: glibc gives it memory in larger pieces than it gives others.
        if (i > 0 && pthread_create(&pushers[i].thread, NULL, run, &pushers[i]) != 0)
            exit(1);
    }
    run(&pushers[0]);
    for (int i = 1; i < options->threads; i++)
        pthread_join(pushers[i].thread, NULL);
    print(pushers, options->threads, calls * each);
    pthread_barrier_destroy(&barrier);
    free(pushers);
    free(lines);
    host_end(&host);
}

struct copy {
    struct copy *next;
    size_t size;
    char data[];
};

void measure_copies(const struct options *options)
{
    size_t size;
    char *data = file_read(options->data, &size);
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct copy *first = NULL, **last = &first;
    struct moment from = moment_now();
    for (long i = -options->warm_up; i < options->count; i++) {
        if (i == 0)
            from = moment_now();
        struct copy *copy = malloc(sizeof *copy + size);
        if (!copy)
            exit(1);
        *copy = (struct copy) { .size = size };
        memcpy(copy->data, data, size);
        pthread_mutex_lock(&lock);
        *last = copy;
        last = &copy->next;
        pthread_mutex_unlock(&lock);
    }
    print_pushes(options->count, from, moment_now());
    while (first) {
        struct copy *next = first->next;
        free(first);
        first = next;
    }
    free(data);
}
