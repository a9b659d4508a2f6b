/* Fork before and after open: the child gets a code at once, and the parent does not notice. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>

#include "every.h"

static receiver_t *receiver;
static const char *const configuration = "{\"environment\":\"development\",\"outcomes\":\"events\"}";

/* The child answers by its exit code; a hang is cut by the alarm. */
static pid_t fork_child(void) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) alarm(20);
    return child;
}

static void child_succeeded(pid_t child) {
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void deliver_one(martlet_engine_t engine, int port) {
    char error[MARTLET_ERROR_SIZE];
    add_webhook(engine, port, "/ok", NULL, 0);
    CHECK_OK(push_text(engine, "{}", 1, NULL, error));
    drain(engine, 1, NULL);
}

static void open_after_fork(void) {
    int port = receiver_port(receiver);
    size_t before = receiver_count(receiver, PATH_OK);
    pid_t child = fork_child();
    martlet_engine_t engine = open_engine(configuration);
    deliver_one(engine, port);
    CHECK_STATUS(MARTLET_OK, martlet_engine_close(engine, 10000));
    martlet_engine_free(engine);
    if (child == 0) _exit(0);
    child_succeeded(child);
    CHECK(receiver_count(receiver, PATH_OK) == before + 2);
}

static void fork_after_open(void) {
    martlet_engine_t engine = open_engine(configuration);
    deliver_one(engine, receiver_port(receiver));
    pid_t child = fork_child();
    if (child == 0) {
        every_function(engine, MARTLET_ERROR_FORKED);
        martlet_engine_free(engine);
        martlet_engine_free(engine);
        every_function(engine, MARTLET_ERROR_FORKED);
        _exit(0);
    }
    child_succeeded(child);
    deliver_one(engine, receiver_port(receiver));
    CHECK_STATUS(MARTLET_OK, martlet_engine_close(engine, 10000));
    martlet_engine_free(engine);
}

static void an_engine_of_its_own_in_the_child(void) {
    martlet_engine_t engine = open_engine(configuration);
    int port = receiver_port(receiver);
    pid_t child = fork_child();
    if (child == 0) {
        martlet_engine_t own = open_engine(configuration);
        deliver_one(own, port);
        every_function(engine, MARTLET_ERROR_FORKED);
        CHECK_STATUS(MARTLET_OK, martlet_engine_close(own, 10000));
        martlet_engine_free(own);
        every_function(own, MARTLET_ERROR_CLOSED);
        every_function(engine, MARTLET_ERROR_FORKED);
        _exit(0);
    }
    child_succeeded(child);
    deliver_one(engine, port);
    martlet_engine_free(engine);
}

struct shared {
    martlet_engine_t engine;
    int stop;
};

static void *push_until_stopped(void *context) {
    struct shared *shared = context;
    while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
        int32_t status = push_text(shared->engine, "{\"n\":1}", 1, NULL, NULL);
        CHECK(status == MARTLET_OK || status == MARTLET_ERROR_QUEUE_FULL);
    }
    return NULL;
}

/* Other threads are inside calls, and may hold any lock of the library, at the moment of the fork. */
static void fork_while_others_push(void) {
    struct shared shared = {
        open_engine("{\"environment\":\"development\",\"queue\":{\"maxEvents\":1000}}"), 0};
    pthread_t threads[4];
    add_webhook(shared.engine, receiver_port(receiver), "/ok", NULL, 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, push_until_stopped, &shared) == 0);
    for (int round = 0; round < 20; round++) {
        CHECK(receiver_wait(receiver, PATH_OK, receiver_count(receiver, PATH_OK) + 1));
        pid_t child = fork_child();
        if (child == 0) {
            every_function(shared.engine, MARTLET_ERROR_FORKED);
            martlet_engine_free(shared.engine);
            _exit(0);
        }
        child_succeeded(child);
    }
    __atomic_store_n(&shared.stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_STATUS(MARTLET_OK, martlet_engine_close(shared.engine, 30000));
    martlet_engine_free(shared.engine);
}

int main(void) {
    check_program = "forked";
    receiver = receiver_start();
    RUN(open_after_fork);
    RUN(fork_after_open);
    RUN(an_engine_of_its_own_in_the_child);
    RUN(fork_while_others_push);
    receiver_stop(receiver);
    return 0;
}
