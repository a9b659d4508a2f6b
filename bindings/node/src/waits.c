/*
 * Flush and close, which may wait for as long as their caller says.
 *
 * Each wait has a thread of its own for its time. On libuv's pool it would hold one of four threads, which files and
 * DNS of the whole process need, receivers in the same process among them; and process.exit() waits for the pool to
 * end. The thread makes one call of Martlet and touches nothing of JavaScript: its end wakes the event loop through a
 * thread-safe function, whose other half runs there.
 */

#include "addon.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

typedef int32_t (*wait_function)(martlet_engine_t engine, int64_t milliseconds);

struct wait {
    wait_function function;
    martlet_engine_t engine;
    int64_t milliseconds;
    int32_t status;
    napi_threadsafe_function loop;
    napi_deferred deferred;
    /* Keeps the engine from being collected. */
    napi_ref reference;

    pthread_mutex_t mutex;
    /* Under the mutex: the environment has let go, and `loop` is not valid any more. */
    bool is_gone;
    /* Under the mutex: the thread and the environment; the last one frees. */
    int holders;
};

/* Locked when it is called, unlocked or freed when it returns. */
static void let_go(struct wait *wait) {
    bool is_last = --wait->holders == 0;
    pthread_mutex_unlock(&wait->mutex);
    if (!is_last) return;
    pthread_mutex_destroy(&wait->mutex);
    free(wait);
}

static void *thread_main(void *data) {
    struct wait *wait = data;
    /* Returns soon, too, when the engine is freed meanwhile. */
    wait->status = wait->function(wait->engine, wait->milliseconds);
    pthread_mutex_lock(&wait->mutex);
    if (!wait->is_gone) {
        napi_call_threadsafe_function(wait->loop, NULL, napi_tsfn_nonblocking);
        napi_release_threadsafe_function(wait->loop, napi_tsfn_release);
    }
    let_go(wait);
    return NULL;
}

/* On the event loop, when the thread is done. Without an environment it is about to end and nobody waits. */
static void resolve(napi_env env, napi_value function, void *context, void *data) {
    (void)function;
    (void)data;
    struct wait *wait = context;
    napi_value nothing = NULL;
    if (env == NULL) return;
    if (wait->status == MARTLET_OK) check(env, napi_get_undefined(env, &nothing));
    settle(env, wait->deferred, nothing, nothing == NULL ? make_error(env, wait->status, NULL) : NULL);
}

/* On the event loop, after resolve() or when the environment ends before. */
static void release(napi_env env, void *data, void *hint) {
    (void)hint;
    struct wait *wait = data;
    if (wait->reference != NULL) napi_delete_reference(env, wait->reference);
    pthread_mutex_lock(&wait->mutex);
    wait->is_gone = true;
    let_go(wait);
}

/* No signal of the process is handled on the thread. */
static bool start_thread(struct wait *wait) {
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&thread, NULL, thread_main, wait);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure == 0) pthread_detach(thread);
    return failure == 0;
}

static napi_value wait_later(napi_env env, napi_callback_info info, wait_function function, const char *complaint) {
    napi_value arguments[2], name, promise;
    int64_t milliseconds;
    if (!get_arguments(env, info, 2, arguments)) return NULL;
    struct engine *engine = get_engine(env, arguments[0]);
    if (engine == NULL || !get_whole_number(env, arguments[1], complaint, &milliseconds)) return NULL;
    TRY(napi_create_string_utf8(env, "martlet", NAPI_AUTO_LENGTH, &name));

    struct wait *wait = calloc(1, sizeof *wait);
    if (wait == NULL) return throw_error(env, MARTLET_ERROR_OUT_OF_RESOURCES, "no memory for a wait");
    wait->function = function;
    wait->engine = engine->handle;
    wait->milliseconds = milliseconds;
    wait->holders = 2;
    pthread_mutex_init(&wait->mutex, NULL);
    if (!check(env, napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, wait, release, wait, resolve,
                                                    &wait->loop))) {
        pthread_mutex_destroy(&wait->mutex);
        free(wait);
        return NULL;
    }
    /* From here release() runs in any case. */
    if (check(env, napi_create_reference(env, arguments[0], 1, &wait->reference)) &&
        check(env, napi_create_promise(env, &wait->deferred, &promise))) {
        if (start_thread(wait)) return promise;
        throw_error(env, MARTLET_ERROR_OUT_OF_RESOURCES, "no thread for a wait");
    }
    wait->holders = 1;
    napi_release_threadsafe_function(wait->loop, napi_tsfn_abort);
    return NULL;
}

/* Functions of their own: the address of a library's would be looked up when the addon is loaded, before its version is
 * compared. */
static int32_t flush_engine(martlet_engine_t engine, int64_t milliseconds) {
    return martlet_engine_flush(engine, milliseconds);
}

static int32_t close_engine(martlet_engine_t engine, int64_t milliseconds) {
    return martlet_engine_close(engine, milliseconds);
}

napi_value flush_later(napi_env env, napi_callback_info info) {
    return wait_later(env, info, flush_engine, "the time to flush must be a number of milliseconds");
}

napi_value close_later(napi_env env, napi_callback_info info) {
    return wait_later(env, info, close_engine, "the time to close must be a number of milliseconds");
}
