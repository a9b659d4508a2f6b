/* Eight threads inside calls while another closes or frees the engine under them. */
#define _GNU_SOURCE
#include <pthread.h>

#include "host.h"

enum { THREADS = 8 };

static receiver_t *receiver;

struct shared {
    martlet_engine_t engine;
    pthread_barrier_t start;
    unsigned long accepted;
    unsigned long polled;
};

/* Pushes until the engine ends. Nothing but these codes may come. */
static void *push_until_closed(void *context) {
    struct shared *shared = context;
    char error[MARTLET_ERROR_SIZE];
    pthread_barrier_wait(&shared->start);
    for (;;) {
        int32_t status = push_text(shared->engine, "{\"n\":1}", 1, NULL, error);
        if (status == MARTLET_ERROR_CLOSED) return NULL;
        if (status == MARTLET_OK) {
            __atomic_add_fetch(&shared->accepted, 1, __ATOMIC_RELAXED);
        } else {
            CHECK_STATUS(MARTLET_ERROR_QUEUE_FULL, status);
            sched_yield();
        }
    }
}

/* Polls until the handle is freed. */
static void *poll_until_freed(void *context) {
    struct shared *shared = context;
    martlet_outcome_t outcomes[64];
    pthread_barrier_wait(&shared->start);
    for (;;) {
        size_t count = 0;
        int32_t status = martlet_outcomes_poll(shared->engine, outcomes, sizeof outcomes[0], 64, &count);
        if (status == MARTLET_ERROR_CLOSED) return NULL;
        CHECK_STATUS(MARTLET_OK, status);
        __atomic_add_fetch(&shared->polled, count, __ATOMIC_RELAXED);
        if (count == 0) sched_yield();
    }
}

static void *read_until_freed(void *context) {
    struct shared *shared = context;
    pthread_barrier_wait(&shared->start);
    for (;;) {
        char *json = NULL;
        int32_t status = martlet_engine_stats_json(shared->engine, &json, NULL);
        martlet_free(json);
        if (status == MARTLET_ERROR_CLOSED) return NULL;
        CHECK_STATUS(MARTLET_OK, status);
        int32_t fd = -1;
        status = martlet_log_fd(shared->engine, MARTLET_LOG_DEBUG, &fd);
        if (status == MARTLET_ERROR_CLOSED) return NULL;
        CHECK_STATUS(MARTLET_OK, status);
        status = martlet_log_poll(shared->engine, &json, NULL);
        martlet_free(json);
        if (status == MARTLET_ERROR_CLOSED) return NULL;
        CHECK_STATUS(MARTLET_OK, status);
    }
}

static void begin(struct shared *shared, pthread_t *threads, void *(*const bodies[])(void *), size_t kinds) {
    memset(shared, 0, sizeof *shared);
    shared->engine = open_engine(
        "{\"environment\":\"development\",\"outcomes\":\"events\",\"queue\":{\"maxEvents\":2000},\"lanes\":2}");
    add_webhook(shared->engine, receiver_port(receiver), "/ok", NULL, 0);
    CHECK(pthread_barrier_init(&shared->start, NULL, THREADS + 1) == 0);
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, bodies[i % kinds], shared) == 0);
    }
    pthread_barrier_wait(&shared->start);
}

static void finish(struct shared *shared, pthread_t *threads) {
    for (size_t i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    pthread_barrier_destroy(&shared->start);
}

static void close_while_eight_push(void) {
    static void *(*const bodies[])(void *) = {push_until_closed};
    struct shared shared;
    pthread_t threads[THREADS];
    begin(&shared, threads, bodies, 1);
    CHECK(receiver_wait(receiver, PATH_OK, receiver_count(receiver, PATH_OK) + 100));
    int32_t status = martlet_engine_close(shared.engine, 30000);
    CHECK_STATUS(MARTLET_OK, status);
    finish(&shared, threads);
    /* Every accepted event has exactly one outcome. */
    drain(shared.engine, shared.accepted, NULL);
    martlet_engine_free(shared.engine);
}

static void free_while_eight_push_and_poll(void) {
    static void *(*const bodies[])(void *) = {push_until_closed, poll_until_freed, read_until_freed, push_until_closed};
    for (int round = 0; round < 5; round++) {
        struct shared shared;
        pthread_t threads[THREADS];
        begin(&shared, threads, bodies, 4);
        CHECK(receiver_wait(receiver, PATH_OK, receiver_count(receiver, PATH_OK) + 20));
        martlet_engine_free(shared.engine);
        finish(&shared, threads);
    }
}

static void *free_handle(void *context) {
    struct shared *shared = context;
    pthread_barrier_wait(&shared->start);
    CHECK(martlet_engine_close(shared->engine, 5000) <= MARTLET_OK);
    martlet_engine_free(shared->engine);
    return NULL;
}

static void eight_close_and_free(void) {
    static void *(*const bodies[])(void *) = {free_handle};
    for (int round = 0; round < 20; round++) {
        struct shared shared;
        pthread_t threads[THREADS];
        begin(&shared, threads, bodies, 1);
        finish(&shared, threads);
        CHECK_STATUS(MARTLET_ERROR_CLOSED, martlet_engine_flush(shared.engine, 0));
    }
}

static void *open_and_free(void *context) {
    struct shared *shared = context;
    pthread_barrier_wait(&shared->start);
    for (int round = 0; round < 20; round++) {
        martlet_engine_t engine = open_engine("{\"lanes\":1}");
        CHECK_STATUS(MARTLET_OK, push_text(engine, "1", 0, NULL, NULL));
        martlet_engine_free(engine);
        CHECK_STATUS(MARTLET_ERROR_CLOSED, push_text(engine, "1", 0, NULL, NULL));
    }
    return NULL;
}

static void eight_open_and_free(void) {
    static void *(*const bodies[])(void *) = {open_and_free};
    struct shared shared;
    pthread_t threads[THREADS];
    begin(&shared, threads, bodies, 1);
    finish(&shared, threads);
    martlet_engine_free(shared.engine);
}

int main(void) {
    check_program = "threads";
    receiver = receiver_start();
    RUN(close_while_eight_push);
    RUN(free_while_eight_push_and_poll);
    RUN(eight_close_and_free);
    RUN(eight_open_and_free);
    receiver_stop(receiver);
    return 0;
}
