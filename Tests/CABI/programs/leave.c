/* A process that ends in the middle: without close, with attempts in flight, or from another thread.
   Each way of leaving is a process of its own that must end with code 0. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>

#include "host.h"

static receiver_t *receiver;

static martlet_engine_t busy_engine(const char *path) {
    char error[MARTLET_ERROR_SIZE];
    martlet_engine_t engine = open_engine("{\"environment\":\"development\"}");
    add_webhook(engine, receiver_port(receiver), path, NULL, 0);
    for (uint64_t tag = 0; tag < 20; tag++) CHECK_OK(push_text(engine, "{}", tag, NULL, error));
    return engine;
}

static void without_close(void) {
    busy_engine("/ok");
    CHECK(receiver_wait(receiver, PATH_OK, 20));
    exit(0);
}

static void with_attempts_in_flight(void) {
    busy_engine("/hang");
    CHECK(receiver_wait(receiver, PATH_HANG, 1));
    exit(0);
}

static void *push_for_ever(void *context) {
    for (;;) push_text((martlet_engine_t)context, "{}", 1, NULL, NULL);
    return NULL;
}

static void while_threads_push(void) {
    martlet_engine_t engine = busy_engine("/ok");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, push_for_ever, engine) == 0);
    CHECK(receiver_wait(receiver, PATH_OK, 100));
    exit(0);
}

static void *leave(void *context) {
    (void)context;
    exit(0);
}

static void from_another_thread_during_close(void) {
    martlet_engine_t engine = busy_engine("/hang");
    CHECK(receiver_wait(receiver, PATH_HANG, 1));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, leave, NULL) == 0);
    martlet_engine_close(engine, 10000);
    pthread_join(thread, NULL);
}

static void after_free(void) {
    martlet_engine_t engine = busy_engine("/hang");
    CHECK(receiver_wait(receiver, PATH_HANG, 1));
    martlet_engine_free(engine);
    exit(0);
}

static void by_itself(const char *name, void (*way)(void)) {
    check_test = name;
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(30);
        receiver = receiver_start();
        way();
        _exit(1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    printf("ok %s: %s\n", check_program, name);
}

#define BY_ITSELF(way) by_itself(#way, way)

int main(void) {
    check_program = "leave";
    BY_ITSELF(without_close);
    BY_ITSELF(with_attempts_in_flight);
    BY_ITSELF(while_threads_push);
    BY_ITSELF(from_another_thread_during_close);
    BY_ITSELF(after_free);
    return 0;
}
