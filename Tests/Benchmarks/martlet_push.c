/// `push`: how fast `--threads` threads can push, with or without a journal. Nothing is waited for.
///
/// With `--no-match` no webhook wants the events; otherwise one webhook wants each, whose receiver holds every answer back
/// (start the sink with `--delay-ms`), so that after the first deliveries in flight the lane takes events in but sends
/// nothing. With `--batch` one call pushes so many whole events; how their text is made is not measured.
#include "martlet_bench.h"

#include "martlet_host.h"
#include "measure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/// One thread that pushes. It waits at the barrier before, between and behind its warm-up and its measured part.
struct pusher {
    pthread_t thread;
    pthread_barrier_t *barrier;
    const struct host *host;
    long warm_up, count; // calls
    char *lines; // of one call, where there is more than one event in it
    size_t size;
    double thread_seconds;
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
    struct moment from = moment_now();
    push(pusher, pusher->count);
    struct moment to = moment_now();
    pusher->thread_seconds = to.thread - from.thread;
    pthread_barrier_wait(pusher->barrier);
    return NULL;
}

void measure_pushes(const struct options *options)
{
    long each = (long)options->threads * options->batch; // events, when every thread makes one call
    long calls = (options->count + each - 1) / each, warm_up = (options->warm_up + each - 1) / each;
    struct host host = host_open(options, (calls + warm_up) * each);
    host_add_webhooks(&host);

    pthread_barrier_t barrier;
    struct pusher *pushers = calloc((size_t)options->threads, sizeof *pushers);
    if (!pushers || pthread_barrier_init(&barrier, NULL, (unsigned)options->threads + 1) != 0)
        exit(1);
    for (int i = 0; i < options->threads; i++) {
        struct pusher *pusher = &pushers[i];
        *pusher = (struct pusher) { .barrier = &barrier, .host = &host, .warm_up = warm_up, .count = calls };
        if (options->batch > 1)
            pusher->lines = host_lines(&host, 0, options->batch, &pusher->size);
        if (pthread_create(&pusher->thread, NULL, run, pusher) != 0)
            exit(1);
    }
    pthread_barrier_wait(&barrier);
    struct moment from = moment_now();
    pthread_barrier_wait(&barrier);
    struct moment to = moment_now();
    from.thread = to.thread = 0;
    for (int i = 0; i < options->threads; i++) {
        pthread_join(pushers[i].thread, NULL);
        to.thread += pushers[i].thread_seconds;
        free(pushers[i].lines);
    }
    print_pushes(calls * each, from, to);
    pthread_barrier_destroy(&barrier);
    free(pushers);
    host_end(&host);
}
